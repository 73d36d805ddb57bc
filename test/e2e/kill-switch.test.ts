/** The switch for the whole fleet, for a label and for a mission, with and without a controller. Real processes. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openKillSwitchFile } from "../../src/adapters/system/kill-switch-file.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, missionFile, pairFiles } from "../support/fleet-files.ts";
import {
  agentCommand,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
  type World,
} from "./world.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const NAMES = ["alpha", "beta", "gamma"] as const;
let world: World;
let controller: RunningController;

beforeEach(async () => {
  world = await createWorld("switch");
  await world.origin.commit(Object.assign(fleetFiles(), ...NAMES.map((name) => documents(name))));
  controller = await world.start();
  for (const name of NAMES) await missionUntil(controller, name, ({ phase }) => phase === "Running");
});
afterEach(() => world.close());

function documents(name: (typeof NAMES)[number]): ReturnType<typeof fleetFiles> {
  const labels = { team: name === "gamma" ? "research" : "platform" };
  return pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) }, { labels });
}

async function factory(...args: readonly string[]): Promise<{ code: number; out: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, "--data", world.dataDir, ...args], {
      env: { ...process.env, FACTORY_ACTOR: "ann" },
    });
    return { code: 0, out: stdout };
  } catch (error) {
    const failed = error as { code: number; stdout: string; stderr: string };
    return { code: failed.code, out: `${failed.stdout}${failed.stderr}` };
  }
}

/** What `factory events --fleet` says, once it tells of such an event. */
function fleetStory(type: string): Promise<readonly string[]> {
  return eventually(
    async () => (await factory("events", "--fleet")).out.trim().split("\n"),
    (lines) => lines.some((line) => line.includes(` ${type} `)),
    () => `the fleet's events to tell of ${type}`,
  );
}

function living(name: string): boolean {
  const { shim, agent } = processesOf(world.dataDir, cloneName(name), 1);
  return isAlive(shim) || isAlive(agent);
}

async function deadOf(name: string): Promise<void> {
  await eventually(
    () => !living(name),
    (gone) => gone,
    () => `${name} to be dead`,
  );
}

async function cancelled(name: string): Promise<void> {
  const mission = await missionUntil(controller, name, ({ closure }) => closure !== null);
  expect(mission.phase).toBe("Cancelled");
  expect(mission.closure?.report).toMatch(/kill-switch|kill switch/);
}

test("by label: what it covers ends with proof and its trace, the rest goes on, and nothing of it starts again", async () => {
  const said = await factory("kill", "--label", "team=platform", "--reason", "they spend");
  expect(said).toMatchObject({ code: 0, out: expect.stringContaining("label team=platform") });
  for (const name of ["alpha", "beta"]) {
    await deadOf(name);
    await cancelled(name);
  }
  expect(living("gamma")).toBe(true);
  const report = async () =>
    (await controller.client.call("mission", { name: "alpha" }))?.closure?.report ?? "";
  const text = await eventually(
    report,
    (found) => found.includes("kill_switch"),
    () => "a trace in the report",
  );
  const folder = /`([^`]*\/traces\/[^`]*)`/.exec(text)?.[1] ?? "";
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as {
    files: { path: string }[];
  };
  expect(manifest.files.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      "journal.jsonl",
      "processes.json",
      "instance/transcript.log",
      "workspace/listing.json",
    ]),
  );

  await world.origin.commit(
    missionFile("alpha", { clone: cloneName("alpha"), run: 2, labels: { team: "platform" } }),
  );
  await missionUntil(
    controller,
    "alpha",
    ({ run, summary }) =>
      run === 2 && summary.includes("kill switch is engaged for label team=platform by operator:ann"),
  );
  expect((await controller.client.call("inbox")).items.map(({ kind }) => kind)).toContain("kill_switch");
  expect(await factory("kill-switch", "status")).toMatchObject({
    code: 1,
    out: expect.stringContaining("they spend"),
  });
  expect((await factory("kill-switch", "release", "--label", "team=platform")).code).toBe(0);
  await missionUntil(controller, "alpha", ({ phase, run }) => phase === "Running" && run === 2);
  const story = await fleetStory("switch.released");
  expect(story.filter((line) => line.includes(" switch."))).toEqual([
    expect.stringMatching(
      /switch\.engaged operator:ann: the kill switch is engaged for label team=platform by a command: they spend$/,
    ),
    expect.stringMatching(
      /switch\.released operator:ann: the kill switch is released for label team=platform by a command$/,
    ),
  ]);
  expect((await factory("verify", "--offline")).out).toMatch(
    /^the record is whole: .* and \d+ of the fleet/m,
  );
});

