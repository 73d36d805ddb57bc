import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AGENT_NAMES, AGENT_RECIPES, type AgentName, agentFields } from "../../src/cli/scaffold/agents.ts";
import { createWorld, eventually, STATUS, type World } from "../e2e/world.ts";
import type { RunningController } from "../support/controller.ts";
import { fleetFiles } from "../support/fleet-files.ts";
import { mendingFiles } from "./mission.ts";
import { type MendingModel, startMendingModel } from "./model.ts";
import { installed } from "./programs.ts";

const KEY = "sk-real-4f1e8a3e76f28919c864a0abb07b0e77";
const MISSION_MS = 240_000;
const only = process.env["FACTORY_AGENTS_ONLY"]?.split(",");
const names = AGENT_NAMES.filter((name) => only === undefined || only.includes(name));

describe.each(names)("%s", (name: AgentName) => {
  let world: World;
  let model: MendingModel;
  let controller: RunningController;

  beforeAll(async () => {
    const bin = await installed(name);
    world = await createWorld(`agent-${name}`);
    model = await startMendingModel();
    const recipe = AGENT_RECIPES[name];
    await world.origin.commit({
      ...fleetFiles({ secrets: { env: ["AGENT_KEY"] } }),
      ...mendingFiles("mend", agentFields(recipe, { variable: "AGENT_KEY", upstream: model.url })),
    });
    controller = await world.start({
      env: { AGENT_KEY: KEY, PATH: [bin, process.env["PATH"] ?? ""].join(delimiter) },
    });
  }, 600_000);
  afterAll(async () => {
    await world?.close();
    await model?.close();
  });

  it("mends the test, is metered, and never sees the key", { timeout: MISSION_MS }, async () => {
    const mission = await eventually(
      () => controller.client.call("mission", { name: "mend" }),
      (view) => view.closure !== null || view.holds.length > 0,
      () => `the end of the mission\n${controller.log().slice(-3_000)}`,
      MISSION_MS - 20_000,
    );
    const logs = String((await controller.client.call("logs", { name: "mend", bytes: 1_000_000 }))?.text);
    const said = `${logs.slice(-6_000)}\n${mission.closure?.report ?? JSON.stringify(mission.holds)}`;
    expect(mission.outcome, said).toBe("accepted");
    const calls = model.asked.filter(({ turn }) => turn !== null);
    expect(mission.usage).toMatchObject({ llmCalls: calls.length, trust: "metered" });
    expect(mission.usage.costMicros).toBeGreaterThan(0);
    expect(new Set(calls.map(({ key }) => key))).toEqual(new Set([KEY]));
    expect(logs).not.toContain(KEY);
    await eventually(
      () => world.status("missions/mend/closure.md"),
      (text) => text.includes("ACCEPTED"),
      () => "the closure report on the status branch",
    );
    for (const [path, text] of await world.origin.files(STATUS)) expect(text, path).not.toContain(KEY);
    expect(controller.log()).not.toContain(KEY);
    expect(await controller.stop()).toBe(0);
    expect(filesWith(world.dataDir, KEY)).toEqual([]);
    if (process.env["FACTORY_AGENTS_SHOW"] !== undefined)
      console.log(
        JSON.stringify(
          { name, usage: mission.usage, logs: logs.slice(0, 200), results: model.results() },
          null,
          1,
        ),
      );
  });
});

function filesWith(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}
