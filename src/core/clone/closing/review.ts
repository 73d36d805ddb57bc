/** What people say about a mission that is closed already: the criteria that only they can judge. */

import { repositoryAt } from "../../model/actor.ts";
import type { CloneState, ClosedMission } from "../../model/clone-state.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Outcome } from "../../model/mission.ts";
import type { Instant } from "../../model/time.ts";
import type { Verdict } from "../../model/verdict.ts";
import { type Step, stay } from "../step.ts";
import { carryOut, outcomeOf } from "./close.ts";
import { outcomeBeyond } from "./over-limit.ts";
import { reviewed } from "./scorecard.ts";

/**
 * Criteria with `review: human` leave an outcome pending; a person's word
 * settles them, and with the last one the outcome. What a program has judged no
 * word changes. A word that was given may be changed until the outcome is settled.
 */
export function onReviewed(
  state: CloneState,
  event: Extract<CloneEvent, { type: "review.recorded" }>,
  at: Instant,
): Step {
  const closed = state.past.find(({ missionId }) => missionId === event.missionId);
  if (closed?.verdict == null) return stay(state, "there is no such judged mission");
  if (closed.outcome !== "pending") return stay(state, `it is ${closed.outcome}`);
  const verdict = withWords(closed.verdict, event, at);
  if (verdict === null) return stay(state, "no criterion of it waits for a person under these names");
  const judged = outcomeBeyond(outcomeOf(verdict), closed.over ?? null);
  return settle(state, { closed, as: { ...closed, verdict }, ...judged }, at);
}

/** The outcome as people have settled it, and what becomes of the clone where that only waited for it. */
export function settle(
  state: CloneState,
  {
    closed,
    as,
    outcome,
    reason,
  }: {
    readonly closed: ClosedMission;
    readonly as: ClosedMission;
    readonly outcome: Outcome;
    readonly reason: string;
  },
  at: Instant,
): Step {
  const judged: ClosedMission = {
    ...as,
    outcome,
    outcomeReason: reason,
    scorecard: as.verdict === null ? as.scorecard : reviewed(as.scorecard, as.verdict, outcome),
  };
  const next = { ...state, past: state.past.map((other) => (other === closed ? judged : other)) };
  const wish = state.spec?.afterClosure ?? "ask";
  const newest = closed === state.past.at(-1);
  if (outcome !== "accepted" || judged.decision !== "undecided" || !newest) return stay(next);
  if (wish !== "retire" && wish !== "standby") return stay(next);
  const decidedBy = repositoryAt(state.spec?.revision ?? null);
  const decided: ClosedMission = { ...judged, decision: wish, decidedBy };
  return carryOut(
    { ...next, past: next.past.map((other) => (other === judged ? decided : other)) },
    decided,
    at,
  );
}

/** Null when none of the names is a criterion that a person judges. */
function withWords(
  verdict: Verdict,
  event: Extract<CloneEvent, { type: "review.recorded" }>,
  at: Instant,
): Verdict | null {
  const words = new Map(event.criteria.map(({ id, met }) => [id, met]));
  let found = false;
  const criteria = verdict.criteria.map((criterion) => {
    const met = words.get(criterion.id);
    const byPeople = criterion.state === "pending" || criterion.review !== undefined;
    if (met === undefined || !byPeople) return criterion;
    found = true;
    return {
      ...criterion,
      state: met ? ("met" as const) : ("unmet" as const),
      review: { by: event.by, at, note: event.note },
    };
  });
  return found ? { ...verdict, criteria } : null;
}
