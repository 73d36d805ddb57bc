import { expect, test } from "vitest";
import { cloneFile, cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { createStage } from "./stage.ts";
import { agentCommand, eventually, isAlive, type World } from "./world.ts";

/** Agents that are given time to end their turn: one takes it, one spends it all, one does not listen. */

/** Whoever is paused sooner was not paused by the end of this grace. */
const LONG_S = 300;
const SHORT_S = 3;
const STEPS_OF_A_TURN = 5;
const NEVER = 1_000_000;

const stage = createStage("pause-grace", (world) => ({
  ...fleetFiles({ caps: { max_cost_usd: 50 } }),
  ...documents(world, "polite", [0.1, 150, STEPS_OF_A_TURN], { grace: LONG_S, maxCostUsd: 40 }),
  ...documents(world, "greedy", [0.05, 150, NEVER], { grace: LONG_S, maxCostUsd: 1 }),
  ...documents(world, "deaf", [0, 150, NEVER], { grace: SHORT_S, maxCostUsd: 1 }),
}));

function documents(
  world: World,
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

test("one that ends its turn is paused then, and what it spent until then is nobody's runaway", async () => {
  await stage.mission("polite", ({ usage }) => (usage.costMicros ?? 0) > 0);
  await stage.client.call("pause", { name: "polite", reason: "lunch" });
  const seen = await stage.recorded("polite", "instance.paused");
  expect(seen.map(({ type }) => type)).toContain("instance.pausing");
  const lines = stage.notes("polite");
  expect(lines.slice(lines.indexOf("heard pause") + 1)).toHaveLength(STEPS_OF_A_TURN);
  await stage.client.call("resume", { name: "polite", reason: "" });
  await eventually(
    () => stage.notes("polite"),
    (now) => now.includes("heard resume") && now.at(-1) !== "heard resume",
    () => "the agent to go on",
  );
  expect((await stage.events("polite")).map(({ type }) => type)).not.toContain("runaway.detected");
});

test("one that spends all of its budget meanwhile is ended at the hard stop, and asked about", async () => {
  const seen = await stage.recorded("greedy", "stop.finished");
  const types = seen.map(({ type }) => type);
  expect(types).not.toContain("runaway.detected");
  const held = await stage.mission("greedy", ({ phase }) => phase === "Paused");
  expect(held.holds).toMatchObject([{ kind: "budget", clearBy: "decision" }]);
  expect(isAlive(stage.processes("greedy").agent)).toBe(false);
  // 300 s of a grace would have cost it a hundred times as much.
  expect(held.usage.costMicros).toBeGreaterThanOrEqual(1_000_000);
  expect(held.usage.costMicros).toBeLessThan(2_000_000);
});

test("one that does not listen is paused when its time is over, also when the controller is restarted meanwhile; a kill waits for none", async () => {
  await stage.mission("deaf", ({ phase }) => phase === "Running");
  await stage.client.call("pause", { name: "deaf", reason: "lunch" });
  const asked =
    (await stage.recorded("deaf", "instance.pausing")).find(({ type }) => type === "hold.placed")?.at ?? 0;
  await stage.restart();
  const seen = await stage.recorded("deaf", "instance.paused");
  const paused = seen.find(({ type }) => type === "instance.paused")?.at ?? 0;
  expect(paused - asked).toBeGreaterThanOrEqual(SHORT_S * 1_000 - 50);
  await stage.client.call("resume", { name: "deaf", reason: "" });
  await stage.recorded("deaf", "instance.resumed");
  await stage.commit(
    cloneFile(cloneName("deaf"), {
      command: agentCommand("ends-its-turn.js", stage.world.ledgerPath(), 0, 150, NEVER),
      agent: { pause_grace_seconds: LONG_S },
    }),
  );
  await stage.client.call("reconcile");
  await eventually(
    () => stage.events("deaf"),
    (now) => now.filter(({ type }) => type === "clone.declared").length > 1,
    () => `the longer grace\n${stage.controller.log().slice(-3_000)}`,
  );
  await stage.client.call("pause", { name: "deaf", reason: "again" });
  await stage.client.call("kill", { name: "deaf", reason: "enough", now: true });
  const closed = await stage.mission("deaf", (mission) => mission.closure !== null);
  expect(closed.phase).toBe("Cancelled");
});
