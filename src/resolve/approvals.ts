import { type ApprovalPolicy, type ApprovalRule, NO_APPROVALS } from "../core/model/approvals.ts";
import type { Approvals } from "../documents/schema/approvals.ts";

/** `spec.approvals` in the words of the core; absent: nobody is asked. */
export function approvalPolicy(declared: Approvals | undefined): ApprovalPolicy {
  if (declared === undefined) return NO_APPROVALS;
  return { mode: declared.mode, rules: declared.rules.map(ruleOf), otherwise: declared.default };
}

function ruleOf({ when, count, people, teams }: Approvals["rules"][number]): ApprovalRule {
  const { mission_type, cost_over_usd, labels, isolation, secrets, path } = when;
  return {
    count,
    people,
    teams,
    when: {
      ...(mission_type === undefined ? {} : { missionTypes: mission_type }),
      ...(cost_over_usd === undefined ? {} : { costOverUsd: cost_over_usd }),
      ...(labels === undefined ? {} : { labels }),
      ...(isolation === undefined ? {} : { isolation }),
      ...(secrets === undefined ? {} : { secrets }),
      ...(path === undefined ? {} : { paths: path }),
    },
  };
}
