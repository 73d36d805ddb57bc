import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ended, start } from "../cli/support.ts";
import { eventually } from "../e2e/world.ts";
import { createScratch, git, type Scratch } from "../support/git.ts";

/** `npm start`. The missions take seconds; on a loaded machine, more of them. */
const TIMEOUT_MS = 200_000;
const program = fileURLToPath(new URL("./main.ts", import.meta.url));

let scratch: Scratch;
beforeAll(async () => {
  scratch = await createScratch("factory-start");
});
afterAll(() => scratch.remove());

interface Result {
  readonly origin: string;
  readonly forge: string;
  readonly status_ref: string;
  readonly missions: readonly { readonly name: string; readonly phase: string; readonly outcome: string }[];
  readonly pulls: readonly {
    readonly number: number;
    readonly title: string;
    readonly by: string;
    readonly state: string;
  }[];
}

test(
  "npm start: the sample missions come by pull request and go by pull request, and what was said is left to read",
  async () => {
    const dir = join(scratch.path, "start");
    const run = await ended(start({ cwd: scratch.path, program }, ["--dir", dir, "--json"]), TIMEOUT_MS);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    const { missions, pulls, forge, origin, status_ref } = JSON.parse(run.stdout) as Result;
    const names = missions.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["docs-links", "license-audit"]));
    expect(missions.every(({ phase, outcome }) => phase === "Completed" && outcome === "accepted")).toBe(
      true,
    );
    expect(pulls[0]).toEqual({ number: 1, title: `Ask for ${names.join(", ")}`, by: "ann", state: "merged" });
    const closures = pulls.slice(1);
    expect(closures.map(({ by, state }) => `${by} ${state}`)).toEqual(names.map(() => "factory-bot merged"));

    const page = (number: number): string => readFileSync(join(forge, `pull-${number}.md`), "utf8");
    expect(page(1)).toContain("Check **factory** ✓ ");
    expect(page(1)).toContain("ben: approved");
    expect(page(1)).toMatch(/\*\*factory-bot\*\* wrote:\n\n## Factory plan\n/);
    for (const { number } of closures) {
      expect(page(number)).toMatch(/^By factory-bot, from `factory\/closure\/.*`: merged\.$/m);
      expect(page(number)).not.toMatch(/127\.0\.0\.1|localhost/);
      const links = [...page(number).matchAll(/\]\((files\/[^)]+)\)/g)].map(([, link = ""]) => link);
      expect(links.length).toBeGreaterThan(0);
      for (const link of links) expect(existsSync(join(forge, link)), link).toBe(true);
    }
    const list = readFileSync(join(forge, "README.md"), "utf8");
    expect(list.match(/\| merged \|/g)).toHaveLength(pulls.length);
    for (const name of names) {
      const report = await git(origin, ["show", `${status_ref}:missions/${name}/closure.md`]);
      expect(report).toMatch(/^\| Decision \| (?!undecided)/m);
    }
    expect(running(dir)).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "interrupted, it takes everything down that it started",
  async () => {
    const dir = join(scratch.path, "interrupted");
    const child = start({ cwd: scratch.path, program }, ["--dir", dir]);
    let seen = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk.toString("utf8");
    });
    const over = ended(child, TIMEOUT_MS);
    try {
      await eventually(
        () => seen,
        (text) => / (Starting|Running): /.test(text),
        () => "a mission that starts",
        120_000,
      );
    } finally {
      child.kill("SIGINT");
    }
    const { code, stderr } = await over;
    expect(stderr).toMatch(/^error: interrupted; /);
    expect(code).toBe(1);
    expect(running(dir)).toEqual([]);
  },
  TIMEOUT_MS,
);

test("wrong use and a folder that is not empty end with 2, and nothing is begun", async () => {
  const wrong = await ended(start({ cwd: scratch.path, program }, ["--colour"]));
  expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
  expect(wrong.stderr).toContain("npm start -- [options]");
  const taken = await ended(start({ cwd: scratch.path, program }, ["--dir", scratch.path]));
  expect([taken.code, taken.stdout]).toEqual([2, ""]);
  expect(taken.stderr).toMatch(/is not empty/);
});

function running(dir: string): readonly string[] {
  const { stdout } = spawnSync("ps", ["-eo", "args"], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line.includes(dir));
}
