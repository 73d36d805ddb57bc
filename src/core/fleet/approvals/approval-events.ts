import type { ApprovalsInForce } from "../../model/approvals.ts";
import type { ApprovalsEvent } from "../../model/fleet-event.ts";
import { sameValue } from "../../model/same.ts";
import { type FleetRules, ignored } from "../event-rules.ts";

export const APPROVAL_EVENTS: FleetRules<ApprovalsInForce | undefined, ApprovalsEvent["type"]> = {
  "approvals.adopted": {
    on: (before, { inForce }) => (sameValue(before, inForce) ? ignored("they are in force") : inForce),
    describe: ({ inForce: { policy, revision, because } }) =>
      `the approval rules of commit ${revision.slice(0, 12)} are in force: ${policy.mode === "none" ? "no approvals are asked for" : `${policy.rules.length} rules, asked at the forge`}${because === null ? "" : `; ${because}`}`,
  },
};
