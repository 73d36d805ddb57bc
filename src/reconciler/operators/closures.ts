/** What people decide about missions that are closed: reviews, and what becomes of the clone. */

import { templateConditions } from "../../core/clone/closing/template.ts";
import type { Actor } from "../../core/model/actor.ts";
import type { CloneState, ClosedMission } from "../../core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../core/model/desired.ts";
import type { OperationHandlers } from "../../ports/control-plane.ts";
import { type Judged, type Lanes, orderOnLane } from "./lane-order.ts";

export interface ClosureOrderParts extends Lanes {
  /** Of `fleet.yaml` as it was read last; null before. */
  policy(): FleetPolicy | null;
}

export function closureOrders(parts: ClosureOrderParts): Pick<OperationHandlers, "review" | "decideClosure"> {
  const onClosed = (name: string, judge: (closed: ClosedMission, state: CloneState) => Judged) =>
    orderOnLane(parts, name, (state) => {
      const closed = state.past.findLast((past) => past.name === name || state.name === name);
      return closed === undefined ? `${name} has no closed mission` : judge(closed, state);
    });

  return {
    review: ({ name, criteria, reason: note }, by) =>
      onClosed(name, (closed) => review(closed, { criteria, note, by })),
    decideClosure: ({ name, decision }, by) =>
      onClosed(name, (closed, state) =>
        decision === "template"
          ? template(closed, { by, interventionsMax: interventionsMax(parts.policy()) })
          : decide(closed, state, { decision, by }),
      ),
  };
}

function review(
  closed: ClosedMission,
  said: {
    readonly criteria: readonly { readonly id: string; readonly met: boolean }[];
    readonly note: string;
    readonly by: Actor;
  },
): Judged {
  const { criteria, note, by } = said;
  if (closed.outcome !== "pending") return `${closed.name} is ${closed.outcome} already`;
  const open = (closed.verdict?.criteria ?? []).filter(
    ({ state, review: before }) => state === "pending" || before !== undefined,
  );
  const unknown = criteria.find(({ id }) => !open.some((one) => one.id === id));
  if (unknown !== undefined || criteria.length === 0)
    return `${unknown === undefined ? "no criterion was named" : `${unknown.id} is no criterion that a person judges`}; these are: ${open.map(({ id }) => id).join(", ")}`;
  return {
    events: [{ type: "review.recorded", missionId: closed.missionId, criteria, by, note }],
    done: (after) => {
      const now = after.past.find(({ missionId }) => missionId === closed.missionId);
      return `${closed.name} is ${now?.outcome ?? "unknown"}: ${now?.outcomeReason ?? ""}`;
    },
  };
}

function decide(
  closed: ClosedMission,
  state: CloneState,
  { decision, by }: { readonly decision: "retire" | "standby"; readonly by: Actor },
): Judged {
  if (closed.decision !== "undecided") return decidedAlready(closed);
  if (decision === "retire" && state.mission !== null)
    return `${state.name} works on ${state.mission.name}; decide when that is closed`;
  return {
    events: [{ type: "closure.decided", missionId: closed.missionId, decision, by }],
    done: () => `decided: ${decision}`,
  };
}

/** A template is proposed, and signed off by somebody else. */
function template(
  closed: ClosedMission,
  { by, interventionsMax }: { readonly by: Actor; readonly interventionsMax: number },
): Judged {
  if (closed.decision !== "undecided") return decidedAlready(closed);
  const unmet = templateConditions(closed, interventionsMax).filter(({ ok }) => !ok);
  if (unmet.length > 0)
    return `${closed.name} cannot become a template: ${unmet.map(({ name, evidence }) => `${name} (${evidence})`).join("; ")}`;
  return {
    events: [{ type: "template.proposed", missionId: closed.missionId, by, interventionsMax }],
    done: (after) =>
      `proposed; somebody else signs it off: factory decide ${after.requests.find(({ kind }) => kind === "template")?.id ?? "<request>"} --approve`,
  };
}

function interventionsMax(policy: FleetPolicy | null): number {
  return (policy ?? DEFAULT_FLEET_POLICY).guardrails.maxInterventionsPerMission;
}

function decidedAlready({ decision }: ClosedMission): string {
  return `it is decided already: ${decision}`;
}
