import { assertNever } from "../model/error.ts";
import type { FleetEvent, FleetEventOf, FleetEventType } from "../model/fleet-event.ts";
import { type FleetState, INITIAL_FLEET } from "../model/fleet-state.ts";
import type { Instant } from "../model/time.ts";
import { APPROVAL_EVENTS } from "./approvals/approval-events.ts";
import { DELETION_EVENTS } from "./deletions/deletion-events.ts";
import { DESTINATION_EVENTS } from "./destinations/destination-events.ts";
import { DRILL_EVENTS } from "./drills/drill-events.ts";
import { type FleetRule, type FleetRules, isIgnored } from "./event-rules.ts";
import { GUARDRAIL_EVENTS } from "./guardrails/guardrail-events.ts";
import { SWITCH_EVENTS } from "./kill-switch/switch-events.ts";
import { ORIGIN_EVENTS } from "./record/origin-events.ts";
import { STATUS_EVENTS } from "./record/status-events.ts";
import { ROLLOUT_EVENTS } from "./rollouts/rollout-events.ts";
import { THREAD_EVENTS } from "./threads/thread-events.ts";

export interface FleetDecision {
  readonly state: FleetState;
  /** Why the event changed nothing but the version, where it did not; it is recorded all the same. */
  readonly ignored?: string;
}

/**
 * What one event means for the whole fleet. Pure: the stored state is the fold of the fleet's events, so everything
 * that holds for the fleet can be rebuilt and explained. It looks nothing up and has no effects: what follows for a
 * clone (a kill, a declaration) is an event of that clone.
 *
 * What can happen, by topic, stands in the tables of the folders beside this file, each beside its rules.
 */
export function decideFleet(state: FleetState, event: FleetEvent, at: Instant): FleetDecision {
  const answer = ruleOf(event.type).on(state, event, at);
  const { version } = state;
  return isIgnored(answer)
    ? { state: { ...state, version: version + 1 }, ignored: answer.ignored }
    : { state: { ...answer, version: version + 1 } };
}

/** One event as one line for people; who did it and when stands beside it. */
export function describeFleet(event: FleetEvent): string {
  return ruleOf(event.type).describe(event);
}

/** The state after these events. */
export function foldFleet(
  events: Iterable<{ readonly event: FleetEvent; readonly at: Instant }>,
  from: FleetState = INITIAL_FLEET,
): FleetState {
  let state = from;
  for (const { event, at } of events) ({ state } = decideFleet(state, event, at));
  return state;
}

const RULES: FleetRules<FleetState, FleetEventType> = {
  ...ORIGIN_EVENTS,
  ...STATUS_EVENTS,
  ...inPart("killSwitch", SWITCH_EVENTS),
  ...inPart("guardrails", GUARDRAIL_EVENTS),
  ...inPart("rollouts", ROLLOUT_EVENTS),
  ...inPart("drills", DRILL_EVENTS),
  ...inPart("pendingDeletion", DELETION_EVENTS),
  ...inPart("destinations", DESTINATION_EVENTS),
  ...inPart("approvals", APPROVAL_EVENTS),
  ...inPart("threads", THREAD_EVENTS),
};

/** Throws for a type that this program does not know: a record of a newer program is not guessed at. */
function ruleOf<Type extends FleetEventType>(type: Type): FleetRule<FleetState, Type> {
  return Object.hasOwn(RULES, type) ? RULES[type] : assertNever(type as never);
}

/** FleetRules of one part, as rules of the whole. */
function inPart<Name extends keyof FleetState, Type extends FleetEventType>(
  name: Name,
  rules: FleetRules<FleetState[Name], Type>,
): FleetRules<FleetState, Type> {
  const entries = Object.entries(rules) as [Type, FleetRule<FleetState[Name], Type>][];
  return Object.fromEntries(
    entries.map(([type, { on, describe }]) => [
      type,
      {
        describe,
        on(state: FleetState, event: FleetEventOf<Type>, at: Instant) {
          const answer = on(state[name], event, at);
          return isIgnored(answer) ? answer : { ...state, [name]: answer };
        },
      },
    ]),
  ) as unknown as FleetRules<FleetState, Type>;
}
