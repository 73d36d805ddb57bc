/**
 * Actors in states and events from records in which they were texts. Each function leaves what is an actor already as
 * it is; nothing else of the value is looked at.
 */
import { type Actor, upgradeActor } from "./actor.ts";
import type { ClosedMission, MissionState } from "./clone-state.ts";
import type { CloneEvent } from "./event.ts";
import type { Request } from "./request.ts";
import type { Verdict } from "./verdict.ts";

/** As it may stand in a record of either kind. */
type Stored = Actor | string;

/** For reading an event of the journal. Its hash is over the text that was stored, so only readers upgrade it. */
export function upgradeEventActors(event: CloneEvent): CloneEvent {
  const stored = event as { readonly by?: Stored; readonly requestedBy?: readonly Stored[] };
  if (typeof stored.by === "string") return { ...event, by: upgradeActor(stored.by) } as CloneEvent;
  if (event.type === "approval.requested" && event.requestedBy.some((one: Stored) => typeof one === "string"))
    return { ...event, requestedBy: event.requestedBy.map(upgradeActor) };
  return event;
}

export function upgradeRequestActors(request: Request, clone: string): Request {
  return {
    ...request,
    requestedBy: upgradeAsker(request.requestedBy, clone),
    barred: request.barred.map((one) => upgradeAsker(one, clone)),
    acknowledged: request.acknowledged === null ? null : signed(request.acknowledged),
    votes: request.votes.map(signed),
  };
}

/** Of a mission, living or closed: what both have. */
export function upgradeMissionActors<
  T extends Pick<MissionState | ClosedMission, "answered" | "conduct" | "terminal">,
>(mission: T, clone: string): T {
  const { terminal, conduct } = mission;
  return {
    ...mission,
    answered: mission.answered.map(signed),
    conduct: { ...conduct, messages: conduct.messages.map(signed) },
    terminal: terminal === null ? null : { ...terminal, by: upgradeEnder(terminal.by, clone) },
  };
}

export function upgradeApprovalActors(mission: MissionState): MissionState {
  return {
    ...mission,
    approvals: mission.approvals.map((approval) => ({ ...approval, by: upgradeAgreed(approval.by) })),
    raises: Object.fromEntries(
      Object.entries(mission.raises).map(([field, raise]) => [field, raise === null ? raise : signed(raise)]),
    ),
  };
}

export function upgradeClosureActors(closed: ClosedMission): ClosedMission {
  return {
    ...closed,
    decidedBy: closed.decidedBy === null ? null : upgradeDecider(closed.decidedBy),
    verdict: closed.verdict === null ? null : upgradeReviews(closed.verdict),
  };
}

function upgradeReviews(verdict: Verdict): Verdict {
  if (!verdict.criteria.some(({ review }) => typeof (review?.by as Stored | undefined) === "string"))
    return verdict;
  return {
    ...verdict,
    criteria: verdict.criteria.map((one) =>
      one.review === undefined ? one : { ...one, review: signed(one.review) },
    ),
  };
}

function signed<T extends { readonly by: Actor }>(value: T): T {
  return typeof (value.by as Stored) === "string" ? { ...value, by: upgradeActor(value.by) } : value;
}

/** A question that an action raised named the clone. */
function upgradeAsker(stored: Stored, clone: string): Actor {
  return stored === clone ? { type: "instance", clone, epoch: null } : upgradeActor(stored);
}

/** `clone` stood for the clone's own last word. */
function upgradeEnder(stored: Stored, clone: string): Actor {
  return stored === "clone" ? { type: "instance", clone, epoch: null } : upgradeActor(stored);
}

/** The declaration was a sentence of its own. */
function upgradeDecider(stored: Stored): Actor {
  return stored === "declared in the clone's file"
    ? { type: "repository", commit: null }
    : upgradeActor(stored);
}

/** Those who agreed stood in one text. */
function upgradeAgreed(stored: readonly Actor[] | string): readonly Actor[] {
  return typeof stored === "string" ? stored.split(", ").map(upgradeActor) : stored;
}
