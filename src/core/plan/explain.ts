import type { DesiredState } from "../model/desired.ts";
import { digestOf } from "../model/digest.ts";
import type { Instant } from "../model/time.ts";
import { changesOf, type PlannedChange, type PlannedStop, stopsOf } from "./explain-changes.ts";
import { type CostCeiling, costOf, type PlannedStart, startsOf } from "./explain-starts.ts";
import type { Plan } from "./plan.ts";
import { type RightsChange, rightsOf, type SecretTouched, secretsOf } from "./rights.ts";
import type { Held } from "./step.ts";

/** What a reviewer has to know before merging. All lists are ordered, so that equal plans read equally. */
export interface PlanExplanation {
  /** sha256 over everything that would be done, without the commits and the present time: equal plans have equal hashes. */
  readonly planHash: string;
  readonly base: string | null;
  readonly head: string;
  readonly starts: readonly PlannedStart[];
  readonly stops: readonly PlannedStop[];
  readonly changes: readonly PlannedChange[];
  readonly rights: readonly RightsChange[];
  readonly secrets: readonly SecretTouched[];
  readonly cost: CostCeiling;
  readonly blast: BlastRadius;
  /** What is not done, and why. A start that only waits for its time or a place is not here but among `starts`, with what it waits for. */
  readonly held: readonly Omit<Held, "waiting">[];
}

export interface BlastRadius {
  readonly touched: readonly string[];
  /** Clones of base and head together. */
  readonly total: number;
}

export interface ExplainInput {
  readonly base: DesiredState | null;
  readonly head: DesiredState;
  /** For the head, on what is observed or on the tree of the base (`observedOfTree`). */
  readonly plan: Plan;
  readonly now: Instant;
}

/** Turns a plan into what a reviewer asks: what starts, stops and changes, at which cost, with which rights. */
export function explainPlan({ base, head, plan, now }: ExplainInput): PlanExplanation {
  const { starts, waiting } = startsOf(plan, { base, head, now });
  const stops = stopsOf(plan.steps);
  const changes = changesOf(plan, stops);
  const rights = rightsOf(base, head);
  const secrets = secretsOf(base, head, new Set(starts.map((start) => start.clone)));
  const held = [
    ...plan.held.filter((one) => !waiting.has(one) && !stoppedBefore(one, base)),
    ...pausedOf(plan, head),
  ].map(({ subject, step, reason, message }) => ({ subject, step, reason, message }));
  const touched = new Set([
    ...plan.steps.map((step) => step.clone),
    ...starts.map((start) => start.clone),
    ...changes.flatMap(({ subject }) => (subject.startsWith("clone/") ? [subject.slice(6)] : [])),
  ]);
  const body = {
    starts: starts.map(({ when: _when, held: _held, missionId: _id, ...start }) => start),
    stops,
    changes,
    rights,
    secrets,
  };
  return {
    planHash: digestOf({
      ...body,
      held: held.map(({ subject, step, reason }) => ({ subject, step, reason })),
    }),
    base: base?.revision ?? null,
    head: head.revision,
    starts,
    stops,
    changes,
    rights,
    secrets,
    cost: costOf(starts),
    blast: {
      touched: [...touched].sort(),
      total: new Set([...(base?.clones.keys() ?? []), ...head.clones.keys()]).size,
    },
    held,
  };
}

/** Whether merging would do nothing at all, and hold nothing back. */
export function isEmptyPlan(plan: PlanExplanation): boolean {
  return plan.starts.length + plan.stops.length + plan.changes.length + plan.held.length === 0;
}

/** It is not dispatched, but nor was it before: nothing that this change does. */
function stoppedBefore({ subject, reason }: Held, base: DesiredState | null): boolean {
  if (reason !== "Cancelled" && reason !== "KillSwitchEngaged") return false;
  const limits = base?.missions.get(subject.replace(/^mission\//, ""))?.limits;
  return limits !== undefined && (limits.state === "cancelled" || limits.kill_switch.engaged);
}

/** Assigned, but not started: the file itself says so. */
function pausedOf({ assign }: Plan, head: DesiredState): Held[] {
  return assign.flatMap(({ mission }): Held[] => {
    if (mission === null || head.missions.get(mission)?.limits.state !== "paused") return [];
    const message = "its file says `state: paused`: it is assigned and waits";
    return [{ subject: `mission/${mission}`, step: "start", reason: "PausedInFile", message }];
  });
}
