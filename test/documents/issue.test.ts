import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import type { Issue } from "../../src/core/model/issue.ts";
import { countIssues, formatIssue, formatIssues, sortIssues } from "../../src/documents/issue.ts";
import { nearest } from "../../src/documents/suggest.ts";

const issue: Issue = {
  severity: "error",
  reason: "TooLarge",
  file: "missions/a.yaml",
  line: 12,
  column: 3,
  field: "spec.run",
  message: "the number is too large",
  found: "9",
  expected: "at most 5",
};

describe("formatIssue", () => {
  it("is one line that editors can jump to", () => {
    expect(formatIssue(issue)).toBe(
      "missions/a.yaml:12:3 error TooLarge spec.run: the number is too large (found 9, expected at most 5)",
    );
  });

  it("leaves out what is not known", () => {
    expect(formatIssue({ severity: "warning", reason: "X", file: "a", message: "m" })).toBe("a warning X m");
  });

  it("shows control characters instead of sending them to the terminal", () => {
    expect(formatIssue({ ...issue, file: "missions/\u001b[2J.yaml", found: "a\nb" })).not.toMatch(
      /[\u001b\n]/,
    );
  });
});

describe("formatIssues", () => {
  it("orders by place and counts", () => {
    const text = formatIssues([
      issue,
      { ...issue, line: 2 },
      { ...issue, file: "a.yaml", severity: "warning" },
    ]);
    expect(text.split("\n").map((line) => line.split(" ")[0])).toEqual([
      "a.yaml:12:3",
      "missions/a.yaml:2:3",
      "missions/a.yaml:12:3",
      "2",
      "",
    ]);
    expect(text).toContain("2 errors, 1 warning");
  });

  it("wraps at words", () => {
    const rows = formatIssues([issue], { width: 40 }).trimEnd().split("\n");
    for (const row of rows) expect(row.length).toBeLessThanOrEqual(40);
    expect(
      rows
        .slice(0, -1)
        .map((row) => row.trim())
        .join(" "),
    ).toBe(formatIssue(issue));
  });

  it("says the same in colour", () => {
    const text = formatIssues([issue], { color: true });
    expect(text).toContain("\u001b[");
    expect(stripVTControlCharacters(text)).toBe(formatIssues([issue]));
  });

  it("says so when there is nothing", () => {
    expect(countIssues([])).toBe("no problems");
  });

  it("sorts without changing what it was given", () => {
    const given = [issue, { ...issue, line: 1 }];
    sortIssues(given);
    expect(given[0]).toBe(issue);
  });
});

describe("nearest", () => {
  it.each([
    ["lables", "labels"],
    ["objectiv", "objective"],
    ["missionType", "mission_type"],
    ["duration", "duration_minutes"],
    ["xyz", null],
    ["", null],
  ])("%s → %s", (word, expected) => {
    expect(nearest(word, ["labels", "objective", "mission_type", "duration_minutes", "run"])).toBe(expected);
  });
});
