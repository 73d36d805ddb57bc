/** Questions to people: asked once, acknowledged, answered, and brought back until they are. */

import {
  type Actor,
  actorText,
  isHuman,
  isProven,
  mayBeSame,
  provenNames,
  SUPERVISOR,
  shortName,
} from "../../model/actor.ts";
import { type CloneState, REQUESTS_MAX } from "../../model/clone-state.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Request } from "../../model/request.ts";
import { HOUR_MS, type Instant } from "../../model/time.ts";
import { type Step, stay } from "../step.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** An unanswered question comes back this often (design section 7). */
export const REMIND_MS = 4 * HOUR_MS;

export type NewRequest = Pick<Request, "kind" | "severity" | "summary" | "evidence" | "answers" | "hold"> &
  Partial<
    Pick<
      Request,
      "owner" | "requestedBy" | "approvers" | "barred" | "binds" | "expiresAt" | "quorum" | "remindMs"
    >
  >;

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
    requestedBy: SUPERVISOR,
    approvers: [],
    barred: [],
    binds: null,
    expiresAt: null,
    quorum: 1,
    ...asked,
    id: nextRequestId(state, asked.kind),
    openedAt: at,
    acknowledged: null,
    remindAt: at + (asked.remindMs ?? REMIND_MS),
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
  if (open.acknowledged !== null) return stay(state, `acknowledged by ${actorText(open.acknowledged.by)}`);
  const acknowledged: Request = {
    ...open,
    acknowledged: { by: event.by, at },
    remindAt: at + (open.remindMs ?? REMIND_MS),
  };
  return stay(replaced(state, open, acknowledged));
}

/**
 * Null for those who may approve it. By what a token or a forge has proven, and by no name that somebody gives himself;
 * what is no person approves nothing. Everybody may deny: stop always wins.
 */
export function whyNotApprover(request: Request, by: Actor): string | null {
  const name = shortName(by);
  if (!isHuman(by)) return `${name} is no person, and only people approve`;
  const same = [request.requestedBy, ...request.barred].find((one) => mayBeSame(one, by));
  if (
    same !== undefined &&
    shortName(same).toLowerCase() !== name.toLowerCase() &&
    isProven(same) !== isProven(by)
  )
    return `${name} cannot be told from ${shortName(same)}, who asked for it: one of them came with the shared token, which proves no name; both need a token of their own`;
  if (same !== undefined) return `${name} asked for it; another person has to approve it`;
  // Forges and tokens tell no two names apart by the size of their letters.
  const proven = provenNames(by).map((one) => one.toLowerCase());
  if (request.approvers.length > 0 && !request.approvers.some((one) => proven.includes(one.toLowerCase())))
    return `${name} may not approve it; ${request.approvers.join(" or ")} may`;
  return null;
}

/** The open question as it is now. */
export function replaced(state: CloneState, old: Request, renewed: Request): CloneState {
  return { ...state, requests: state.requests.map((open) => (open.id === old.id ? renewed : open)) };
}
