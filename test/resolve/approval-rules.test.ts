import { describe, expect, test } from "vitest";
import { formatIssue } from "../../src/documents/issue.ts";
import { changed, resolve } from "./fleet.ts";

const withRule = (fields: string) =>
  resolve(
    changed(
      "fleet.yaml",
      "{action: repository_write, approvers: [simone]}",
      `{action: repository_write, ${fields}}`,
    ),
  ).desired;

describe("an approval that nobody gives", () => {
  const MINUTE = 60_000;
  test.each([
    ["quorum: 1", null],
    ["on_timeout: hold", null],
    ["on_timeout: deny", 1_440 * MINUTE],
    ["expires_minutes: 30", 30 * MINUTE],
    ["expires_minutes: 30, on_timeout: deny", 30 * MINUTE],
  ])("with %s", (fields, expiresMs) => {
    const { fleet, issues } = withRule(fields);
    expect(issues).toEqual([]);
    expect(fleet.approvalRules).toMatchObject([{ action: "repository_write", expiresMs }]);
  });

  test("comes back as often as it is said", () => {
    expect(withRule("ask_again_minutes: 30").fleet.approvalRules[0]?.remindMs).toBe(30 * MINUTE);
    expect(withRule("quorum: 1").fleet.approvalRules[0]).not.toHaveProperty("remindMs");
  });

  test("does not hold and expire", () => {
    const { issues } = withRule("on_timeout: hold, expires_minutes: 30");
    expect(issues.map(formatIssue).join()).toMatch(
      /fleet\.yaml:\d+:\d+.*with `on_timeout: hold` nothing expires/,
    );
  });
});
