/** Problems of the head's files, as far as a proposal brings them. */
import type { Issue } from "../model/issue.ts";

/** Those that the base does not have, whatever line they stand in; every error, because it holds something back. */
export function newIssues(after: readonly Issue[], before: readonly Issue[]): readonly Issue[] {
  const keyOf = ({ file, reason, field, found, message }: Issue): string =>
    JSON.stringify([file, reason, field, found, message]);
  const known = new Set(before.map(keyOf));
  return after.filter((issue) => issue.severity === "error" || !known.has(keyOf(issue)));
}

export interface IssueGroup {
  readonly first: Issue;
  readonly issues: readonly Issue[];
}

/** Those that say the same of several places, errors first. */
export function issueGroups(issues: readonly Issue[]): readonly IssueGroup[] {
  const groups = Map.groupBy(issues, ({ severity, reason, message, expected }) =>
    JSON.stringify([severity, reason, message, expected]),
  );
  return [...groups.values()]
    .flatMap((group) => (group[0] === undefined ? [] : [{ first: group[0], issues: group }]))
    .sort((a, b) => Number(a.first.severity !== "error") - Number(b.first.severity !== "error"));
}
