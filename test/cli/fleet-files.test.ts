import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createScratch, git, type Scratch } from "../support/git.ts";
import { type Ended, factory, widest } from "./support.ts";

let scratch: Scratch;
let fleet: string;

beforeAll(async () => {
  scratch = await createScratch("factory-cli");
  fleet = join(scratch.path, "My Fleet");
});
afterAll(() => scratch.remove());

function run(...args: string[]): Promise<Ended> {
  return factory({ cwd: fleet }, ...args);
}

async function commit(message: string): Promise<string> {
  await git(fleet, ["add", "-A"]);
  await git(fleet, ["commit", "-q", "-m", message]);
  return git(fleet, ["rev-parse", "HEAD"]);
}

function edit(path: string, change: (text: string) => string): void {
  writeFileSync(join(fleet, path), change(readFileSync(join(fleet, path), "utf8")));
}

function missionOf(name: string): string {
  return `missions/${name}.yaml`;
}

/** One story; each chapter stands on the one before. */
describe("a fleet from nothing", () => {
  let base = "";

  test("init makes it, in a repository of its own, and says what comes next", async () => {
    await mkdir(fleet);
    writeFileSync(join(fleet, "README.md"), "# Mine\n");
    const { code, stdout } = await factory({ cwd: scratch.path }, "init", "My Fleet");
    expect(code).toBe(0);
    expect(stdout).toMatch(/factory new mission/);
    expect(existsSync(join(fleet, ".git"))).toBe(true);
    expect(readFileSync(join(fleet, "fleet.yaml"), "utf8")).toContain("name: my-fleet");
    expect(readFileSync(join(fleet, "README.md"), "utf8")).toBe("# Mine\n");
    const again = await run("init", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ made: [], git_init: false });
  });

  test("new adds documents that validate as they are, and never overwrites", async () => {
    expect((await run("new", "overlay", "lister")).code).toBe(0);
    expect((await run("new", "mission", "weekly-links")).code).toBe(0);
    expect(
      (await run("new", "mission", "listing", "--overlay", "lister", "--objective", "List it.\nAll of it."))
        .code,
    ).toBe(0);
    expect((await run("new", "clone", "spare")).stdout).toMatch(/^clones\/factory_spare_\d{8}\.yaml$/m);
    const again = await run("new", "mission", "listing", "--overlay", "lister");
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toMatch(/missions\/listing\.yaml exists already/);
    const { code, stdout } = await run("validate");
    expect(stdout).toBe("2 missions, 3 clones: no problems\n");
    expect(code).toBe(0);
  });

  test("validate looks at the working tree and names every problem with its place", async () => {
    base = await commit("Set up");
    edit(missionOf("listing"), (text) => text.replace("mission_type: research", "mission_type: reserch"));
    edit(missionOf("weekly-links"), (text) =>
      text.replace("max_runtime_minutes: 10", "max_runtime_minutes: 9999"),
    );
    const { code, stdout } = await run("validate");
    expect(code).toBe(1);
    expect(stdout).toMatch(/missions\/listing\.yaml:8:\d+ error/);
    expect(stdout).toMatch(/missions\/weekly-links\.yaml:\d+:\d+ error/);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    const json = JSON.parse((await run("validate", "--json")).stdout);
    expect(json).toMatchObject({ valid: false, broken: ["mission/listing", "mission/weekly-links"] });
    await git(fleet, ["checkout", "-q", "."]);
  });

  test("plan without a controller compares the working tree with nothing", async () => {
    const { code, stdout } = await run("plan");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^base {2}nothing: no controller is reached\nhead {2}working tree/);
    expect(stdout).toMatch(/Starts \(2\)/);
    expect(stdout).toMatch(/^Starts 2 missions and adds 1 clone without work\.$/m);
    expect(stdout).toMatch(
      /\+ listing run 1 on factory_listing_\d{8}\n {2}starts {7}now\n {2}objective {4}List it\. All of it\./,
    );
    expect(stdout).toMatch(/touches 3 of 3 clones/);
    expect(widest(stdout.replace(/^plan {4}.*$/m, ""))).toBeLessThanOrEqual(80);
  });

  test("plan of two commits says what starts, stops, changes and widens", async () => {
    edit(missionOf("weekly-links"), (text) =>
      text.replace("max_runtime_minutes: 10", "max_runtime_minutes: 20"),
    );
    edit(missionOf("listing"), (text) => text.replace("state: active", "state: cancelled"));
    expect((await run("new", "mission", "more-links")).code).toBe(0);
    const head = await commit("Change things");
    const { code, stdout } = await run("plan", "--base", base, "--head", "HEAD", "--json");
    expect(code).toBe(0);
    const plan = JSON.parse(stdout);
    expect(plan).toMatchObject({
      base,
      head,
      starts: [{ mission: "more-links", isolation: "pidns" }],
      stops: [{ mission: "listing", runs: "unknown", reason: "cancelled in its file" }],
      cost: { missions: 1, runtimeMinutes: 10, costUsd: 20, llmCalls: 2000 },
      blast: { total: 4 },
      held: [],
      issues: [],
    });
    expect(plan.planHash).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(plan.changes).toContainEqual(
      expect.objectContaining({
        subject: "mission/weekly-links",
        effect: "at once",
        fields: [
          {
            field: "budget.max_runtime_minutes",
            words: "runtime limit",
            before: "10 min",
            after: "20 min",
            direction: "loosened",
          },
        ],
      }),
    );
    const again = JSON.parse((await run("plan", "--base", base, "--head", head, "--json")).stdout);
    expect(again.planHash).toBe(plan.planHash);
    const markdown = (await run("plan", "--base", base, "--head", head, "--markdown")).stdout;
    expect(markdown).toMatch(/^<!-- factory-plan -->\n## Factory plan/);
    expect(markdown).toMatch(
      /^\*\*Starts more-links, run 1, stops listing and changes the limits of weekly-links\.\*\*$/m,
    );
  });

  test("a changed contract without a higher run takes no effect, and says what to do", async () => {
    const before = await git(fleet, ["rev-parse", "HEAD"]);
    edit(missionOf("weekly-links"), (text) => text.replace("Follow every", "Follow each"));
    const { stdout } = await run("plan", "--base", before, "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      head: "working tree",
      starts: [],
      changes: [
        {
          subject: "mission/weekly-links",
          part: "contract",
          applies: false,
          effect: expect.stringMatching(/raise `spec\.run`/),
        },
      ],
    });
    await git(fleet, ["checkout", "-q", "."]);
  });

  test("removing most of the fleet is held until a second commit confirms it", async () => {
    const before = await git(fleet, ["rev-parse", "HEAD"]);
    await rm(join(fleet, "missions"), { recursive: true });
    await rm(join(fleet, "clones"), { recursive: true });
    const { held, stops } = JSON.parse((await run("plan", "--base", before, "--json")).stdout);
    expect(held).toEqual([]);
    expect(stops).toHaveLength(4);
    expect(new Set(stops.map((one: { held: { reason: string } }) => one.held.reason))).toEqual(
      new Set(["MassDeleteGuard"]),
    );
    await git(fleet, ["checkout", "-q", "."]);
  });

  test("--detailed-exitcode tells nothing, a change and every kind of error apart", async () => {
    const head = await git(fleet, ["rev-parse", "HEAD"]);
    const code = async (...args: string[]) => (await run("plan", "--detailed-exitcode", ...args)).code;
    expect(await code("--base", head, "--head", head)).toBe(0);
    expect(await code("--base", base, "--head", head)).toBe(2);
    expect(await code("--base", "nosuch")).toBe(1);
    expect(await code("--bogus")).toBe(1);
    edit(missionOf("weekly-links"), (text) =>
      text.replace("max_runtime_minutes: 20", "max_runtime_minutes: no"),
    );
    expect(await code("--base", head)).toBe(1);
    await git(fleet, ["checkout", "-q", "."]);
  });

  test("a commit that is not there is wrong use", async () => {
    const { code, stderr } = await run("plan", "--base", "nosuch");
    expect(code).toBe(2);
    expect(stderr).toMatch(/nosuch names no commit/);
  });

  test("doctor finds the machine fit, and says that no controller runs", async () => {
    const { code, stdout } = await run("doctor", "--json");
    const { ok, findings } = JSON.parse(stdout);
    expect(findings.filter((one: { state: string }) => one.state === "fail")).toEqual([]);
    expect(findings.map((one: { name: string }) => one.name)).toEqual(
      expect.arrayContaining([
        "node",
        "git",
        "data directory",
        "disk space",
        "source",
        "status branch",
        "containment",
        "controller",
      ]),
    );
    expect(findings).toContainEqual(expect.objectContaining({ name: "controller", state: "warn" }));
    expect([ok, code]).toEqual([true, 0]);
    // It tried a push without making one.
    expect(await git(fleet, ["for-each-ref", "--format=%(refname)", "refs/heads"])).toBe("refs/heads/main");
    const lost = await run("doctor", "--source", join(scratch.path, "gone.git"), "--json");
    expect(lost.code).toBe(1);
  });
});
