/** What an answer does: each kind of question has its own consequence, and one that nobody answers comes back. */
import { type Actor, actorText, isHuman, mayBeSame, SUPERVISOR } from "../../model/actor.ts";
import { ANSWERED_MAX, type CloneState } from "../../model/clone-state.ts";
import { assertNever } from "../../model/error.ts";
import type { CloneEvent } from "../../model/event.ts";
import { SEVERITIES, type Severity } from "../../model/incident.ts";
import { BUDGET_FIELDS, type Decided, type Request } from "../../model/request.ts";
import type { Instant } from "../../model/time.ts";
import { answerOverLimit } from "../closing/over-limit-answer.ts";
import { promote } from "../closing/template.ts";
import { answeredBlocked } from "../conduct/blocked.ts";
import { decidedAction } from "../conduct/lane-freeze.ts";
import { sendMessage } from "../conduct/messages.ts";
import { goOnFromStuck } from "../conduct/stuck.ts";
import { limitsInForce, raiseBudget } from "../spending/raise.ts";
import { type Step, stay, withMission, withoutHolds } from "../step.ts";
import { endMission } from "../stop/end-mission.ts";
import { REMIND_MS, replaced, whyNotApprover, withoutRequests } from "./requests.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** A question becomes more serious with each of this many returns, and then stays as it is. */
const BUMPS_MAX = 2;

/** It comes back more serious, at most twice; the acknowledgement is used up. One that expired is denied. */
export function onReminded(state: CloneState, event: Of<"request.reminded">, at: Instant): Step {
  const open = state.requests.find(({ id }) => id === event.request);
  if (open === undefined) return stay(state, "there is no such open question");
  if (open.expiresAt !== null && at >= open.expiresAt) {
    return answer(state, open, { decision: { type: "deny" }, by: SUPERVISOR, reason: "expired" }, at);
  }
  const reminded: Request = {
    ...open,
    severity: open.reminders < BUMPS_MAX ? moreSerious(open.severity) : open.severity,
    reminders: open.reminders + 1,
    acknowledged: null,
    remindAt: at + (open.remindMs ?? REMIND_MS),
  };
  return stay(replaced(state, open, reminded));
}

export function onRequestDecided(state: CloneState, event: Of<"request.decided">, at: Instant): Step {
  const open = state.requests.find(({ id }) => id === event.request);
  if (open === undefined) return stay(state, "there is no such open question");
  if (!open.answers.includes(event.decision.type))
    return stay(state, `${event.decision.type} is no answer to it; ${open.answers.join(" or ")} is`);
  const barred = event.decision.type === "approve" ? whyNotApprover(open, event.by) : null;
  if (barred !== null) return stay(state, barred);
  if (open.votes.some(({ by }) => mayBeSame(by, event.by)))
    return stay(state, `${actorText(event.by)} has agreed already`);
  const agrees = event.decision.type === "approve";
  const votes = agrees ? [...open.votes, { by: event.by, at }] : open.votes;
  if (agrees && votes.length < open.quorum) return stay(replaced(state, open, { ...open, votes }));
  return answer(replaced(state, open, { ...open, votes }), { ...open, votes }, event, at);
}

interface Answer {
  readonly decision: Decided;
  readonly by: Actor;
  readonly reason: string;
}

/** Takes the question away and does what the answer says. */
function answer(state: CloneState, open: Request, { decision, by, reason }: Answer, at: Instant): Step {
  // Its mission is closed: what is said belongs there, and not to the one that may have the lane now.
  if (open.kind === "overspent")
    return answerOverLimit(state, open, { decision: decision.type, by, reason }, at);
  const counted = withMission(
    withoutRequests(state, ({ id }) => id === open.id),
    {
      interventions: (state.mission?.interventions ?? 0) + (isIntervention(open, by) ? 1 : 0),
      answered: [
        ...(state.mission?.answered ?? []),
        {
          id: open.id,
          kind: open.kind,
          openedAt: open.openedAt,
          decidedAt: at,
          by,
          decision: decision.type,
          detail: decision.type === "raise" ? raiseText(state, decision) : reason,
        },
      ].slice(-ANSWERED_MAX),
    },
  );
  switch (decision.type) {
    case "stop":
      return endMission(counted, at, {
        status: "cancelled",
        by,
        reason: `stopped by decision on ${open.id}${reason === "" ? "" : `: ${reason}`}`,
        enter: "cancel",
      });
    case "raise":
      return stay(lifted(raiseBudget(counted, decision.budget, { by, at, request: open.id }), open));
    case "go_on": {
      const decided = decidedAction(counted, { open, decision: decision.type, by, at });
      return wentOn(lifted(decided, open), open, { by, reason }, at);
    }
    case "approve":
      if (open.kind === "template") return promote(counted, open.binds, by);
      return stay(lifted(decidedAction(counted, { open, decision: decision.type, by, at }), open));
    case "deny":
      return stay(lifted(decidedAction(counted, { open, decision: decision.type, by, at }), open));
    default:
      return assertNever(decision);
  }
}

/** An approval that the contract asks for is part of the work; what had to be put right by hand is not. */
function isIntervention({ kind }: Request, by: Actor): boolean {
  return isHuman(by) && kind !== "approval" && kind !== "template";
}

/** Where an agent waits for more than a hold to be lifted, it hears what the person had to say. */
function wentOn(
  state: CloneState,
  { kind }: Request,
  word: { readonly by: Actor; readonly reason: string },
  at: Instant,
): Step {
  if (kind === "stuck") return goOnFromStuck(state, word, at);
  if (kind !== "blocked") return stay(state);
  const text = word.reason === "" ? "Go on." : word.reason;
  return sendMessage(answeredBlocked(state, at), { by: word.by, text }, at);
}

function raiseText(state: CloneState, decision: Extract<Decided, { type: "raise" }>): string {
  if (state.mission === null) return "";
  const before = limitsInForce(state.mission).budget;
  // In one order, whatever the order in which they were given: the record keeps them sorted.
  return BUDGET_FIELDS.filter((field) => decision.budget[field] !== undefined)
    .map((field) => `${field}: ${before[field] ?? "none"} → ${decision.budget[field]}`)
    .join(", ");
}

function lifted(state: CloneState, { hold }: Request): CloneState {
  if (hold === null) return state;
  return withoutHolds(state, ({ kind, owner }) => kind === hold.kind && owner === hold.owner);
}

function moreSerious(severity: Severity): Severity {
  return SEVERITIES[Math.min(SEVERITIES.indexOf(severity) + 1, SEVERITIES.length - 1)] ?? severity;
}
