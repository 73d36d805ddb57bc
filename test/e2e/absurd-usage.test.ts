import { afterAll, beforeAll, expect, test } from "vitest";
import type { Report } from "../../src/core/model/report.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, missionUntil, type World } from "./world.ts";

/** An agent whose numbers cannot be: negative, shrinking, beyond everything, no numbers at all. */
let world: World;
let controller: RunningController;

beforeAll(async () => {
  world = await createWorld("absurd-usage");
  await world.origin.commit({
    ...fleetFiles({ caps: { max_cost_usd: 50, max_llm_calls: 100, max_cost_usd_per_day: 10 } }),
    ...pairFiles("absurd", { command: agentCommand("says-absurd-numbers.js") }, { maxCostUsd: 5 }),
  });
  controller = await world.start();
});
afterAll(() => world.close());

test("moves no meter down, and none to infinity", async () => {
  const mission = await missionUntil(
    controller,
    "absurd",
    ({ usage, summary }) => usage.llmCalls === 6 && summary === "said it all",
  );
  expect(mission.usage).toMatchObject({ llmCalls: 6, costMicros: 600_000, trust: "reported" });
  expect(mission).toMatchObject({ phase: "Running", holds: [] });
  const events = (await controller.client.call("events", { clone: cloneName("absurd"), limit: 1_000 }))
    .events;
  const said = events.flatMap(({ event }): Pick<Report, "llmCalls" | "costMicros">[] => {
    if (event.type === "instance.used") return [event];
    return event.type === "instance.reported" ? [event.report] : [];
  });
  for (const meter of ["llmCalls", "costMicros"] as const) {
    const numbers = said.flatMap((one) => one[meter] ?? []);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.every((number) => number >= 0 && number <= 600_000)).toBe(true);
  }
});
