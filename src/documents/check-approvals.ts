import type { Finding } from "./schema/explain.ts";
import type { FleetSpec } from "./schema/fleet.ts";

/** Where people review, somebody has to have said whether their approval is waited for. */
export function checkApprovals({ forge, approvals }: Pick<FleetSpec, "forge" | "approvals">): Finding[] {
  if (forge !== undefined && approvals === undefined)
    return [
      {
        path: ["spec", "forge"],
        reason: "ApprovalsNotStated",
        message: "a forge is declared, and nothing says whether missions wait for approvals there",
        expected:
          "`approvals: {mode: forge}` (one person who may write, and never the author), or `approvals: {mode: none}` as a choice that is shown",
      },
    ];
  if (approvals?.mode === "forge" && forge === undefined)
    return [
      {
        path: ["spec", "approvals", "mode"],
        reason: "ForgeMissing",
        message: "approvals are asked for at a forge, and none is declared, so nothing could ever start",
        found: "forge",
        expected: "`spec.forge` beside it",
      },
    ];
  if (approvals?.mode !== "signatures") return [];
  return [...approvals.rules.entries()]
    .flatMap(([index, { teams }]) => noTeams(["rules", index], teams))
    .concat(noTeams(["default"], approvals.default.teams));
}

/** A list of signers knows names and keys. */
function noTeams(path: readonly (string | number)[], teams: readonly string[]): Finding[] {
  if (teams.length === 0) return [];
  return [
    {
      path: ["spec", "approvals", ...path, "teams"],
      reason: "TeamsNeedForge",
      message: "signatures are of people, and no forge is asked who is in a team",
      found: teams.join(", "),
      expected: "`people`, by the names of the list of signers",
    },
  ];
}
