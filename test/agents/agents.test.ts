/** Real agents, unmodified, as clones of this program: what they do is metered, limited and judged, and none sees the key. */
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { AGENT_NAMES, AGENT_RECIPES, type AgentName, agentFields } from "../../src/cli/scaffold/agents.ts";
import type { MissionView } from "../../src/core/status/view.ts";
import { createWorld, eventually, isAlive, processesOf, STATUS, type World } from "../e2e/world.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles } from "../support/fleet-files.ts";
import type { Files } from "../support/git.ts";
import { mendingFiles } from "./mission.ts";
import { type MendingModel, startMendingModel } from "./model.ts";
import { installed } from "./programs.ts";
import { note } from "./table.ts";

const KEY = "sk-real-4f1e8a3e76f28919c864a0abb07b0e77";
const INSTALL_MS = 600_000;
const MISSION_MS = 240_000;
const only = process.env["FACTORY_AGENTS_ONLY"]?.split(",");
const NAMES = AGENT_NAMES.filter((name) => only === undefined || only.includes(name));
/** Calls that an agent makes beside its talk: of a title. */
const BESIDE: Readonly<Partial<Record<AgentName, number>>> = { opencode: 1 };
/** It has no MCP. */
const WITHOUT_TOOLS: ReadonlySet<AgentName> = new Set(["pi"]);
/** Calls that follow a refusal: its own attempts to get round it. */
const ATTEMPTS_MAX = 5;

