/** What a person says about a mission that was closed beyond its limit. */

import type { Actor } from "../../model/actor.ts";
import { ANSWERED_MAX, type CloneState, type OverLimit } from "../../model/clone-state.ts";
import type { DecisionType, Request } from "../../model/request.ts";
import type { Instant } from "../../model/time.ts";
import { withoutRequests } from "../questions/requests.ts";
import { type Step, stay } from "../step.ts";
import { outcomeOf } from "./close.ts";
import { outcomeBeyond } from "./over-limit.ts";
import { settle } from "./review.ts";

const WORD_OF = { approve: "approved", deny: "denied" } as const;

/** The question goes, the word is kept with the closed mission, and its outcome follows. */
export function answerOverLimit(
  state: CloneState,
  open: Request,
  { decision, by, reason }: { readonly decision: DecisionType; readonly by: Actor; readonly reason: string },
  at: Instant,
): Step {
  const free = withoutRequests(state, ({ id }) => id === open.id);
  const closed = free.past.find(({ missionId }) => missionId === open.binds);
  if (closed?.over == null) return stay(free);
  const word = decision === "approve" || decision === "deny" ? WORD_OF[decision] : "known";
  const over: OverLimit = { ...closed.over, word, by };
  const { id, kind, openedAt } = open;
  const answer = { id, kind, openedAt, decidedAt: at, by, decision, detail: reason };
  const answered = [...closed.answered, answer].slice(-ANSWERED_MAX);
  const judged =
    closed.verdict === null
      ? { outcome: closed.outcome, reason: closed.outcomeReason }
      : outcomeBeyond(outcomeOf(closed.verdict), over);
  return settle(free, { closed, as: { ...closed, over, answered }, ...judged }, at);
}
