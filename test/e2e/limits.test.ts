import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  cloneName,
  fleetFiles,
  type MissionOptions,
  missionFile,
  pairFiles,
} from "../support/fleet-files.ts";
import { createStage } from "./stage.ts";
import { agentCommand, eventually, isAlive, type World } from "./world.ts";

/** Heartbeats, budgets and windows of missions that are under way. */
const stage = createStage("limits", (world) => ({
  ...fleetFiles(),
  ...documents(world, "silent", { heartbeatSeconds: 1 }),
  // Paused at 0.9 of it and ended at all of it: between the two a busy machine needs time to freeze the agent.
  ...documents(world, "spends", { maxRuntimeMinutes: 12 / 60 }),
  ...documents(world, "later", {
    window: { start_at: "2199-01-01T00:00:00Z", end_at: "2199-01-02T00:00:00Z" },
  }),
  ...documents(world, "over", {
    window: { start_at: "2020-01-01T00:00:00Z", end_at: "2020-01-02T00:00:00Z" },
  }),
}));

function documents(
  world: World,
  name: string,
  mission: Partial<MissionOptions>,
): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) }, mission);
}

/**
 * Its next write of a file never returns, as on a disk that is gone: it lives, beats no more and answers nobody. One
 * that is only stopped would be woken (`liveness.test.ts`).
 */
async function hang(clone: string, epoch: number): Promise<void> {
  const path = join(stage.world.dataDir, "instances", clone, String(epoch), "outbox.ack.tmp");
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
  await stage.mission(name, (mission) => mission.phase === "Running");
  await stage.clone(name, (view) => view.instance?.health === "healthy");
  const { shim } = stage.processes(name);
  await hang(clone, 1);
  await eventually(
    () => stage.world.ledger(),
    (lines) => lines.some((line) => line.clone === clone && line.epoch === 2),
    () => `a second epoch\n${stage.controller.log().slice(-3_000)}`,
  );
  expect(isAlive(shim)).toBe(false);
  const seen = await healthsOf(name, 1);
  expect(seen).toEqual(expect.arrayContaining(["suspect", "degraded", "lost"]));
  expect(seen.indexOf("degraded")).toBeLessThan(seen.indexOf("lost"));
  const mission = await stage.mission(name, (view) => view.phase === "Running");
  expect(mission.conditions.find(({ type }) => type === "HeartbeatFresh")?.status).not.toBe("False");
});

test("a budget that is almost spent pauses and asks; a higher number in the file lets it go on", async () => {
  const name = "spends";
  const paused = await stage.mission(name, (mission) => mission.phase === "Paused");
  expect(paused.holds.map(({ kind, clearBy }) => ({ kind, clearBy }))).toEqual([
    { kind: "budget", clearBy: "decision" },
  ]);
  expect(
    (await stage.client.call("inbox")).items.find(({ id }) => id === `${name}.budget.1`)?.message,
  ).toMatch(/runtime_minutes is at .* of /);
  expect((await stage.client.call("resume", { name, reason: "" })).ok).toBe(false);
  const agent = stage.processes(name).agent;

  await stage.commit(missionFile(name, { clone: cloneName(name), maxRuntimeMinutes: 60 }));
  await stage.mission(name, (mission) => mission.phase === "Running" && mission.holds.length === 0);
  await stage.notesMore(name, 4);
  expect(stage.processes(name).agent).toBe(agent);
  expect(stage.notes(name).filter((what) => what.startsWith("begin"))).toHaveLength(1);
});

test("outside of its window a mission is held, and `why` says when it opens", async () => {
  const mission = await stage.mission("later", (view) => view.holds.some(({ kind }) => kind === "window"));
  expect(mission.phase).toBe("Paused");
  const why = await stage.client.call("why", { name: "later" });
  expect(why?.runs).toBe(false);
  expect(JSON.stringify(why?.steps)).toContain("2199-01-01T00:00:00.000Z");
  expect(stage.notes("later")).toEqual([]);
});

test("a window that is over ends the mission as timed out", async () => {
  const mission = await stage.mission("over", (view) => view.closure !== null);
  expect(mission).toMatchObject({ phase: "TimedOut", outcome: "rejected" });
  expect(stage.notes("over")).toEqual([]);
});

async function healthsOf(mission: string, epoch: number): Promise<readonly string[]> {
  const events = await stage.events(mission);
  return events.flatMap((event) =>
    event.type === "health.changed" && event.epoch === epoch ? [event.health] : [],
  );
}
