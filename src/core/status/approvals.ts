import type { ApprovalsInForce } from "../model/approvals.ts";

/** Whether anybody has to approve before something starts, for people. */
export interface ApprovalsView {
  readonly asked: boolean;
  /** A sentence. */
  readonly message: string;
}

/** Null: nobody was ever to be asked. */
export function approvalsView(inForce: ApprovalsInForce | null): ApprovalsView {
  if (inForce === null)
    return { asked: false, message: "no approvals are asked for: fleet.yaml names no forge" };
  const { policy, forge, revision } = inForce;
  const at = `as of commit ${revision.slice(0, 12)}`;
  if (policy.mode === "none" || forge === null)
    return {
      asked: false,
      message: `no approvals are asked for: fleet.yaml says \`approvals: {mode: none}\`, ${at}`,
    };
  const rules = policy.rules.length === 1 ? "1 rule" : `${policy.rules.length} rules`;
  return {
    asked: true,
    message: `asked at ${forge.type} ${forge.owner}/${forge.repository} by ${rules}, else ${policy.otherwise.count}, ${at}`,
  };
}
