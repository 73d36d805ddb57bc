import { expect, test } from "vitest";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { createStage } from "./stage.ts";
import { agentCommand, eventually } from "./world.ts";

/** Agents that say tokens: one of a model with a price, one of a model without. */
const stage = createStage("prices", () => ({
  ...fleet(10),
  ...documents("priced", "m=60000"),
  ...documents("unpriced", "x/large=60000"),
}));

function fleet(output: number): ReturnType<typeof fleetFiles> {
  const prices = { m: { input_per_million_usd: 1, output_per_million_usd: output } };
  return fleetFiles({ caps: { max_cost_usd: 50 }, prices });
}

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

test("cost is derived from tokens and prices, says so, and does not fall with the prices", async () => {
  const { usage } = await stage.mission("priced", ({ usage: of }) => of.costMicros !== null);
  expect(usage).toMatchObject({ costMicros: 601_000, trust: "derived" });
  expect((await stage.factory("status", "priced")).stdout).toContain("derived from its agent's tokens");
  expect((await stage.factory("why", "priced")).stdout).toMatch(/0\.601 of 1 \(60 %\), derived/);
  await stage.commit(fleet(0));
  await stage.client.call("reconcile");
  expect((await stage.client.call("mission", { name: "priced" }))?.usage).toMatchObject({
    costMicros: 601_000,
  });
});

test("a model without a price is unknown, and said to be so once", async () => {
  const log = await eventually(
    async () =>
      (await stage.client.call("logs", { name: cloneName("unpriced"), bytes: 10_000 }))?.text ?? null,
    (text) => text.includes("no price for x/large"),
    () => `the note\n${stage.controller.log().slice(-3_000)}`,
  );
  expect(log.split("no price for x/large")).toHaveLength(2);
  expect((await stage.client.call("mission", { name: "unpriced" }))?.usage).toMatchObject({
    costMicros: null,
    trust: "none",
  });
});
