import {
  APPROVED_FLEET,
  type ApprovalPolicy,
  type Approvers,
  type RuleConditions,
  type Subject,
  type SubjectFacts,
} from "../model/approvals.ts";
import { digestOf } from "../model/digest.ts";
import type { ForgePolicy } from "../model/forge.ts";

/** The rules themselves, and where they are asked, as what somebody approves. */
export function rulesSubject(approvals: ApprovalPolicy, forge: ForgePolicy | null): Subject {
  const file = ["fleet.yaml"];
  return {
    name: APPROVED_FLEET,
    run: APPROVED_FLEET,
    digest: digestOf({ approvals, forge }),
    limits: null,
    facts: {
      missionType: null,
      costUsd: null,
      labels: {},
      isolation: null,
      secrets: [],
      paths: file,
      watched: file,
      clone: null,
      contract: null,
    },
  };
}

/** Every set of approvers that the rules ask for; never none while somebody has to be asked. */
export function requirementsFor(policy: ApprovalPolicy, facts: SubjectFacts): readonly Approvers[] {
  const fitting = policy.rules.filter(({ when }) => fits(when, facts));
  return fitting.length === 0 ? [policy.otherwise] : fitting;
}

function fits(when: RuleConditions, facts: SubjectFacts): boolean {
  const { missionTypes, costOverUsd, labels, isolation, secrets, paths } = when;
  return (
    (missionTypes === undefined ||
      (facts.missionType !== null && missionTypes.includes(facts.missionType))) &&
    (costOverUsd === undefined || isDearer(facts, costOverUsd)) &&
    (labels === undefined || Object.entries(labels).every(([name, value]) => facts.labels[name] === value)) &&
    (isolation === undefined || (facts.isolation !== null && isolation.includes(facts.isolation))) &&
    (secrets === undefined || facts.secrets.length > 0 === secrets) &&
    (paths === undefined || facts.paths.some((path) => paths.some((pattern) => matches(pattern, path))))
  );
}

/** A mission that nothing limits may cost anything. */
function isDearer({ missionType, costUsd }: SubjectFacts, usd: number): boolean {
  return missionType !== null && (costUsd === null || costUsd > usd);
}

/** `*` and `**` as in a .gitignore; a pattern that ends in `/` means everything below. */
function matches(pattern: string, path: string): boolean {
  const whole = pattern.endsWith("/") ? `${pattern}**` : pattern;
  const parts = whole.split(/(\*\*\/?|\*)/).map((part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    return part === "*" ? "[^/]*" : part.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`).test(path);
}

/** `team platform`, `ann or ben`, `somebody who may write to the repository` */
export function approversText({ people, teams }: Approvers, mode: ApprovalPolicy["mode"]): string {
  const anybody =
    mode === "signatures" ? "people of the list of signers" : "people who may write to the repository";
  const named = [...people, ...teams.map((team) => `a member of team ${team}`)];
  return named.length === 0 ? anybody : named.join(" or ");
}
