/** Which actions wait for a person, for whom, and what was decided about one of them. */
import type { ActionApproval, ActionRule } from "../model/action.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { Request } from "../model/request.ts";

/** Whether actions of this type wait for a person on this lane: by its overlays, the fleet's rules, or the mission's contract. */
export function needsApproval(state: CloneState, action: string): boolean {
  const { spec, mission } = state;
  return (
    spec?.approvalRequired.includes(action) === true ||
    mission?.contract.constraints.approval_required.includes(action) === true
  );
}

/** Who has to agree. Without a rule of the fleet: one operator, whenever they come to it. */
export function ruleFor(state: CloneState, action: string): ActionRule {
  return (
    state.spec?.approvalRules?.find((rule) => rule.action === action) ?? {
      action,
      approvers: [],
      quorum: 1,
      expiresMs: null,
    }
  );
}

/** What was decided about this exact action, newest first. */
export function decisionOn(state: CloneState, digest: string): ActionApproval | null {
  return state.mission?.approvals.findLast((approval) => approval.digest === digest) ?? null;
}

/** The question about the lane that this action froze, while it is open. */
export function openFreeze(state: CloneState, key: string): Request | null {
  return state.requests.find(({ kind, binds }) => kind === "lane" && binds === key) ?? null;
}

/** The question about this exact action, while it is open. */
export function openApproval(state: CloneState, digest: string): Request | null {
  return state.requests.find(({ kind, binds }) => kind === "approval" && binds === digest) ?? null;
}
