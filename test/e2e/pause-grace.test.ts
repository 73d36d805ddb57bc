import { afterAll, beforeAll, expect, test } from "vitest";
import type { CloneEvent } from "../../src/core/model/event.ts";
import { isOfClone } from "../../src/core/record/chain.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneFile, cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import {
  agentCommand,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
  type World,
} from "./world.ts";

/** Agents that are given time to end their turn: one takes it, one spends it all, one does not listen. */
let world: World;
let controller: RunningController;

/** Whoever is paused sooner was not paused by the end of this grace. */
const LONG_S = 300;
const SHORT_S = 3;
const STEPS_OF_A_TURN = 5;
const NEVER = 1_000_000;

beforeAll(async () => {
  world = await createWorld("pause-grace");
  await world.origin.commit({
    ...fleetFiles({ caps: { max_cost_usd: 50 } }),
    ...documents("polite", [0.01, 150, STEPS_OF_A_TURN], { grace: LONG_S, maxCostUsd: 40 }),
    ...documents("greedy", [0.05, 150, NEVER], { grace: LONG_S, maxCostUsd: 1 }),
    ...documents("deaf", [0, 150, NEVER], { grace: SHORT_S, maxCostUsd: 1 }),
  });
  controller = await world.start();
});
afterAll(() => world.close());

function documents(
  name: string,
  args: readonly number[],
  { grace, maxCostUsd }: { readonly grace: number; readonly maxCostUsd: number },
): ReturnType<typeof fleetFiles> {
  return pairFiles(
    name,
    {
      command: agentCommand("ends-its-turn.js", world.ledgerPath(), ...args),
      agent: { pause_grace_seconds: grace },
    },
    { maxCostUsd },
  );
}

type Seen = CloneEvent & { readonly at: number };

async function events(name: string): Promise<readonly Seen[]> {
  const { events: all } = await controller.client.call("events", { clone: cloneName(name), limit: 1_000 });
  const found = all.filter(isOfClone);
  return found.map(({ event, at }) => ({ ...event, at }));
}

function until(name: string, type: CloneEvent["type"]): Promise<readonly Seen[]> {
  return eventually(
    () => events(name),
    (seen) => seen.some((event) => event.type === type),
    () => `${type} of ${name}\n${controller.log().slice(-3_000)}`,
  );
}

function notes(name: string): string[] {
  return world.ledger().flatMap(({ clone, what }) => (clone === cloneName(name) ? [what] : []));
}

test("one that ends its turn is paused then, and what it spent until then is nobody's runaway", async () => {
  await missionUntil(controller, "polite", ({ usage }) => (usage.costMicros ?? 0) > 0);
  await controller.client.call("pause", { name: "polite", reason: "lunch" });
  const seen = await until("polite", "instance.paused");
  expect(seen.map(({ type }) => type)).toContain("instance.pausing");
  const lines = notes("polite");
  expect(lines.slice(lines.indexOf("heard pause") + 1)).toHaveLength(STEPS_OF_A_TURN);
  await controller.client.call("resume", { name: "polite", reason: "" });
  await eventually(
    () => notes("polite"),
    (now) => now.includes("heard resume") && now.at(-1) !== "heard resume",
    () => "the agent to go on",
  );
  expect((await events("polite")).map(({ type }) => type)).not.toContain("runaway.detected");
});

test("one that spends all of its budget meanwhile is frozen at the hard stop, and lives", async () => {
  const seen = await until("greedy", "instance.paused");
  const stop = seen.find((event) => event.type === "budget.crossed" && event.level === "stop");
  const paused = seen.find(({ type }) => type === "instance.paused");
  expect(stop).toBeDefined();
  expect(paused?.at).toBeGreaterThanOrEqual(stop?.at ?? Number.NaN);
  expect((paused?.at ?? 0) - (stop?.at ?? 0)).toBeLessThan((LONG_S * 1_000) / 10);
  expect(seen.map(({ type }) => type)).not.toContain("runaway.detected");
  expect(isAlive(processesOf(world.dataDir, cloneName("greedy"), 1).agent)).toBe(true);
});

test("one that does not listen is paused when its time is over, also when the controller is restarted meanwhile; a kill waits for none", async () => {
  await missionUntil(controller, "deaf", ({ phase }) => phase === "Running");
  await controller.client.call("pause", { name: "deaf", reason: "lunch" });
  const asked = (await until("deaf", "instance.pausing")).find(({ type }) => type === "hold.placed")?.at ?? 0;
  await controller.kill();
  controller = await world.start();
  const seen = await until("deaf", "instance.paused");
  const paused = seen.find(({ type }) => type === "instance.paused")?.at ?? 0;
  expect(paused - asked).toBeGreaterThanOrEqual(SHORT_S * 1_000 - 50);
  await controller.client.call("resume", { name: "deaf", reason: "" });
  await until("deaf", "instance.resumed");
  await world.origin.commit(
    cloneFile(cloneName("deaf"), {
      command: agentCommand("ends-its-turn.js", world.ledgerPath(), 0, 150, NEVER),
      agent: { pause_grace_seconds: LONG_S },
    }),
  );
  await controller.client.call("reconcile");
  await eventually(
    () => events("deaf"),
    (now) => now.filter(({ type }) => type === "clone.declared").length > 1,
    () => `the longer grace\n${controller.log().slice(-3_000)}`,
  );
  await controller.client.call("pause", { name: "deaf", reason: "again" });
  await controller.client.call("kill", { name: "deaf", reason: "enough", now: true });
  const closed = await missionUntil(controller, "deaf", (mission) => mission.closure !== null);
  expect(closed.phase).toBe("Cancelled");
});