test("without a controller the shims obey the file, and the next controller finds it on record", async () => {
  await controller.kill();
  const said = await factory("kill", "--all", "--reason", "nobody is there");
  expect(said.code, said.out).toBe(0);
  for (const name of NAMES) {
    expect(living(name)).toBe(false);
    expect(said.out).toContain(`${cloneName(name)} epoch 1: its shim obeyed`);
  }
  controller = await world.start();
  for (const name of NAMES) await cancelled(name);
  const view = await controller.client.call("killSwitch");
  expect(view.engaged).toMatchObject([
    { scope: { type: "fleet" }, by: "operator:ann", reason: "nobody is there" },
  ]);
  expect((await fleetStory("switch.engaged")).at(-1)).toMatch(
    /switch\.engaged operator:ann: the kill switch is engaged for fleet in its file: nobody is there$/,
  );
});

test("a shim that cannot obey is ended from outside, without a controller", async () => {
  await controller.kill();
  const { shim } = processesOf(world.dataDir, cloneName("alpha"), 1);
  if (shim === null) throw new Error("no shim");
  process.kill(shim, "SIGSTOP");
  const said = await factory("kill", "--all");
  expect(said.out).toContain(`${cloneName("alpha")} epoch 1: ended from here`);
  expect(said.code).toBe(0);
  for (const name of NAMES) expect(living(name)).toBe(false);
});

test("a signal to the controller, and a file that nobody can read, stop everything", async () => {
  process.kill(controller.pid, "SIGUSR2");
  for (const name of NAMES) await deadOf(name);
  const { engaged } = await controller.client.call("killSwitch");
  expect(engaged).toMatchObject([{ scope: { type: "fleet" }, by: "operator:SIGUSR2" }]);
  expect((await controller.client.call("releaseKillSwitch", { reason: "over" })).ok).toBe(true);
  await world.origin.commit(missionFile("beta", { clone: cloneName("beta"), run: 2 }));
  await missionUntil(controller, "beta", ({ phase, run }) => phase === "Running" && run === 2);
  writeFileSync(openKillSwitchFile(world.dataDir).path, "");
  await eventually(
    () => {
      const { shim, agent } = processesOf(world.dataDir, cloneName("beta"), 2);
      return !isAlive(shim) && !isAlive(agent);
    },
    (gone) => gone,
    () => "beta's second instance to be dead",
  );
});

test("by fleet.yaml: in force while it says so, and released only there", async () => {
  await world.origin.commit(fleetFiles({ killSwitch: { missions: ["alpha"] } }));
  await deadOf("alpha");
  await cancelled("alpha");
  expect((await controller.client.call("releaseKillSwitch", { reason: "" })).ok).toBe(false);
  expect(living("beta")).toBe(true);

  // A file that cannot be used for anything else still stops.
  await world.origin.commit({
    "fleet.yaml":
      "apiVersion: factory/v1\nkind: Fleet\nspec:\n  cabs: {}\n  kill_switch: {missions: [beta]}\n",
  });
  await deadOf("beta");
  await cancelled("beta");
  expect(living("gamma")).toBe(true);
});
