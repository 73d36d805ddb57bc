import { beforeAll, expect, test } from "vitest";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { createStage } from "./stage.ts";
import { agentCommand, isAlive, type World } from "./world.ts";

/** Pause freezes, resume goes on, and a kill passes everything: an origin that is down, a pause, a window. */
const NAMES = ["paused", "killed", "switched", "windowed", "witness"] as const;
const stage = createStage("stop", (world) =>
  Object.assign(fleetFiles(), ...NAMES.map((name) => documents(world, name))),
);
beforeAll(async () => {
  for (const name of NAMES) await stage.notesMore(name, 1);
});

function documents(world: World, name: string, mission: object = {}): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) }, mission);
}

test("pause freezes the agent and resume lets the same one go on", async () => {
  const name = "paused";
  const agent = stage.processes(name).agent;
  expect(await stage.client.call("pause", { name, reason: "look at it" })).toMatchObject({ ok: true });
  await stage.mission(name, (mission) => mission.phase === "Paused");
  await stage.recorded(name, "instance.paused");
  const frozenAt = stage.notes(name).length;
  await stage.notesMore("witness", 10); // As a clock: it always works.
  expect(stage.notes(name).length).toBe(frozenAt);
  expect(isAlive(agent)).toBe(true);

  expect(await stage.client.call("resume", { name, reason: "" })).toMatchObject({ ok: true });
  await stage.notesMore(name, 5);
  expect(stage.processes(name).agent).toBe(agent);
  expect(stage.notes(name).filter((what) => what.startsWith("begin"))).toHaveLength(1);
});

test("pause and resume work from the file, too", async () => {
  const name = "paused";
  await stage.commit(documents(stage.world, name, { state: "paused" }));
  await stage.recorded(name, "instance.paused", 2);
  const frozenAt = stage.notes(name).length;
  await stage.notesMore("witness", 10);
  expect(stage.notes(name).length).toBe(frozenAt);
  expect((await stage.client.call("resume", { name, reason: "" })).ok).toBe(false);
  await stage.commit(documents(stage.world, name));
  await stage.notesMore(name, 5);
});

test("the kill switch in the file ends it, with proof", async () => {
  await stage.commit(documents(stage.world, "switched", { killSwitch: true }));
  await expectDead("switched");
});

test("a kill passes a window: paused by it, and ended all the same", async () => {
  const name = "windowed";
  const window = { start_at: "2199-01-01T00:00:00Z", end_at: "2199-01-02T00:00:00Z" };
  await stage.commit(documents(stage.world, name, { window }));
  await stage.recorded(name, "instance.paused");
  expect((await stage.client.call("mission", { name }))?.holds.map(({ kind }) => kind)).toEqual(["window"]);
  expect(await stage.client.call("kill", { name, reason: "enough", now: false })).toMatchObject({
    ok: true,
  });
  await expectDead(name);
});

test("a kill needs neither the origin nor a running agent", async () => {
  const name = "killed";
  stage.world.server.setFault(() => ({ type: "hang" }));
  await stage.client.call("pause", { name, reason: "" });
  await stage.recorded(name, "instance.paused");
  expect(await stage.client.call("kill", { name, reason: "runs away", now: true })).toMatchObject({
    ok: true,
  });
  await expectDead(name);
  stage.world.server.setFault(null);
});

async function expectDead(name: string): Promise<void> {
  const { shim, agent } = stage.processes(name);
  const mission = await stage.mission(name, (view) => view.closure !== null);
  expect(mission).toMatchObject({ phase: "Cancelled", outcome: "ignored" });
  expect(mission.closure?.report).toMatch(/## Proof of death\s+Ended at/);
  expect(mission.closure?.report).toMatch(/2 empty scans/);
  expect(isAlive(shim) || isAlive(agent)).toBe(false);
  const clone = await stage.clone(name, (view) => view.instance === null);
  expect(clone.epoch).toBe(1);
}
