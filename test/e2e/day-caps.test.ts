import { expect, test } from "vitest";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { createStage } from "./stage.ts";
import { agentCommand } from "./world.ts";

/**
 * Caps of a day, on real processes: of one clone and of all. That a day ends by itself is told by a clock that can
 * be set, in `test/core/clone/spending/budget.test.ts`.
 */
const stage = createStage("day-caps", (world) => ({
  ...fleet(1, 1_000),
  ...documents("spender", agentCommand("spends.js", world.ledgerPath(), 0.3, 400)),
  ...documents("bystander", agentCommand("works.js", world.ledgerPath("other"), 100_000, 50)),
}));

function fleet(perClone: number, perDay: number): ReturnType<typeof fleetFiles> {
  return fleetFiles({ caps: { max_cost_usd_per_clone_per_day: perClone, max_cost_usd_per_day: perDay } });
}

function documents(name: string, command: readonly string[]): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command });
}

function heldBy(name: string, ...owners: readonly string[]): Promise<unknown> {
  return stage.mission(name, ({ holds }) => holds.map(({ owner }) => owner).join() === owners.join());
}

test("hold the clone that reached its own, then everybody, and let all go on when fleet.yaml allows more", async () => {
  await heldBy("spender", "day:clone");
  const spent = (await stage.client.call("mission", { name: "spender" }))?.usage.costMicros ?? 0;
  expect(spent).toBeGreaterThanOrEqual(900_000);
  expect((await stage.client.call("mission", { name: "bystander" }))?.holds).toEqual([]);
  // People decide about a day's cap where it stands; no question of one mission is asked.
  expect((await stage.client.call("resume", { name: "spender", reason: "" })).ok).toBe(false);

  await stage.commit(fleet(1_000, 1));
  await stage.client.call("reconcile");
  await heldBy("spender", "day:fleet");
  await heldBy("bystander", "day:fleet");

  await stage.commit(fleet(1_000, 1_000));
  await stage.client.call("reconcile");
  await heldBy("spender");
  await heldBy("bystander");
  await stage.mission("spender", ({ usage }) => (usage.costMicros ?? 0) > spent + 300_000);
});
