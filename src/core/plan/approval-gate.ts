import {
  APPROVAL_FRESH_MS,
  APPROVED_FLEET,
  approvalKey,
  type ObservedApprovals,
} from "../model/approvals.ts";
import type { DesiredState } from "../model/desired.ts";
import type { DesiredMission } from "../model/mission.ts";
import { type Instant, iso } from "../model/time.ts";
import type { Held, Obstacle } from "./step.ts";

/** Asked by a plan before anything begins. Null at every question: nobody has to be asked. */
export interface ApprovalGate {
  /** Why a mission as it is declared may not begin, and no limit of it may be loosened. */
  obstacle(mission: Pick<DesiredMission, "name">): Obstacle | null;
  /** Said of the fleet: its rules themselves wait. */
  held(): readonly Held[];
  /** Names of the subjects that were asked about; they are what is to be kept fresh. */
  asked(): readonly string[];
}

/** Nothing begins on what was not heard, or was heard too long ago: what is not known is not approved. */
export function createApprovalGate(
  desired: DesiredState | null,
  approvals: ObservedApprovals | undefined,
  now: Instant,
): ApprovalGate {
  const asked = new Set<string>();

  function obstacleOf(name: string): Obstacle | null {
    if (approvals === undefined) return null;
    asked.add(name);
    const key = approvalKey(desired?.subjects?.get(name));
    const verdict = key === null ? undefined : approvals.verdicts.get(key);
    if (verdict === undefined)
      return { reason: "ApprovalUnknown", message: "the forge has not said yet whether it was approved" };
    if (verdict.type === "missing") return { reason: "ApprovalMissing", message: verdict.message };
    if (verdict.type === "unknown")
      return {
        reason: "ApprovalUnknown",
        message: `since ${iso(verdict.since)} it cannot be found out whether it was approved: ${verdict.message}`,
      };
    if (now - verdict.at <= APPROVAL_FRESH_MS) return null;
    return {
      reason: "ApprovalUnknown",
      message: `${verdict.message}; that was heard too long ago, and the forge is asked once more`,
    };
  }

  return {
    obstacle: ({ name }) => obstacleOf(`mission/${name}`),
    held() {
      if (approvals?.rulesWait !== true) return [];
      const obstacle = obstacleOf(APPROVED_FLEET);
      if (obstacle === null) return [];
      const message = `its rules for approvals changed, and those of before stay in force: ${obstacle.message}`;
      return [{ subject: "fleet", step: "update", reason: obstacle.reason, message }];
    },
    asked: () => [...asked],
  };
}
