import { describe, expect, test } from "vitest";
import { problemsOf } from "../../../support/forge/description.ts";

const request = (method: string, path: string, query = "", body: object | null = null) => ({
  method,
  path,
  query: new URLSearchParams(query),
  body: body === null ? "" : JSON.stringify(body),
});
const CHECK = { name: "factory", head_sha: "a".repeat(40), status: "completed", conclusion: "success" };

/** That every request of ours is checked is no proof unless a wrong one is noticed. */
describe("GitHub's description", () => {
  test("knows what we send", () => {
    expect(problemsOf(request("GET", "/repos/acme/fleet/pulls", "state=open&per_page=50&page=2"))).toEqual(
      [],
    );
    expect(problemsOf(request("POST", "/repos/acme/fleet/check-runs", "", CHECK))).toEqual([]);
  });

  test.each([
    ["a place that is none", request("GET", "/repos/acme/fleet/pull-requests"), "knows no such request"],
    ["a method that is not for it", request("DELETE", "/repos/acme/fleet/pulls"), "knows no such request"],
    [
      "a query field that is none",
      request("GET", "/repos/acme/fleet/pulls", "status=open"),
      "no query field status",
    ],
    ["a value that is none", request("GET", "/repos/acme/fleet/pulls", "state=opened"), "state"],
    ["a number that is none", request("GET", "/repos/acme/fleet/pulls/seven"), "pull_number"],
    ["a body that is missing", request("POST", "/repos/acme/fleet/check-runs"), "there is no body"],
    [
      "a field that is none",
      request("POST", "/repos/acme/fleet/check-runs", "", { ...CHECK, sha: "x" }),
      "no field sha",
    ],
    ["a field that is missing", request("POST", "/repos/acme/fleet/issues/7/comments", "", {}), "body"],
    [
      "more annotations than a request takes",
      request("POST", "/repos/acme/fleet/check-runs", "", {
        ...CHECK,
        output: {
          title: "t",
          summary: "s",
          annotations: Array.from({ length: 51 }, () => ({
            path: "a",
            start_line: 1,
            end_line: 1,
            annotation_level: "failure",
            message: "m",
          })),
        },
      }),
      "annotations",
    ],
  ])("notices %s", (_, asked, problem) => {
    expect(problemsOf(asked).join("\n")).toContain(problem);
  });
});