describe.each(NAMES)("%s", { timeout: MISSION_MS }, (name) => {
  let world: World;
  let controller: RunningController;
  const models: MendingModel[] = [];

  beforeAll(async () => {
    const bin = await installed(name);
    world = await createWorld(`agent-${name}`);
    await world.origin.commit({ ...fleetFiles({ secrets: { env: ["AGENT_KEY"] } }), ...withResources() });
    controller = await world.start({
      env: { AGENT_KEY: KEY, PATH: [bin, process.env["PATH"] ?? ""].join(delimiter) },
    });
  }, INSTALL_MS);
  afterAll(() => world?.close());
  afterEach(async () => {
    for (const model of models.splice(0)) await model.close();
  });

  async function begin(
    mission: string,
    plays: Parameters<typeof startMendingModel>[0] = {},
    contract: Parameters<typeof mendingFiles>[2] = {},
  ): Promise<MendingModel> {
    const model = await startMendingModel(plays);
    models.push(model);
    const fields = agentFields(AGENT_RECIPES[name], { variable: "AGENT_KEY", upstream: model.url });
    await world.origin.commit(mendingFiles(mission, fields, contract));
    return model;
  }

  function until(mission: string, holds: (view: MissionView) => boolean): Promise<MissionView> {
    return eventually(
      () => controller.client.call("mission", { name: mission }),
      holds,
      () => `${mission}\n${controller.log().slice(-3_000)}`,
      MISSION_MS - 20_000,
    );
  }

  const logs = async (mission: string): Promise<string> =>
    String((await controller.client.call("logs", { name: mission, bytes: 1_000_000 }))?.text);

  async function asked(mission: string, n: number): Promise<string> {
    const id = `${mission}.budget.${n}`;
    await eventually(
      () => controller.client.call("inbox").then(({ items }) => items.map((item) => item.id)),
      (ids) => ids.includes(id),
      () => `question ${id}`,
      MISSION_MS - 20_000,
    );
    return id;
  }

  async function decide(
    id: string,
    said:
      | { readonly decision: "stop" | "approve" }
      | { readonly decision: "raise"; readonly budget: { readonly max_llm_calls: number } },
  ): Promise<void> {
    expect(await controller.client.call("decide", { id, ...said, reason: "" })).toMatchObject({ ok: true });
  }

  it("mends a test, is accepted by a check outside of it, and every call is counted", async () => {
    const model = await begin("mend");
    const mission = await until("mend", ({ closure, holds }) => closure !== null || holds.length > 0);
    const transcript = await logs("mend");
    expect(mission.outcome, `${transcript.slice(-6_000)}\n${JSON.stringify(mission.holds)}`).toBe("accepted");
    expect(mission.usage).toMatchObject({ llmCalls: model.calls().length, trust: "metered" });
    expect(mission.usage.costMicros).toBeGreaterThan(0);
    note(name, { metered: mission.usage, dataDir: world.dataDir, clone: cloneName("mend") });
    expect(new Set(model.calls().map(({ key }) => key))).toEqual(new Set([KEY]));
    expect(transcript.length).toBeGreaterThan(500);
    expect(transcript).not.toContain(KEY);
    const published = await eventually(
      () => world.origin.files(STATUS),
      (files) => files.get("missions/mend/closure.md")?.includes("ACCEPTED") === true,
      () => "the closure report on the status branch",
    );
    for (const [path, text] of published) expect(text, path).not.toContain(KEY);
  });

  it("is paused at its budget of ten calls and asked about, goes on after a raise, and ends after a stop", async () => {
    const model = await begin("spends", { looks: 60 }, { callsMax: 10 });
    const first = await asked("spends", 1);
    await until("spends", ({ phase }) => phase === "Paused");
    expect(model.calls()).toHaveLength(9);
    const { agent } = processesOf(world.dataDir, cloneName("spends"), 1);
    expect(isAlive(agent)).toBe(true);
    await decide(first, { decision: "raise", budget: { max_llm_calls: 20 } });
    const second = await asked("spends", 2);
    expect(model.calls()).toHaveLength(18);
    expect(processesOf(world.dataDir, cloneName("spends"), 1).agent).toBe(agent);
    await decide(second, { decision: "stop" });
    const closed = await until("spends", ({ closure }) => closure !== null);
    expect(closed.phase).toBe("Cancelled");
    expect(closed.usage.llmCalls).toBe(18);
    expect(isAlive(agent)).toBe(false);
    expect(model.calls()).toHaveLength(18);
  });

  it.skipIf(WITHOUT_TOOLS.has(name))(
    "asks before what needs a person's word, waits, and does it once",
    async () => {
      const model = await begin("asks", { asks: true }, { approval: ["external_messaging"] });
      const question = await eventually(
        async () => {
          const { items } = await controller.client.call("inbox");
          return items.find(({ id }) => id.startsWith("asks."))?.id ?? null;
        },
        () => true,
        () => `a question\n${controller.log().slice(-3_000)}`,
        MISSION_MS - 20_000,
      );
      await until("asks", ({ phase }) => phase === "Paused");
      const { agent } = processesOf(world.dataDir, cloneName("asks"), 1);
      expect(isAlive(agent)).toBe(true);
      await decide(question, { decision: "approve" });
      const mission = await until("asks", ({ closure }) => closure !== null);
      expect(mission.outcome, (await logs("asks")).slice(-3_000)).toBe("accepted");
      const ledger = await controller.client.call("actions", { name: "asks" });
      expect(ledger?.actions).toMatchObject([{ action: "external_messaging", state: "committed" }]);
      expect(mission.usage.llmCalls).toBe(model.calls().length);
    },
  );

  it("is started again when it dies in the midst of it, and every call of both is counted", async () => {
    const model = await begin("dies", { looks: 6 });
    await eventually(
      () => model.calls().length,
      (calls) => calls >= 4,
      () => `four calls\n${controller.log().slice(-3_000)}`,
      MISSION_MS - 20_000,
    );
    const { agent } = processesOf(world.dataDir, cloneName("dies"), 1);
    if (agent === null) throw new Error("its agent is not found");
    process.kill(agent, "SIGKILL");
    const mission = await until("dies", ({ closure, holds }) => closure !== null || holds.length > 0);
    expect(mission.outcome, `${(await logs("dies")).slice(-3_000)}\n${JSON.stringify(mission.holds)}`).toBe(
      "accepted",
    );
    expect(isAlive(agent)).toBe(false);
    expect(processesOf(world.dataDir, cloneName("dies"), 2).shim).not.toBeNull();
    expect(mission.usage).toMatchObject({ llmCalls: model.calls().length, trust: "metered" });
  });

  it("ends by itself when a call is refused as the gateway refuses one", async () => {
    const model = await begin("refused", { refuses: 400 });
    const mission = await until("refused", ({ closure, holds }) => closure !== null || holds.length > 0);
    const transcript = await logs("refused");
    expect(mission.phase, transcript.slice(-3_000)).toBe("Failed");
    expect(mission.closure?.report).toContain("refused with 400");
    const refused = model.calls().filter(({ status }) => status === 400).length;
    note(name, { refusedCalls: refused });
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThanOrEqual(ATTEMPTS_MAX + (BESIDE[name] ?? 0));
  });

  it("puts its clone aside when its provider refuses its key", async () => {
    await begin("denied", { refuses: 401 });
    const mission = await until("denied", ({ holds }) => holds.length > 0);
    expect(mission.holds, (await logs("denied")).slice(-3_000)).toMatchObject([
      { reason: "AgentUnauthorized" },
    ]);
  });

  it("has left the key nowhere", async () => {
    expect(await controller.stop()).toBe(0);
    expect(controller.log()).not.toContain(KEY);
    expect(filesWith(world.dataDir, KEY)).toEqual([]);
  });
});

/** What an agent may take of its machine, as `factory init` writes it. */
function withResources(): Files {
  const fleet = parse(String(fleetFiles({ secrets: { env: ["AGENT_KEY"] } })["fleet.yaml"]));
  const defaults = { resources: { memory_mb: 2_048, pids: 512 } };
  return { "fleet.yaml": stringify({ ...fleet, spec: { ...fleet.spec, defaults } }) };
}

function filesWith(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}
