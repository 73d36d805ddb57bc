/** What becomes of a lane that an action froze, and of an action that waited for a person. */

import type { ActionApproval } from "../../model/action.ts";
import type { Actor } from "../../model/actor.ts";
import { ANSWERED_MAX, APPROVALS_MAX, type CloneState, RELEASES_MAX } from "../../model/clone-state.ts";
import type { Hold } from "../../model/hold.ts";
import type { IncidentClass } from "../../model/incident.ts";
import type { DecisionType, Request } from "../../model/request.ts";
import type { Instant } from "../../model/time.ts";
import { endIncidents, withMission } from "../step.ts";

export const ACTION_INCIDENTS: readonly IncidentClass[] = [
  "duplicate_action",
  "action_conflict",
  "unknown_action",
];

interface Answered {
  readonly open: Request;
  readonly decision: DecisionType;
  readonly by: Actor;
  readonly at: Instant;
}

/** What an answer means for the one action that the question was about. */
export function decidedAction(state: CloneState, { open, decision, by, at }: Answered): CloneState {
  if (open.binds === null) return state;
  if (open.kind === "approval" && decision !== "go_on") {
    const approval: ActionApproval = {
      digest: open.binds,
      decision: decision === "approve" ? "approved" : "denied",
      request: open.id,
      by: decision === "approve" ? open.votes.map((vote) => vote.by) : [by],
      at,
    };
    const approvals = [...(state.mission?.approvals ?? []), approval].slice(-APPROVALS_MAX);
    return withMission(state, { approvals });
  }
  if (open.kind === "lane" && decision === "go_on") return released(state, open.binds, at);
  return state;
}

/** `factory resume` and `factory release` on a frozen lane answer the questions that went with its holds. */
export function releasedByHand(
  state: CloneState,
  { event, lifted }: { event: { readonly by: Actor; readonly reason: string }; lifted: readonly Hold[] },
  at: Instant,
): CloneState {
  const isAnswered = ({ kind, hold }: Request): boolean =>
    kind === "lane" && lifted.some((one) => one.kind === hold?.kind && one.owner === hold.owner);
  const answered = state.requests.filter(isAnswered);
  if (answered.length === 0) return state;
  let next: CloneState = { ...state, requests: state.requests.filter((one) => !isAnswered(one)) };
  for (const open of answered) {
    const { id, kind, openedAt } = open;
    const said = {
      id,
      kind,
      openedAt,
      decidedAt: at,
      by: event.by,
      decision: "go_on",
      detail: event.reason,
    } as const;
    next = withMission(next, { answered: [...(next.mission?.answered ?? []), said].slice(-ANSWERED_MAX) });
    if (open.binds !== null) next = released(next, open.binds, at);
  }
  return next;
}

/** From now on the action does not freeze the lane for what was before. Its incident is over when no other holds the lane. */
function released(state: CloneState, key: string, at: Instant): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  const entries = Object.entries({ ...mission.released, [key]: at });
  const kept = entries.sort(([, a], [, b]) => a - b).slice(-RELEASES_MAX);
  const next = withMission(state, { released: Object.fromEntries(kept) });
  const others = state.requests.some(({ kind, binds }) => kind === "lane" && binds !== key);
  return others ? next : endIncidents(next, ACTION_INCIDENTS, at);
}
