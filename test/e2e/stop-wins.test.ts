import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import {
  agentCommand,
  cloneUntil,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
  type World,
} from "./world.ts";

/** Pause freezes, resume goes on, and a kill passes everything: an origin that is down, a pause, a window. */
let world: World;
let controller: RunningController;
const NAMES = ["paused", "killed", "switched", "windowed", "witness"] as const;

beforeAll(async () => {
  world = await createWorld("stop");
  await world.origin.commit(Object.assign(fleetFiles(), ...NAMES.map((name) => documents(name))));
  controller = await world.start();
  for (const name of NAMES) await stepsOf(name, 1);
});
afterAll(() => world.close());

function documents(name: string, mission: object = {}): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) }, mission);
}

function ledgerOf(name: string): readonly string[] {
  return world
    .ledger()
    .filter((line) => line.clone === cloneName(name))
    .map((line) => line.what);
}

/** Waits for so many steps from now on. The witness serves as a clock: it always works. */
async function stepsOf(name: string, count: number): Promise<void> {
  const from = ledgerOf(name).length;
  await eventually(
    () => ledgerOf(name).length,
    (length) => length >= from + count,
    () => `${name} to take ${count} more steps\n${controller.log().slice(-3_000)}`,
  );
}

test("pause freezes the agent and resume lets the same one go on", async () => {
  const name = "paused";
  const agent = processesOf(world.dataDir, cloneName(name), 1).agent;
  expect(await controller.client.call("pause", { name, reason: "look at it" })).toMatchObject({ ok: true });
  await missionUntil(controller, name, (mission) => mission.phase === "Paused");
  await recorded(name, "instance.paused");
  const frozenAt = ledgerOf(name).length;
  await stepsOf("witness", 10);
  expect(ledgerOf(name).length).toBe(frozenAt);
  expect(isAlive(agent)).toBe(true);

  expect(await controller.client.call("resume", { name, reason: "" })).toMatchObject({ ok: true });
  await stepsOf(name, 5);
  expect(processesOf(world.dataDir, cloneName(name), 1).agent).toBe(agent);
  expect(ledgerOf(name).filter((what) => what.startsWith("begin"))).toHaveLength(1);
});

test("pause and resume work from the file, too", async () => {
  const name = "paused";
  await world.origin.commit(documents(name, { state: "paused" }));
  await recorded(name, "instance.paused", 2);
  const frozenAt = ledgerOf(name).length;
  await stepsOf("witness", 10);
  expect(ledgerOf(name).length).toBe(frozenAt);
  expect((await controller.client.call("resume", { name, reason: "" })).ok).toBe(false);
  await world.origin.commit(documents(name));
  await stepsOf(name, 5);
});

test("the kill switch in the file ends it, with proof", async () => {
  await world.origin.commit(documents("switched", { killSwitch: true }));
  await expectDead("switched");
});

test("a kill passes a window: paused by it, and ended all the same", async () => {
  const name = "windowed";
  const window = { start_at: "2199-01-01T00:00:00Z", end_at: "2199-01-02T00:00:00Z" };
  await world.origin.commit(documents(name, { window }));
  await recorded(name, "instance.paused");
  expect((await controller.client.call("mission", { name }))?.holds.map(({ kind }) => kind)).toEqual([
    "window",
  ]);
  expect(await controller.client.call("kill", { name, reason: "enough", now: false })).toMatchObject({
    ok: true,
  });
  await expectDead(name);
});

test("a kill needs neither the origin nor a running agent", async () => {
  const name = "killed";
  world.server.setFault(() => ({ type: "hang" }));
  await controller.client.call("pause", { name, reason: "" });
  await recorded(name, "instance.paused");
  expect(await controller.client.call("kill", { name, reason: "runs away", now: true })).toMatchObject({
    ok: true,
  });
  await expectDead(name);
  world.server.setFault(null);
});

async function expectDead(name: string): Promise<void> {
  const { shim, agent } = processesOf(world.dataDir, cloneName(name), 1);
  const mission = await missionUntil(controller, name, (view) => view.closure !== null);
  expect(mission).toMatchObject({ phase: "Cancelled", outcome: "ignored" });
  expect(mission.closure?.report).toMatch(/## Proof of death\s+Ended at/);
  expect(mission.closure?.report).toMatch(/2 empty scans/);
  expect(isAlive(shim) || isAlive(agent)).toBe(false);
  const clone = await cloneUntil(controller, cloneName(name), (view) => view.instance === null);
  expect(clone.epoch).toBe(1);
}

async function recorded(name: string, type: string, times = 1): Promise<void> {
  await eventually(
    () =>
      controller.client
        .call("events", { clone: cloneName(name), limit: 1_000 })
        .then((answer) => answer.events),
    (events) => events.filter(({ event }) => event.type === type).length >= times,
    () => `${times} × ${type} of ${name}\n${controller.log().slice(-3_000)}`,
  );
}
