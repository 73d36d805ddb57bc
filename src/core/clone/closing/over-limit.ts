/** A mission that reached all of a limit: its closure says so, and a person says what it means. */

import { LIMIT_OF, levelOf, rounded } from "../../model/budget-rule.ts";
import type { CloneState, ClosedMission, MissionState, OverLimit } from "../../model/clone-state.ts";
import { METERS } from "../../model/event.ts";
import type { Outcome } from "../../model/mission.ts";
import type { Instant } from "../../model/time.ts";
import { withRequest } from "../questions/requests.ts";
import { floorOf } from "../spending/budget.ts";
import { limitsInForce } from "../spending/raise.ts";
import { withIncident } from "../step.ts";

/**
 * Null while every meter is below its limit. Whoever stopped it by a decision on its budget has had the question, and
 * so has whoever wrote its postmortem.
 */
export function overLimitOf(state: CloneState, mission: MissionState): OverLimit | null {
  const used = state.instance ?? { llmCalls: null, costMicros: null };
  const floor = floorOf(state, mission, { used, activeMs: mission.activeMs });
  const { budget, budget_thresholds: thresholds } = limitsInForce(mission);
  const meters = METERS.filter(
    (meter) => levelOf(floor[meter], budget[LIMIT_OF[meter]], thresholds) === "stop",
  );
  if (meters.length === 0) return null;
  const text = meters
    .map((meter) => `${meter} is at ${rounded(floor[meter])} of ${budget[LIMIT_OF[meter]]}`)
    .join(", ");
  const stopped = mission.answered.findLast(({ kind }) => kind === "budget")?.decision === "stop";
  const word = stopped || mission.postmortem !== null ? "known" : "open";
  return { meters, text, word, by: null };
}

/** An incident, unless one tells of it already. */
export function withOverspentIncident(state: CloneState, over: OverLimit | null, at: Instant): CloneState {
  const told = state.mission?.incidents.some(({ class: of }) => of === "overspent" || of === "runaway");
  if (over === null || told === true) return state;
  return withIncident(state, {
    class: "overspent",
    at,
    message: `closed beyond its limit: ${over.text}`,
    over: true,
  });
}

/** What a result is worth that cost more than was allowed: nobody but a person accepts it. */
export function outcomeBeyond(
  judged: { readonly outcome: Outcome; readonly reason: string },
  over: OverLimit | null,
): { readonly outcome: Outcome; readonly reason: string } {
  if (over === null || judged.outcome !== "accepted") return judged;
  if (over.word === "denied")
    return { outcome: "rejected", reason: `${over.text}, and that was not accepted` };
  if (over.word === "open") return { outcome: "pending", reason: `${over.text}: waits for a person` };
  return judged;
}

/** Asked of the closed mission, and open until somebody answers; the lane is free meanwhile. */
export function askAboutOverLimit(state: CloneState, closed: ClosedMission, at: Instant): CloneState {
  const { over } = closed;
  if (over == null || over.word !== "open") return state;
  const judged = closed.verdict !== null;
  return withRequest(
    state,
    {
      kind: "overspent",
      severity: "high",
      summary: judged
        ? `${closed.name} run ${closed.run} went beyond its limit: ${over.text}; is its result accepted?`
        : `${closed.name} run ${closed.run} ended beyond its limit: ${over.text}`,
      evidence: [
        `it is ${closed.terminal.status}: ${closed.terminal.reason}`,
        ...closed.incidents.map(({ id, message }) => `${id}: ${message}`),
      ],
      answers: judged ? ["approve", "deny"] : ["go_on"],
      hold: null,
      binds: closed.missionId,
    },
    at,
  );
}
