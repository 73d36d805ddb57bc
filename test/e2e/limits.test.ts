import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningController } from "../support/controller.ts";
import {
  cloneName,
  fleetFiles,
  type MissionOptions,
  missionFile,
  pairFiles,
} from "../support/fleet-files.ts";
import {
  agentCommand,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
  type World,
} from "./world.ts";

/** Heartbeats, budgets and windows of missions that are under way. */
let world: World;
let controller: RunningController;

beforeAll(async () => {
  world = await createWorld("limits");
  await world.origin.commit({
    ...fleetFiles(),
    ...documents("silent", { heartbeatSeconds: 1 }),
    // Paused at 0.9 of it and ended at all of it: between the two a busy machine needs time to freeze the agent.
    ...documents("spends", { maxRuntimeMinutes: 12 / 60 }),
    ...documents("later", { window: { start_at: "2199-01-01T00:00:00Z", end_at: "2199-01-02T00:00:00Z" } }),
    ...documents("over", { window: { start_at: "2020-01-01T00:00:00Z", end_at: "2020-01-02T00:00:00Z" } }),
  });
  controller = await world.start();
});
afterAll(() => world.close());

function documents(name: string, mission: Partial<MissionOptions>): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) }, mission);
}

/**
 * Its next write of a file never returns, as on a disk that is gone: it lives, beats no more and answers nobody. One
 * that is only stopped would be woken (`liveness.test.ts`).
 */
async function hang(clone: string, epoch: number): Promise<void> {
  const path = join(world.dataDir, "instances", clone, String(epoch), "outbox.ack.tmp");
  // Refused in the moment in which the shim has a file of that name; then once more.
  await eventually(
    () => execFileSync("mkfifo", [path], { encoding: "utf8" }),
    () => true,
    () => `a pipe at ${path}`,
  );
}

test("a shim that falls silent is degraded, then lost, then replaced at a higher epoch", async () => {
  const name = "silent";
  const clone = cloneName(name);
  await missionUntil(controller, name, (mission) => mission.phase === "Running");
  await healthIs(clone, "healthy");
  const { shim } = processesOf(world.dataDir, clone, 1);
  await hang(clone, 1);
  await eventually(
    () => world.ledger(),
    (lines) => lines.some((line) => line.clone === clone && line.epoch === 2),
    () => `a second epoch\n${controller.log().slice(-3_000)}`,
  );
  expect(isAlive(shim)).toBe(false);
  const seen = await healthsOf(clone, 1);
  expect(seen).toEqual(expect.arrayContaining(["suspect", "degraded", "lost"]));
  expect(seen.indexOf("degraded")).toBeLessThan(seen.indexOf("lost"));
  const mission = await missionUntil(controller, name, (view) => view.phase === "Running");
  expect(mission.conditions.find(({ type }) => type === "HeartbeatFresh")?.status).not.toBe("False");
});

test("a budget that is almost spent pauses and asks; a higher number in the file lets it go on", async () => {
  const name = "spends";
  const paused = await missionUntil(controller, name, (mission) => mission.phase === "Paused");
  expect(paused.holds.map(({ kind, clearBy }) => ({ kind, clearBy }))).toEqual([
    { kind: "budget", clearBy: "decision" },
  ]);
  expect(
    (await controller.client.call("inbox")).items.find(({ id }) => id === `${name}.budget.1`)?.message,
  ).toMatch(/runtime_minutes is at .* of /);
  expect((await controller.client.call("resume", { name, reason: "" })).ok).toBe(false);
  const agent = processesOf(world.dataDir, cloneName(name), 1).agent;

  await world.origin.commit(missionFile(name, { clone: cloneName(name), maxRuntimeMinutes: 60 }));
  await missionUntil(
    controller,
    name,
    (mission) => mission.phase === "Running" && mission.holds.length === 0,
  );
  const { length } = stepsOf(name);
  await eventually(
    () => stepsOf(name).length,
    (steps) => steps > length + 3,
    () => "the same agent to go on",
  );
  expect(processesOf(world.dataDir, cloneName(name), 1).agent).toBe(agent);
  expect(stepsOf(name).filter(({ what }) => what.startsWith("begin"))).toHaveLength(1);
});

test("outside of its window a mission is held, and `why` says when it opens", async () => {
  const mission = await missionUntil(controller, "later", (view) =>
    view.holds.some(({ kind }) => kind === "window"),
  );
  expect(mission.phase).toBe("Paused");
  const why = await controller.client.call("why", { name: "later" });
  expect(why?.runs).toBe(false);
  expect(JSON.stringify(why?.steps)).toContain("2199-01-01T00:00:00.000Z");
  expect(stepsOf("later")).toEqual([]);
});

test("a window that is over ends the mission as timed out", async () => {
  const mission = await missionUntil(controller, "over", (view) => view.closure !== null);
  expect(mission).toMatchObject({ phase: "TimedOut", outcome: "rejected" });
  expect(stepsOf("over")).toEqual([]);
});

function stepsOf(name: string): readonly { what: string }[] {
  return world.ledger().filter((line) => line.clone === cloneName(name));
}

async function healthIs(clone: string, health: string): Promise<void> {
  await eventually(
    () => controller.client.call("clone", { name: clone }),
    (view) => view.instance?.health === health,
    () => `${clone} to be ${health}`,
  );
}

async function healthsOf(clone: string, epoch: number): Promise<readonly string[]> {
  const events = (await controller.client.call("events", { clone, limit: 1_000 })).events;
  return events.flatMap(({ event }) =>
    event.type === "health.changed" && event.epoch === epoch ? [event.health] : [],
  );
}
