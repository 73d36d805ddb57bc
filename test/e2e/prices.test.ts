import { afterAll, beforeAll, expect, test } from "vitest";
import { ended, environment, start } from "../cli/support.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, eventually, missionUntil, type World } from "./world.ts";

/** Agents that say tokens: one of a model with a price, one of a model without. */
let world: World;
let controller: RunningController;

const prices = (output: number) => ({ m: { input_per_million_usd: 1, output_per_million_usd: output } });
const fleet = (output: number) => fleetFiles({ caps: { max_cost_usd: 50 }, prices: prices(output) });

beforeAll(async () => {
  world = await createWorld("prices");
  await world.origin.commit({
    ...fleet(10),
    ...documents("priced", "m=60000"),
    ...documents("unpriced", "x/large=60000"),
  });
  controller = await world.start();
});
afterAll(() => world.close());

function documents(name: string, tokens: string): ReturnType<typeof fleetFiles> {
  return pairFiles(
    name,
    {
      command: agentCommand("counts-tokens.js", tokens),
      agent: { usage: "tokens" },
    },
    { maxCostUsd: 1 },
  );
}

async function factory(...args: string[]): Promise<string> {
  const env = environment({ FACTORY_DATA: world.dataDir });
  return (await ended(start({ cwd: world.path, env }, args))).stdout;
}

test("cost is derived from tokens and prices, says so, and does not fall with the prices", async () => {
  const { usage } = await missionUntil(controller, "priced", ({ usage: of }) => of.costMicros !== null);
  expect(usage).toMatchObject({ costMicros: 601_000, trust: "derived" });
  expect(await factory("status", "priced")).toContain("derived from its agent's tokens");
  expect(await factory("why", "priced")).toMatch(/0\.601 of 1 \(60 %\), derived/);
  await world.origin.commit(fleet(0));
  await controller.client.call("reconcile");
  expect((await controller.client.call("mission", { name: "priced" }))?.usage).toMatchObject({
    costMicros: 601_000,
  });
});

test("a model without a price is unknown, and said to be so once", async () => {
  const { client } = controller;
  const log = await eventually(
    async () => (await client.call("logs", { name: cloneName("unpriced"), bytes: 10_000 }))?.text ?? null,
    (text) => text.includes("no price for x/large"),
    () => `the note\n${controller.log().slice(-3_000)}`,
  );
  expect(log.split("no price for x/large")).toHaveLength(2);
  expect((await client.call("mission", { name: "unpriced" }))?.usage).toMatchObject({
    costMicros: null,
    trust: "none",
  });
});
