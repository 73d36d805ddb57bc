/** From a clone that proved itself to a reusable template: runbook 8.3, design section 13. */

import { type Actor, actorText } from "../../model/actor.ts";
import type { CloneState, ClosedMission } from "../../model/clone-state.ts";
import { digestOf } from "../../model/digest.ts";
import type { CloneEvent } from "../../model/event.ts";
import { SEVERITIES } from "../../model/incident.ts";
import type { Instant } from "../../model/time.ts";
import { withRequest } from "../questions/requests.ts";
import { ask, type Step, stay } from "../step.ts";

/** More restarts than these, and looking after it is no longer acceptable. */
const RESTARTS_MAX = 3;

/** One of the four conditions; the fourth, the sign-off, is the answer to the question. */
export interface TemplateCondition {
  readonly name: "pilot" | "incidents" | "maintenance";
  readonly ok: boolean;
  readonly evidence: string;
}

/** What speaks for and against. `interventionsMax` is the fleet's guardrail. */
export function templateConditions(
  closed: ClosedMission,
  interventionsMax: number,
): readonly TemplateCondition[] {
  const critical = closed.incidents.filter(({ severity }) => severity === SEVERITIES.at(-1));
  const { interventions, restarts } = closed.scorecard.maintainability;
  return [
    {
      name: "pilot",
      ok: closed.outcome === "accepted",
      evidence: `${closed.name} run ${closed.run} is ${closed.outcome}`,
    },
    {
      name: "incidents",
      ok: critical.length === 0,
      evidence:
        critical.length === 0
          ? "no critical incident"
          : critical.map(({ id, message }) => `${id}: ${message}`).join("; "),
    },
    {
      name: "maintenance",
      ok: interventions <= interventionsMax && restarts <= RESTARTS_MAX,
      evidence: `${interventions} interventions by hand (at most ${interventionsMax}), ${restarts} restarts (at most ${RESTARTS_MAX})`,
    },
  ];
}

/** Asks for the sign-off of somebody else. Refused while one of the other conditions is not met. */
export function onTemplateProposed(
  state: CloneState,
  event: Extract<CloneEvent, { type: "template.proposed" }>,
  at: Instant,
): Step {
  const closed = state.past.find(({ missionId }) => missionId === event.missionId);
  if (closed === undefined) return stay(state, "there is no such closed mission");
  if (closed.decision !== "undecided") return stay(state, `it is decided: ${closed.decision}`);
  const unmet = templateConditions(closed, event.interventionsMax).find(({ ok }) => !ok);
  if (unmet !== undefined) return stay(state, `${unmet.name} is not met: ${unmet.evidence}`);
  const conditions = templateConditions(closed, event.interventionsMax);
  return stay(
    withRequest(
      state,
      {
        kind: "template",
        severity: "low",
        summary: `${actorText(event.by)} proposes to make a template of ${closed.name}, with ${closed.doneWith.overlays.join(", ") || "its baseline alone"}`,
        evidence: [
          ...conditions.map(({ name, evidence }) => `${name}: ${evidence}`),
          `clone digest ${closed.doneWith.digest}`,
        ],
        answers: ["approve", "deny"],
        hold: null,
        requestedBy: event.by,
        binds: templateDigest(closed),
      },
      at,
    ),
  );
}

/** What a sign-off binds to: this mission's result, made with this clone. */
export function templateDigest(closed: ClosedMission): string {
  return digestOf({ mission: closed.missionId, doneWith: closed.doneWith, contract: closed.contractHash });
}

/** Signed off: the clone is kept, and the promotion is proposed as a change of the repository. */
export function promote(state: CloneState, binds: string | null, by: Actor): Step {
  const closed = state.past.find((past) => templateDigest(past) === binds);
  if (closed === undefined || closed.decision !== "undecided")
    return stay(state, "there is nothing left to promote");
  const decided: ClosedMission = { ...closed, decision: "template", decidedBy: by };
  return ask(
    { ...state, past: state.past.map((other) => (other === closed ? decided : other)) },
    { type: "promote", missionId: closed.missionId },
  );
}

export function onPromoted(
  state: CloneState,
  event: Extract<CloneEvent, { type: "promote.finished" }>,
): Step {
  const past = state.past.map((closed) =>
    closed.missionId === event.missionId ? { ...closed, promotedAt: event.evidence } : closed,
  );
  return stay({ ...state, past });
}
