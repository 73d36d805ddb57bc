import { describe, expect, test } from "vitest";
import type { Issue } from "../../../src/core/model/issue.ts";
import {
  checkOfConflict,
  checkOfFailure,
  checkOfPlan,
  PROBLEMS_MAX,
} from "../../../src/core/reviews/check.ts";

const issue = (change: Partial<Issue> = {}): Issue => ({
  severity: "error",
  reason: "UnknownField",
  file: "missions/m.yaml",
  line: 4,
  message: "there is no such field",
  ...change,
});

describe("the check of a proposal", () => {
  test("fails with an error, and shows each problem at its line", () => {
    const problems = [
      issue({ field: "spec.objektive", found: "objektive", expected: "did you mean objective" }),
    ];
    const check = checkOfPlan({ verdict: "starts 1; 1 error", issues: problems });
    expect(check).toMatchObject({ conclusion: "failure", title: "starts 1; 1 error" });
    expect(check.problems).toEqual([
      {
        path: "missions/m.yaml",
        line: 4,
        level: "failure",
        title: "UnknownField",
        message: "spec.objektive: there is no such field (found objektive, expected did you mean objective)",
      },
    ]);
  });

  test("succeeds with warnings alone; what is about the whole file stands at its beginning", () => {
    const { line: _, ...whole } = issue({ severity: "warning" });
    const check = checkOfPlan({ verdict: "", issues: [whole] });
    expect(check.conclusion).toBe("success");
    expect(check.problems).toMatchObject([{ line: 1, level: "warning" }]);
  });

  test("shows errors first where there are too many problems, and says how many are not shown", () => {
    const many = Array.from({ length: PROBLEMS_MAX }, (_, line) =>
      issue({ severity: "warning", line: line + 1 }),
    );
    const check = checkOfPlan({ verdict: "", issues: [...many, issue({ line: 999 })] });
    expect(check.problems).toHaveLength(PROBLEMS_MAX);
    expect(check.problems[0]).toMatchObject({ line: 999, level: "failure" });
    expect(check.summary).toContain("1 further problems are not shown");
  });

  test("names the files that stand in the way of a merge, and nothing in a name is markup", () => {
    const paths = ["a`b\n# c.yaml", ...Array.from({ length: 30 }, (_, index) => `missions/${index}.yaml`)];
    const check = checkOfConflict(paths, "main");
    expect(check).toMatchObject({ conclusion: "failure", problems: [] });
    expect(check.title).toBe("cannot be merged into main: 31 files are in conflict");
    expect(check.summary).toContain("- `a'b'# c.yaml`");
    expect(check.summary).toContain("and 11 more");
  });

  test("says why there is no plan", () => {
    expect(checkOfFailure("it takes too long")).toMatchObject({
      conclusion: "failure",
      title: "no plan could be made",
      summary: expect.stringContaining("it takes too long"),
    });
  });
});
