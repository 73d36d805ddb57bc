import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningController } from "../support/controller.ts";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, missionUntil, type World } from "./world.ts";

/**
 * Caps of a day, on real processes: of one clone and of all. That a day ends by itself is told by a clock that can
 * be set, in `test/core/clone/spending/budget.test.ts`.
 */
let world: World;
let controller: RunningController;

const fleet = (perClone: number, perDay: number): ReturnType<typeof fleetFiles> =>
  fleetFiles({ caps: { max_cost_usd_per_clone_per_day: perClone, max_cost_usd_per_day: perDay } });

beforeAll(async () => {
  world = await createWorld("day-caps");
  await world.origin.commit({
    ...fleet(1, 1_000),
    ...documents("spender", agentCommand("spends.js", world.ledgerPath(), 0.3, 400)),
    ...documents("bystander", agentCommand("works.js", world.ledgerPath("other"), 100_000, 50)),
  });
  controller = await world.start();
});
afterAll(() => world.close());

function documents(name: string, command: readonly string[]): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command });
}

function heldBy(name: string, ...owners: readonly string[]): Promise<unknown> {
  return missionUntil(
    controller,
    name,
    ({ holds }) => holds.map(({ owner }) => owner).join() === owners.join(),
  );
}

test("hold the clone that reached its own, then everybody, and let all go on when fleet.yaml allows more", async () => {
  await heldBy("spender", "day:clone");
  const spent = (await controller.client.call("mission", { name: "spender" }))?.usage.costMicros ?? 0;
  expect(spent).toBeGreaterThanOrEqual(900_000);
  expect((await controller.client.call("mission", { name: "bystander" }))?.holds).toEqual([]);
  // People decide about a day's cap where it stands; no question of one mission is asked.
  expect((await controller.client.call("resume", { name: "spender", reason: "" })).ok).toBe(false);

  await world.origin.commit(fleet(1_000, 1));
  await controller.client.call("reconcile");
  await heldBy("spender", "day:fleet");
  await heldBy("bystander", "day:fleet");

  await world.origin.commit(fleet(1_000, 1_000));
  await controller.client.call("reconcile");
  await heldBy("spender");
  await heldBy("bystander");
  await missionUntil(controller, "spender", ({ usage }) => (usage.costMicros ?? 0) > spent + 300_000);
});
