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

/** Agents that spend: paused and asked about, let on, stopped, and one that a pause does not hold. */
const stage = createStage(
  "budget",
  (world) => ({
    ...fleetFiles({ caps: { max_cost_usd: 50 }, allowGroup: true }),
    // Paused halfway: a freeze takes its time on a busy machine, and the limit is not to be reached meanwhile.
    ...documents(world, "spends", ["spends.js", 0.02, 50], { maxCostUsd: 1, pausePercent: 50 }),
    ...documents(world, "jumps", ["spends.js", 0.4, 30_000, 2], { maxCostUsd: 1 }),
    ...documents(world, "escapes", ["spends-while-paused.js", 0.05, 100], {
      // Paused at 0.8: it is seen to spend on long before it comes to the limit.
      maxCostUsd: 20,
      pausePercent: 4,
    }),
  }),
  // As on a machine without control groups and namespaces: there a pause is signals, and whoever leaves its session
  // and its environment misses them.
  { args: ["--containment", "group"] },
);

function documents(
  world: World,
  name: string,
  [agent, ...args]: [string, ...(number | string)[]],
  mission: Partial<MissionOptions>,
): ReturnType<typeof fleetFiles> {
  return pairFiles(
    name,
    { command: agentCommand(agent, world.ledgerPath(), ...args), isolation: "group" },
    { heartbeatSeconds: 30, ...mission },
  );
}

async function questionOf(name: string, n: number): Promise<string> {
  const id = `${name}.budget.${n}`;
  await eventually(
    () => stage.client.call("inbox").then((answer) => answer.items),
    (items) => items.some((item) => item.id === id),
    () => `question ${id}\n${stage.controller.log().slice(-3_000)}`,
  );
  return id;
}

function spentOf(name: string): number[] {
  return stage.notes(name).flatMap((what) => /^spent (.*)/.exec(what)?.slice(1).map(Number) ?? []);
}

test("an agent that spends its budget is paused, asks once, goes on with a higher number, and stops when told to", async () => {
  const name = "spends";
  const first = await questionOf(name, 1);
  const paused = await stage.mission(name, (mission) => mission.phase === "Paused");
  expect(paused.holds).toMatchObject([{ kind: "budget", clearBy: "decision" }]);
  expect((await stage.client.call("resume", { name, reason: "" })).ok).toBe(false);
  const { agent } = stage.processes(name);
  expect(isAlive(agent)).toBe(true);

  const shown = await stage.factory("inbox", first);
  expect(shown.stdout).toMatch(/cost_usd: [\d.]+ of 1 \(\d+ %\), reported/);
  expect(shown.stdout).toContain("factory decide spends.budget.1 --stop");
  expect(await stage.factory("decide", first, "--approve")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("--approve is no answer to spends.budget.1"),
  });
  expect((await stage.factory("decide", first, "--raise", "max_cost_usd=1")).stderr).toContain(
    "1 is not higher",
  );
  expect((await stage.factory("decide", first, "--raise", "max_cost_usd=60")).stderr).toContain("at most 50");
  expect((await stage.factory("ack", first)).code).toBe(0);
  const before = spentOf(name).length;
  const raised = await stage.factory("decide", first, "--raise", "max_cost_usd=3", "--reason", "worth it");
  expect(raised).toMatchObject({ code: 0, stderr: "" });
  expect(raised.stdout).toContain("max_cost_usd: 1 → 3");

  await eventually(
    () => spentOf(name).length,
    (steps) => steps > before + 3,
    () => "the same agent to go on",
  );
  expect(stage.processes(name).agent).toBe(agent);
  // The file still says 1. It was answered, not overruled.
  expect(await stage.client.call("reconcile")).toMatchObject({ ok: true });
  expect((await stage.client.call("mission", { name }))?.budget.maxCostUsd).toBe(3);
  expect((await stage.factory("status", name)).stdout).toMatch(/raised from 1 by operator:ada/);

  const second = await questionOf(name, 2);
  const asked = (await stage.events(name)).filter(({ type }) => type === "budget.crossed");
  expect(asked.filter((event) => "level" in event && event.level === "pause").length).toBeLessThanOrEqual(2);
  expect(await stage.inbox(name)).toHaveLength(1);
  expect((await stage.factory("decide", second, "--stop")).code).toBe(0);
  const closed = await stage.mission(name, (mission) => mission.closure !== null);
  expect(closed.phase).toBe("Cancelled");
  expect(isAlive(agent)).toBe(false);
  expect(closed.closure?.report).toMatch(/cost\\?_usd: 1 → 3/);
});

test("one that jumps beyond its budget in a single step is ended and asked about; after a higher number in the file another goes on", async () => {
  const name = "jumps";
  await questionOf(name, 1);
  const mission = await stage.mission(name, ({ phase }) => phase === "Paused");
  expect(mission.usage.costMicros).toBe(2_000_000);
  await stage.recorded(name, "stop.finished");
  expect(isAlive(stage.processes(name).agent)).toBe(false);
  // Nothing held its processes together, so its death is not proven: a person lets the lane go on, and the limit still holds.
  await stage.mission(name, ({ holds }) => holds.some(({ reason }) => reason === "DeathUnproven"));
  expect((await stage.factory("resume", name, "--reason", "looked: nothing runs")).code).toBe(0);
  const held = await stage.mission(name, ({ holds }) => holds.every(({ kind }) => kind === "budget"));
  expect(held).toMatchObject({ phase: "Paused", holds: [{ kind: "budget", clearBy: "decision" }] });
  await stage.commit(missionFile(name, { clone: cloneName(name), maxCostUsd: 10 }));
  await stage.mission(name, ({ phase, holds }) => phase === "Running" && holds.length === 0);
  expect(await stage.inbox(name)).toEqual([]);
  expect((await stage.events(name)).filter(({ type }) => type === "runaway.detected")).toEqual([]);
});

test("one that spends on while it is paused is killed as a runaway", async () => {
  const name = "escapes";
  const events = await stage.recorded(name, "stop.finished");
  const at = (type: string): number => events.find((event) => event.type === type)?.at ?? Number.NaN;
  expect(at("runaway.detected")).toBeGreaterThanOrEqual(at("instance.paused"));
  expect(events.find(({ type }) => type === "runaway.detected")).toMatchObject({
    meter: "cost_usd",
    limit: 20,
    evidence: expect.stringContaining("the pause was confirmed at"),
  });
  const spender = Number(
    /^pid (.*)/.exec(stage.notes(name).find((what) => what.startsWith("pid ")) ?? "")?.[1],
  );
  await eventually(
    () => ({ alive: isAlive(spender) }),
    ({ alive }) => !alive,
    () => `process ${spender} to be gone`,
  );
  const mission = await stage.client.call("mission", { name });
  expect(mission?.summary).toContain("runaway");
  // The pause did not hold it, or there would have been nothing to see.
  const settled = events.find((event) => event.type === "instance.settled");
  const settledUsd = settled?.type === "instance.settled" ? (settled.costMicros ?? 0) / 1e6 : 0;
  expect(spentOf(name).at(-1)).toBeGreaterThan(settledUsd);
});
