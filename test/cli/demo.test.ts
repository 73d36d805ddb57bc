import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createScratch, git, type Scratch } from "../support/git.ts";
import { ended, eventually, factory, start } from "./support.ts";

/** The missions take seconds; on a loaded machine, more of them. */
const DEMO_TIMEOUT_MS = 170_000;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await createScratch("factory-demo");
});
afterAll(() => scratch.remove());

interface DemoResult {
  readonly origin: string;
  readonly status_ref: string;
  readonly data: string;
  readonly missions: readonly {
    readonly name: string;
    readonly mission_id: string;
    readonly phase: string;
    readonly outcome: string;
    readonly scorecard: {
      readonly quality: { readonly criteria_met: number; readonly criteria_total: number };
    };
  }[];
}

test(
  "the demo completes every sample mission and leaves the evidence in the origin",
  async () => {
    const dir = join(scratch.path, "demo");
    const { code, stdout, stderr } = await ended(
      start({ cwd: scratch.path }, ["demo", "--dir", dir, "--json"]),
      DEMO_TIMEOUT_MS,
    );
    expect(stderr).toBe("");
    const result = JSON.parse(stdout) as DemoResult;
    expect(result).toMatchObject({ origin: join(dir, "origin.git"), data: join(dir, "data") });
    expect(result.missions.map((mission) => mission.name)).toEqual(
      expect.arrayContaining(["docs-links", "license-audit"]),
    );
    for (const { name, mission_id, phase, outcome, scorecard } of result.missions) {
      expect([name, phase, outcome]).toEqual([name, "Completed", "accepted"]);
      expect(mission_id).toMatch(/^m_[0-9a-f]{24}$/);
      expect(scorecard.quality.criteria_met).toBe(scorecard.quality.criteria_total);
      const report = await git(result.origin, ["show", `${result.status_ref}:missions/${name}/closure.md`]);
      expect(report).toMatch(/## Proof of death/);
    }
    expect(code).toBe(0);
    // The story: a fleet without missions first, then a merge that asks for them.
    const merges = await git(result.origin, ["log", "--merges", "--format=%s", "main"]);
    expect(merges).toBe("Merge pull request #1 from sample-missions");
    const first = await git(result.origin, ["rev-list", "--max-parents=0", "main"]);
    expect(await git(result.origin, ["ls-tree", "--name-only", first, "missions/"])).toBe("");
    // The controller has ended by itself.
    const announced = JSON.parse(await readFile(join(dir, "data", "controller.json"), "utf8")) as {
      pid: number | null;
    };
    expect(announced.pid).toBeNull();
  },
  DEMO_TIMEOUT_MS,
);

test("the demo touches nothing that is there", async () => {
  writeFileSync(join(scratch.path, "mine.txt"), "mine");
  const { code, stdout, stderr } = await factory({ cwd: scratch.path }, "demo", "--dir", scratch.path);
  expect(stderr).toMatch(/is not empty/);
  expect([code, stdout]).toEqual([2, ""]);
});

test("interrupted, it takes everything down that it started", async () => {
  const dir = join(scratch.path, "interrupted");
  const child = start({ cwd: scratch.path }, ["demo", "--dir", dir]);
  let seen = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    seen += chunk.toString("utf8");
  });
  const over = ended(child);
  try {
    await eventually(() => (/ (Starting|Running): /.test(seen) ? true : null), "a mission that starts");
  } finally {
    child.kill("SIGINT");
  }
  const { code, stderr } = await over;
  expect(stderr).toMatch(/^error: interrupted; /);
  expect(code).toBe(1);
  const processes = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" }).stdout;
  expect(processes.split("\n").filter((line) => line.includes(dir))).toEqual([]);
});
