import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ControllerClient } from "../../src/adapters/http/client.ts";
import { announcement, clientOf } from "../support/controller.ts";
import { createOrigin, createScratch, git, type Origin, type Scratch } from "../support/git.ts";
import { type Ended, ended, environment, eventually, factory, MAIN, start, widest } from "./support.ts";

/** Says something that would clear a careless terminal, then works until it finds a file named `go`. */
const AGENT = `
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
if (process.argv.includes("--self-test")) process.exit(0);
process.stdout.write("hello \\u001b[2J from the agent\\n");
process.stdout.write(JSON.stringify({ type: "progress", summary: "waiting \\u001b[31m for go" }) + "\\n");
const timer = setInterval(() => {
  if (!existsSync("go")) return;
  clearInterval(timer);
  mkdirSync("reports", { recursive: true });
  writeFileSync("reports/waiter.md", "done\\n");
  process.stdout.write(JSON.stringify({ type: "completed", summary: "went" }) + "\\n");
}, 20);
`;

/** The whole story, on a loaded machine; after it the controller is ended whatever it does. */
const STORY_MS = 300_000;

let scratch: Scratch;
let origin: Origin;
let fleet: string;
let controller: ChildProcess;
let client: ControllerClient;
let end: Promise<Ended>;
let once: Ended;

function run(...args: string[]): Promise<Ended> {
  return factory({ cwd: fleet }, ...args);
}

async function json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
  const { stdout } = await run(...args, "--json");
  return JSON.parse(stdout) as T;
}

/** Waits over HTTP, and then asks the command once. */
async function phase(name: string, wanted: string): Promise<void> {
  await eventually(
    async () => ((await client.call("mission", { name }))?.phase === wanted ? true : null),
    `${name} ${wanted}`,
  );
  expect(await json("status", name)).toMatchObject({ phase: wanted });
}

async function push(message: string): Promise<void> {
  await git(fleet, ["add", "-A"]);
  await git(fleet, ["commit", "-q", "-m", message]);
  await git(fleet, ["push", "-q", "origin", "HEAD:main"]);
}

beforeAll(async () => {
  scratch = await createScratch("factory-cli");
  fleet = join(scratch.path, "fleet");
  await mkdir(fleet);
  origin = await createOrigin({ directory: scratch.path });
  await run("init");
  await git(fleet, ["remote", "add", "origin", origin.path]);
  await run("new", "overlay", "waiter");
  writeFileSync(join(fleet, "overlays/waiter/skills/waiter/scripts/waiter.js"), AGENT);
  writeFileSync(join(fleet, "checks/waiter-delivered.js"), "");
  await push("Set up the fleet");
  once = await run("run", "--once", "--log-level", "error");
  controller = start({ cwd: fleet }, ["run", "--poll", "200ms", "--log-level", "warn"]);
  end = ended(controller, STORY_MS);
  const dataDir = join(fleet, ".factory");
  const { url } = await eventually(() => {
    const announced = announcement(dataDir);
    return announced?.pid === controller.pid ? announced : null;
  }, "a controller");
  client = clientOf(dataDir, url);
});

afterAll(async () => {
  if (controller.exitCode === null) {
    await run("kill", "--now", "first");
    await run("kill", "--now", "second");
    controller.kill("SIGTERM");
  }
  await end;
  await scratch.remove();
});

