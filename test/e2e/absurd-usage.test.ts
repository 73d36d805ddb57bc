import { expect, test } from "vitest";
import type { Report } from "../../src/core/model/report.ts";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { createStage } from "./stage.ts";
import { agentCommand } from "./world.ts";

/** An agent whose numbers cannot be: negative, shrinking, beyond everything, no numbers at all. */
const stage = createStage("absurd-usage", () => ({
  ...fleetFiles({ caps: { max_cost_usd: 50, max_llm_calls: 100, max_cost_usd_per_day: 10 } }),
  ...pairFiles("absurd", { command: agentCommand("says-absurd-numbers.js") }, { maxCostUsd: 5 }),
}));

test("moves no meter down, and none to infinity", async () => {
  const mission = await stage.mission(
    "absurd",
    ({ usage, summary }) => usage.llmCalls === 6 && summary === "said it all",
  );
  expect(mission.usage).toMatchObject({ llmCalls: 6, costMicros: 600_000, trust: "reported" });
  expect(mission).toMatchObject({ phase: "Running", holds: [] });
  const events = await stage.events("absurd");
  const said = events.flatMap((event): Pick<Report, "llmCalls" | "costMicros">[] => {
    if (event.type === "instance.used") return [event];
    return event.type === "instance.reported" ? [event.report] : [];
  });
  for (const meter of ["llmCalls", "costMicros"] as const) {
    const numbers = said.flatMap((one) => one[meter] ?? []);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.every((number) => number >= 0 && number <= 600_000)).toBe(true);
  }
});
