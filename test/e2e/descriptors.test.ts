/**
 * Somebody holds idle connections to everything that an agent may reach, and then no descriptor is left at all: nothing is killed for it, and what is to
 * end ends. Real processes, real limits.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openKillSwitchFile } from "../../src/adapters/system/kill-switch-file.ts";
import { engage } from "../../src/core/model/kill-switch.ts";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { holdIdle, type IdleConnections } from "../support/idle-connections.ts";
import { createStage } from "./stage.ts";
import { agentCommand, eventually, isAlive, type World } from "./world.ts";

/** Of the controller and of everything that it starts; what systems give a process is 8 times as much, or more. */
const DESCRIPTORS_MAX = 128;
const HELD = 2 * DESCRIPTORS_MAX;
/** More than there is room for, several times over. */
const ENDED_MIN = DESCRIPTORS_MAX;

const stage = createStage("descriptors", (world) => Object.assign(fleetFiles(), worker(world, "worker")), {
  through: ["prlimit", `--nofile=${DESCRIPTORS_MAX}:${DESCRIPTORS_MAX}`, "--"],
  args: ["--port", "0"],
});
const attackers: IdleConnections[] = [];
afterAll(() => {
  for (const attacker of attackers) attacker.stop();
});

function worker(world: World, name: string): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) });
}

function openDescriptors(): readonly number[] {
  return readdirSync(`/proc/${stage.controller.pid}/fd`).map(Number);
}

/** The first number above those that a new controller keeps for nothing: it opens them before everything that comes and goes. */
function aboveSpare(): number {
  const leadsNowhere = (descriptor: number): boolean =>
    readlinkSync(`/proc/${stage.controller.pid}/fd/${descriptor}`) === "/dev/null";
  return Math.max(...openDescriptors().filter((one) => one > 2 && leadsNowhere(one))) + 1;
}

/** What the controller may have open from now on, as numbers below which it is given one. */
function limitTo(descriptors: number): void {
  execFileSync("prlimit", [
    "--pid",
    String(stage.controller.pid),
    `--nofile=${descriptors}:${DESCRIPTORS_MAX}`,
  ]);
}

/** Somebody may take the place of one who is slow to ask: then he asks again. */
function answered<T>(ask: () => Promise<T>): Promise<NonNullable<T>> {
  return eventually(
    ask,
    () => true,
    () => "an answer under attack",
  ) as Promise<NonNullable<T>>;
}

async function nobodyWasKilled(...names: readonly string[]): Promise<void> {
  expect(isAlive(stage.controller.pid)).toBe(true);
  expect((await answered(() => stage.client.call("killSwitch"))).engaged).toEqual([]);
  for (const name of names) {
    expect((await answered(() => stage.client.call("mission", { name }))).phase).toBe("Running");
    expect(isAlive(stage.processes(name).agent)).toBe(true);
    expect((await answered(() => stage.events(name))).map(({ type }) => type)).not.toContain(
      "kill.requested",
    );
  }
}

beforeAll(async () => {
  await stage.notesMore("worker", 1);
  const port = Number(new URL(stage.controller.network ?? "").port);
  const command = agentCommand("hoards-connections.js", stage.world.ledgerPath(), 100, port, "tools");
  await stage.commit(pairFiles("hoarder", { command }));
  await stage.notesMore("hoarder", 5);
  // More than one agent may open by itself, and on the socket too, where only our own user comes.
  attackers.push(
    holdIdle({ host: "127.0.0.1", port }, HELD),
    holdIdle({ path: join(stage.world.dataDir, "controller.sock") }, HELD),
  );
});

test("idle connections take no place from anybody: work goes on, a mission starts, and people are told who does it", async () => {
  await eventually(
    () => attackers.every((attacker) => attacker.ended() >= ENDED_MIN),
    (full) => full,
    () => `${ENDED_MIN} connections of each attacker to be ended: ${attackers.map((one) => one.ended())}`,
  );
  await stage.commit(worker(stage.world, "newcomer"));
  await stage.notesMore("newcomer", 5);
  await stage.notesMore("worker", 5);
  expect(openDescriptors().length).toBeLessThan(DESCRIPTORS_MAX);
  await nobodyWasKilled("worker", "newcomer", "hoarder");

  const { ready, checks } = await answered(() => stage.client.readiness());
  expect(ready).toBe(true);
  expect(checks["descriptors"]).toMatch(/somebody holds connections to https:\S+ .*: all 32 were taken/);
  expect(checks["descriptors"]).toMatch(
    /somebody holds connections to unix:\S+controller\.sock .*: all 32 were taken/,
  );
  expect((await stage.factory("status")).stdout).toMatch(
    /!! machine descriptors .*somebody holds connections/,
  );
});

test("the kill switch ends a mission while they go on", async () => {
  const said = await stage.factory("kill", "newcomer", "--reason", "under attack");
  expect(said.stderr).toBe("");
  expect(said.code).toBe(0);
  const { closure } = await stage.mission("newcomer", (mission) => mission.closure !== null);
  expect(closure?.report).toContain("under attack");
  expect(isAlive(stage.processes("newcomer").agent)).toBe(false);
  await nobodyWasKilled("worker", "hoarder");
});

test("with no descriptor left the controller lives, kills nobody, and ends who is to end, by the file alone", async () => {
  for (const attacker of attackers.splice(0)) attacker.stop();
  await stage.restart();
  await stage.notesMore("worker", 1);
  const { shim, agent } = stage.processes("worker");
  if (shim === null) throw new Error("no shim");
  process.kill(shim, "SIGSTOP"); // So that it cannot obey by itself.
  limitTo(aboveSpare());
  await eventually(
    () => stage.controller.log(),
    (log) => /cannot be started: this process has as many descriptors open as it may/.test(log),
    () => "a git that cannot be started",
  );
  await stage.notesMore("worker", 40); // As a clock.
  expect(isAlive(stage.controller.pid)).toBe(true);
  expect(isAlive(agent)).toBe(true);

  const file = openKillSwitchFile(stage.world.dataDir);
  const entry = {
    scope: { type: "fleet" },
    by: "operator:ann",
    reason: "nothing is left",
    at: "now",
  } as const;
  file.write(engage(file.read(), entry));
  await eventually(
    () => !isAlive(shim) && !isAlive(agent),
    (dead) => dead,
    () => "the controller to end what cannot obey",
  );
  limitTo(DESCRIPTORS_MAX);
  const mission = await stage.mission("worker", ({ closure }) => closure !== null);
  expect(mission.closure?.report).toMatch(/nothing is left/);
});
