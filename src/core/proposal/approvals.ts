import { loosened } from "../approvals/loosened.ts";
import { approversText, requirementsFor } from "../approvals/rules.ts";
import { APPROVED_FLEET, type Subject } from "../model/approvals.ts";
import type { DesiredState } from "../model/desired.ts";
import type { ApprovalNeed } from "./explanation.ts";

/**
 * Who has to agree before what a change brings is obeyed, by the rules of the base. Null where nobody is asked and no forge is named:
 * then there is nothing to be said. Who has agreed already is the forge's to tell.
 */
export function approvalNeeds(base: DesiredState | null, head: DesiredState): readonly ApprovalNeed[] | null {
  if (base === null) return null;
  const { approvals: policy, forge } = base.fleet;
  if (policy.mode === "none") return forge === null ? null : [];
  return [...(head.subjects?.values() ?? [])]
    .filter((subject) => isNews(base.subjects?.get(subject.name), subject))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((subject) =>
      requirementsFor(policy, subject.facts).map(({ count, people, teams }) => ({
        subject: subject.name,
        count,
        from: [...people, ...teams.map((team) => `team ${team}`)],
        why: whyOf(subject, approversText({ count, people, teams }, policy.mode)),
        given: [],
      })),
    );
}

function isNews(before: Subject | undefined, after: Subject): boolean {
  if (before === undefined || before.run !== after.run || before.digest !== after.digest) return true;
  return before.limits !== null && after.limits !== null && loosened(before.limits, after.limits).length > 0;
}

function whyOf({ name }: Subject, from: string): string {
  const what =
    name === APPROVED_FLEET ? "the rules for approvals or the forge change" : "it starts, or may do more";
  return `${what}; from ${from}, and never the author`;
}
