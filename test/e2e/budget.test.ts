import { afterAll, beforeAll, expect, test } from "vitest";
import type { CloneEvent } from "../../src/core/model/event.ts";
import { isOfClone } from "../../src/core/record/chain.ts";
import { ended, environment, start } from "../cli/support.ts";
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

/** Agents that spend: paused and asked about, let on, stopped, and one that a pause does not hold. */
let world: World;
let controller: RunningController;

beforeAll(async () => {
  world = await createWorld("budget");
  await world.origin.commit({
    ...fleetFiles({ caps: { max_cost_usd: 50 } }),
    ...documents("spends", ["spends.js", 0.02, 20], { maxCostUsd: 1 }),
    ...documents("jumps", ["spends.js", 0.4, 30_000, 2], { maxCostUsd: 1 }),
    ...documents("escapes", ["spends-while-paused.js", 0.05, 100], { maxCostUsd: 1 }),
  });
  // As on a machine without control groups and namespaces: there a pause is signals, and whoever leaves its session
  // and its environment misses them.
  controller = await world.start({ args: ["--containment", "group"] });
});
afterAll(() => world.close());

function documents(
  name: string,
  [agent, ...args]: [string, ...(number | string)[]],
  mission: Partial<MissionOptions>,
): ReturnType<typeof fleetFiles> {
  return pairFiles(
    name,
    { command: agentCommand(agent, world.ledgerPath(), ...args) },
    { heartbeatSeconds: 30, ...mission },
  );
}

/** The command line, as a person uses it. */
async function factory(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = environment({ FACTORY_DATA: world.dataDir });
  return ended(start({ cwd: world.path, env }, args));
}

async function eventsOf(name: string): Promise<readonly (CloneEvent & { readonly at: number })[]> {
  const { events: found } = await controller.client.call("events", { clone: cloneName(name), limit: 1_000 });
  const events = found.filter(isOfClone);
  return events.map(({ event, at }) => ({ ...event, at }));
}

async function questionOf(name: string, n: number): Promise<string> {
  const id = `${name}.budget.${n}`;
  await eventually(
    () => controller.client.call("inbox").then((answer) => answer.items),
    (items) => items.some((item) => item.id === id),
    () => `question ${id}\n${controller.log().slice(-3_000)}`,
  );
  return id;
}

function spentOf(name: string): number[] {
  return world
    .ledger()
    .filter(({ clone, what }) => clone === cloneName(name) && what.startsWith("spent "))
    .map(({ what }) => Number(what.slice("spent ".length)));
}

test("an agent that spends its budget is paused, asks once, goes on with a higher number, and stops when told to", async () => {
  const name = "spends";
  const first = await questionOf(name, 1);
  const paused = await missionUntil(controller, name, (mission) => mission.phase === "Paused");
  expect(paused.holds).toMatchObject([{ kind: "budget", clearBy: "decision" }]);
  expect((await controller.client.call("resume", { name, reason: "" })).ok).toBe(false);
  const { agent } = processesOf(world.dataDir, cloneName(name), 1);
  expect(isAlive(agent)).toBe(true);

  const shown = await factory("inbox", first);
  expect(shown.stdout).toMatch(/cost_usd: [\d.]+ of 1 \(\d+ %\), reported/);
  expect(shown.stdout).toContain("factory decide spends.budget.1 --stop");
  expect(await factory("decide", first, "--approve")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("--approve is no answer to spends.budget.1"),
  });
  expect((await factory("decide", first, "--raise", "max_cost_usd=1")).stderr).toContain("1 is not higher");
  expect((await factory("decide", first, "--raise", "max_cost_usd=60")).stderr).toContain("at most 50");
  expect((await factory("ack", first)).code).toBe(0);
  const before = spentOf(name).length;
  const raised = await factory("decide", first, "--raise", "max_cost_usd=3", "--reason", "worth it");
  expect(raised).toMatchObject({ code: 0, stderr: "" });
  expect(raised.stdout).toContain("max_cost_usd: 1 → 3");

  await eventually(
    () => spentOf(name).length,
    (steps) => steps > before + 3,
    () => "the same agent to go on",
  );
  expect(processesOf(world.dataDir, cloneName(name), 1).agent).toBe(agent);
  // The file still says 1. It was answered, not overruled.
  expect(await controller.client.call("reconcile")).toMatchObject({ ok: true });
  expect((await controller.client.call("mission", { name }))?.budget.maxCostUsd).toBe(3);
  expect((await factory("status", name)).stdout).toMatch(/raised from 1 by operator:ada/);

  const second = await questionOf(name, 2);
  const asked = (await eventsOf(name)).filter(({ type }) => type === "budget.crossed");
  expect(asked.filter((event) => "level" in event && event.level === "pause").length).toBeLessThanOrEqual(2);
  expect(
    (await controller.client.call("inbox")).items.filter(({ subject }) => subject === name),
  ).toHaveLength(1);
  expect((await factory("decide", second, "--stop")).code).toBe(0);
  const closed = await missionUntil(controller, name, (mission) => mission.closure !== null);
  expect(closed.phase).toBe("Cancelled");
  expect(isAlive(agent)).toBe(false);
  expect(closed.closure?.report).toMatch(/cost\\?_usd: 1 → 3/);
});

test("one that jumps beyond its budget in a single step is asked about, and a higher number in the file answers", async () => {
  const name = "jumps";
  await questionOf(name, 1);
  const mission = await missionUntil(controller, name, ({ phase }) => phase === "Paused");
  expect(mission.usage.costMicros).toBe(2_000_000);
  await world.origin.commit(missionFile(name, { clone: cloneName(name), maxCostUsd: 10 }));
  await missionUntil(controller, name, ({ phase, holds }) => phase === "Running" && holds.length === 0);
  expect((await controller.client.call("inbox")).items.filter(({ subject }) => subject === name)).toEqual([]);
  expect((await eventsOf(name)).filter(({ type }) => type === "runaway.detected")).toEqual([]);
});

test("one that spends on while it is paused is killed as a runaway", async () => {
  const name = "escapes";
  const events = await eventually(
    () => eventsOf(name),
    (seen) => seen.some(({ type }) => type === "stop.finished"),
    () => `the end of ${name}\n${controller.log().slice(-3_000)}`,
  );
  const at = (type: string): number => events.find((event) => event.type === type)?.at ?? Number.NaN;
  expect(at("instance.paused")).toBeGreaterThanOrEqual(at("budget.crossed"));
  expect(events.find(({ type }) => type === "runaway.detected")).toMatchObject({
    meter: "cost_usd",
    limit: 1,
    evidence: expect.stringContaining("the pause was confirmed at"),
  });
  const spender = Number(
    world
      .ledger()
      .find(({ clone: of, what }) => of === cloneName(name) && what.startsWith("pid "))
      ?.what.slice("pid ".length),
  );
  await eventually(
    () => ({ alive: isAlive(spender) }),
    ({ alive }) => !alive,
    () => `process ${spender} to be gone`,
  );
  const mission = await controller.client.call("mission", { name });
  expect(mission?.summary).toContain("runaway");
  // The pause did not hold it, or there would have been nothing to see.
  const settled = events.find((event) => event.type === "instance.settled");
  const settledUsd = settled?.type === "instance.settled" ? (settled.costMicros ?? 0) / 1e6 : 0;
  expect(spentOf(name).at(-1)).toBeGreaterThan(settledUsd);
});