/** One story, on a real controller with real agents. */
describe("a controller", () => {
  test("run --once takes up what is there, publishes it, and ends", async () => {
    expect(once.stderr).toBe("");
    expect(once.stdout).toMatch(/ · read at [0-9a-f]{12}/);
    expect(once.code).toBe(0);
    expect([...(await origin.files("factory/status")).keys()]).toContain("README.md");
  });

  test("reads the remote, and an empty fleet is shown as such", async () => {
    await eventually(
      async () => ((await client.call("fleet")).source.state === "ok" ? true : null),
      "the fleet",
    );
    expect((await run("reconcile")).code).toBe(0);
    const { stdout } = await run("status");
    expect(stdout).toMatch(/ · read at [0-9a-f]{12}, \d+s ago\n/);
    expect(stdout).toContain("No missions.");
    expect((await run("inbox")).stdout).toBe("Nothing waits for a person.\n");
  });

  test("plan compares the working tree with what it has", async () => {
    await run("new", "mission", "first", "--overlay", "waiter");
    await run("new", "mission", "second", "--overlay", "waiter");
    const { stdout } = await run("plan");
    expect(stdout).toMatch(/^base {2}what the controller has \([0-9a-f]{12}\)\nhead {2}working tree/);
    expect(stdout).toMatch(/Starts \(2\)/);
  });

  test("a merged mission runs, and everybody can see why", async () => {
    await push("Ask for first and second");
    await phase("first", "Running");
    await phase("second", "Running");
    const overview = (await run("status")).stdout;
    expect(overview).toMatch(/^first +Running +\d:\d\d\/10m +waiting for go/m);
    expect(widest(overview)).toBeLessThanOrEqual(80);
    const details = (await run("status", "first")).stdout;
    expect(details).toMatch(/✓ KillSwitchArmed True/);
    expect(widest(details)).toBeLessThanOrEqual(80);
    const why = (await run("why", "first")).stdout;
    expect(why).toMatch(/^first runs: waiting for go/);
    expect(why).toMatch(/✓ 3\.4 SecretsVerified/);
    expect(widest(why)).toBeLessThanOrEqual(80);
    expect(await json("plan")).toMatchObject({ starts: [], stops: [], changes: [], held: [] });
  });

  test("nothing that an agent prints can steer the terminal", async () => {
    const { stdout } = await eventually(async () => {
      const logs = await run("logs", "first");
      return logs.stdout.includes("hello") ? logs : null;
    }, "the agent's line");
    expect(stdout).toContain("hello  from the agent");
    const all = stdout + (await run("status")).stdout + (await run("events", "first")).stdout;
    expect(all).not.toContain("\u001b");
    expect((await json<unknown[]>("events", "first", "--last", "3")).length).toBe(3);
  });

  test("a name that is not known is answered with the one that was meant", async () => {
    for (const command of ["status", "why", "events", "logs", "outputs", "pause", "closure"]) {
      const { code, stderr } = await run(command, "frist");
      expect(stderr, command).toMatch(/did you mean first\?/);
      expect(code, command).toBe(2);
    }
  });

  test("pause and resume are recorded with who and why", async () => {
    expect((await run("pause", "first", "--reason", "lunch")).code).toBe(0);
    await phase("first", "Paused");
    expect((await run("why", "first")).stdout).toMatch(/✗ hold operator PausedByHand .*paused by ada: lunch/);
    expect((await run("inbox")).stdout).toMatch(
      /info first operator, \d+s ago {2}first\/operator\n {2}paused by ada: lunch\n {2}→ factory resume first/,
    );
    expect((await run("status")).stdout).toMatch(/Needs a person \(factory inbox\)\n\? {2}first operator/);
    expect((await run("resume", "first")).code).toBe(0);
    await phase("first", "Running");
    const { code, stderr } = await run("resume", "first");
    expect(stderr).toMatch(/^error: .*first.* is not held\n$/);
    expect(code).toBe(1);
    expect((await run("closure", "first")).stderr).toMatch(/not closed yet/);
  });

  test("status --watch prints a line per change when piped, and ends on SIGINT", async () => {
    const watching = start({ cwd: fleet }, ["status", "second", "--watch"]);
    let seen = "";
    watching.stdout?.on("data", (chunk: Buffer) => {
      seen += chunk.toString("utf8");
    });
    const over = ended(watching);
    await eventually(
      () => (/mission\/second Running: waiting for go\n/.test(seen) ? true : null),
      "the first look",
    );
    expect((await run("kill", "--now", "second", "--reason", "enough")).code).toBe(0);
    await eventually(() => (/mission\/second Cancelled/.test(seen) ? true : null), "the end");
    watching.kill("SIGINT");
    expect((await over).code).toBe(0);
    expect(seen).not.toContain("\u001b");
  });

  test.skipIf(spawnSync("script", ["--version"]).status !== 0)(
    "status --watch is redrawn in place on a terminal (needs script from util-linux)",
    async () => {
      const command = `stty cols 80 rows 30; exec "${process.execPath}" "${MAIN}" status --watch`;
      const watching = spawn("script", ["-qec", command, "/dev/null"], {
        cwd: fleet,
        env: environment({ NO_COLOR: "", TERM: "xterm-256color" }),
      });
      let seen = "";
      watching.stdout.on("data", (chunk: Buffer) => {
        seen += chunk.toString("utf8");
      });
      const over = ended(watching);
      await eventually(() => (/\u001b\[\d+A\u001b\[J/.test(seen) ? true : null), "a second fleetSnapshot");
      watching.stdin.write("\u0003");
      expect((await over).code).toBe(0);
      expect(seen).toContain("\u001b[32mRunning\u001b[39m");
      expect(widest(stripVTControlCharacters(seen).replaceAll("\r", ""))).toBeLessThanOrEqual(80);
    },
  );

  test("a killed mission has its proof of death in the closure report", async () => {
    const { stdout } = await run("closure", "second");
    expect(stdout).toMatch(/^# Closure: second/);
    expect(stdout).toMatch(/killed: enough/);
    expect(stdout).toMatch(/## Proof of death\n\nEnded at `/);
    expect((await run("kill", "second")).code).toBe(1);
  });

  test("a mission that is done waits for a decision about its clone, once", async () => {
    const { clone } = await json<{ clone: string }>("status", "first");
    writeFileSync(join(fleet, ".factory/workspaces", clone, "go"), "");
    await phase("first", "Completed");
    expect((await run("inbox")).stdout).toMatch(/factory closure first --decide retire/);
    expect((await run("closure", "first", "--decide", "standby")).code).toBe(0);
    expect((await run("closure", "first", "--decide", "retire")).code).toBe(1);
    expect(await json("closure", "first")).toMatchObject({ outcome: "accepted", decision: "standby" });
  });

  test("the version of the controller stands beside that of the program that asks", async () => {
    const { program, controller: other } = await json<{ program: unknown; controller: unknown }>("version");
    expect(other).toEqual(program);
    expect(program).toMatchObject({ node: process.versions.node, record_layout: expect.any(Number) });
    expect((await run("version", "--token", "wrong")).stdout).toMatch(/\ncontroller {2}none answers\n$/);
  });

  test("a wrong token is told apart from nobody there", async () => {
    const { code, stderr } = await run("status", "--token", "wrong");
    expect(code).toBe(3);
    expect(stderr).toMatch(/does not accept the token[\s\S]*operator\.token/);
  });

  test("a second one on the same data is refused", async () => {
    const { code, stderr } = await run("run", "--once");
    expect(code).toBe(1);
    expect(stderr).toContain(`another controller, process ${controller.pid}, holds the store`);
    expect(stderr).toMatch(/One controller at a time works on a data directory/);
  });

  test("SIGTERM ends it in order", async () => {
    controller.kill("SIGTERM");
    expect((await end).code).toBe(0);
    expect((await run("status")).code).toBe(3);
  });
});
