/** Questions to people: asked once, acknowledged, answered, and brought back until they are. */
import { assertNever } from "../model/error.ts";
import type { CloneEvent } from "../model/event.ts";
import { SEVERITIES, type Severity } from "../model/incident.ts";
import { BUDGET_FIELDS, type Decided, type Request } from "../model/request.ts";
import { HOUR_MS, type Instant } from "../model/time.ts";
import { answeredBlocked } from "./blocked.ts";
import { type Step, stay, withMission, withoutHolds } from "./change.ts";
import { decidedAction } from "./freeze.ts";
import { limitsInForce, raiseBudget } from "./raise.ts";
import { ANSWERED_MAX, type CloneState, REQUESTS_MAX } from "./state.ts";
import { goOnFromStuck } from "./stuck.ts";
import { answerAgent } from "./tell.ts";
import { promote } from "./template.ts";
import { end } from "./want.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** An unanswered question comes back this often (design section 7). */
export const REMIND_MS = 4 * HOUR_MS;
/** A question becomes more serious with each of this many returns, and then stays as it is. */
const BUMPS_MAX = 2;

export type NewRequest = Pick<Request, "kind" | "severity" | "summary" | "evidence" | "answers" | "hold"> &
  Partial<Pick<Request, "owner" | "requestedBy" | "approvers" | "barred" | "binds" | "expiresAt" | "quorum">>;

/**
 * Asks, unless the same question is open already: one per kind and hold owner,
 * or per digest where it binds to one. The open one takes up the newer facts and keeps its id.
 */
export function withRequest(state: CloneState, asked: NewRequest, at: Instant): CloneState {
  const same = state.requests.find(
    (open) =>
      open.kind === asked.kind &&
      open.binds === (asked.binds ?? null) &&
      open.hold?.owner === asked.hold?.owner,
  );
  if (same !== undefined) {
    const renewed: Request = { ...same, summary: asked.summary, evidence: asked.evidence };
    return { ...state, requests: state.requests.map((open) => (open === same ? renewed : open)) };
  }
  const n = state.requestsMade + 1;
  const request: Request = {
    owner: "simone",
    requestedBy: "supervisor",
    approvers: [],
    barred: [],
    binds: null,
    expiresAt: null,
    quorum: 1,
    ...asked,
    id: nextRequestId(state, asked.kind),
    openedAt: at,
    acknowledged: null,
    remindAt: at + REMIND_MS,
    reminders: 0,
    votes: [],
  };
  return { ...state, requests: [...state.requests, request].slice(-REQUESTS_MAX), requestsMade: n };
}

/** The id that the next question of this lane gets. */
export function nextRequestId(state: CloneState, kind: Request["kind"]): string {
  return `${state.mission?.name ?? state.name}.${kind}.${state.requestsMade + 1}`;
}

/** Questions whose subject is gone are not asked any longer. */
export function withoutRequests(state: CloneState, leaves: (request: Request) => boolean): CloneState {
  const requests = state.requests.filter((request) => !leaves(request));
  return requests.length === state.requests.length ? state : { ...state, requests };
}

export function dueRequests(state: CloneState, now: Instant): CloneEvent[] {
  return state.requests
    .filter(({ remindAt, expiresAt }) => now >= remindAt || (expiresAt !== null && now >= expiresAt))
    .map(({ id }) => ({ type: "request.reminded", request: id }));
}

export function onAcknowledged(state: CloneState, event: Of<"request.acknowledged">, at: Instant): Step {
  const open = state.requests.find(({ id }) => id === event.request);
  if (open === undefined) return stay(state, "there is no such open question");
  if (open.acknowledged !== null) return stay(state, `acknowledged by ${open.acknowledged.by}`);
  const acknowledged: Request = {
    ...open,
    acknowledged: { by: event.by, at },
    remindAt: at + REMIND_MS,
  };
  return stay(replaced(state, open, acknowledged));
}

/** It comes back more serious, at most twice; the acknowledgement is used up. One that expired is denied. */
export function onReminded(state: CloneState, event: Of<"request.reminded">, at: Instant): Step {
  const open = state.requests.find(({ id }) => id === event.request);
  if (open === undefined) return stay(state, "there is no such open question");
  if (open.expiresAt !== null && at >= open.expiresAt) {
    return answer(state, open, { decision: { type: "deny" }, by: "supervisor", reason: "expired" }, at);
  }
  const reminded: Request = {
    ...open,
    severity: open.reminders < BUMPS_MAX ? moreSerious(open.severity) : open.severity,
    reminders: open.reminders + 1,
    acknowledged: null,
    remindAt: at + REMIND_MS,
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
  if (open.votes.some(({ by }) => by === event.by)) return stay(state, `${event.by} has agreed already`);
  const agrees = event.decision.type === "approve";
  const votes = agrees ? [...open.votes, { by: event.by, at }] : open.votes;
  if (agrees && votes.length < open.quorum) return stay(replaced(state, open, { ...open, votes }));
  return answer(replaced(state, open, { ...open, votes }), { ...open, votes }, event, at);
}

/** Null for whoever may approve it. Everybody may deny: stop always wins. */
export function whyNotApprover(request: Request, by: string): string | null {
  const name = by.replace(/^operator:/, "");
  if (request.requestedBy === by || request.barred.includes(name))
    return `${name} asked for it, and somebody else has to approve it`;
  if (request.approvers.length > 0 && !request.approvers.includes(name))
    return `${name} may not approve it; ${request.approvers.join(" or ")} may`;
  return null;
}

interface Answer {
  readonly decision: Decided;
  readonly by: string;
  readonly reason: string;
}

/** Takes the question away and does what the answer says. */
function answer(state: CloneState, open: Request, { decision, by, reason }: Answer, at: Instant): Step {
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
      return end(counted, at, {
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
function isIntervention({ kind }: Request, by: string): boolean {
  return by !== "supervisor" && kind !== "approval" && kind !== "template";
}

/** Where an agent waits for more than a hold to be lifted, it hears what the person had to say. */
function wentOn(
  state: CloneState,
  { kind }: Request,
  word: { readonly by: string; readonly reason: string },
  at: Instant,
): Step {
  if (kind === "stuck") return goOnFromStuck(state, word, at);
  if (kind !== "blocked") return stay(state);
  const text = word.reason === "" ? "Go on." : word.reason;
  return answerAgent(answeredBlocked(state, at), { by: word.by, text }, at);
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

function replaced(state: CloneState, old: Request, renewed: Request): CloneState {
  return { ...state, requests: state.requests.map((open) => (open.id === old.id ? renewed : open)) };
}

function moreSerious(severity: Severity): Severity {
  return SEVERITIES[Math.min(SEVERITIES.indexOf(severity) + 1, SEVERITIES.length - 1)] ?? severity;
}
