/** Agents that keep to no rule: whatever they do, their shim lives, tells what happened, and can end them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 as Ajv } from "ajv/dist/2020.js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../support/until.ts";
import { type AcpWorld, createAcpWorld, LADDER, signal } from "./world.ts";

const NOW = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 } as const;
const QUICK = { ...LADDER, cancelGraceMs: 300, cancelBusyGraceMs: 100, stdinGraceMs: 100, termGraceMs: 100 };

let world: AcpWorld;
beforeAll(async () => {
  world = await createAcpWorld();
});
beforeEach(() => {
  world.callback.claim = null;
});
afterAll(() => world.close());

const running = (behaviour: string, constraints = {}): ReturnType<AcpWorld["running"]> =>
  world.running(behaviour, behaviour, { program: "hostile.js", constraints });
const prompted = (clone: string): Promise<unknown> =>
  until(() => world.wrote(clone, "heard").length >= 3 || undefined, "its prompt");

describe("an agent of the protocol that", () => {
  it("ignores its cancel is ended by the ladder", async () => {
    const handle = await running("ignores-cancel");
    await prompted("ignores-cancel");
    const proof = await world.driver.stop(handle, QUICK, signal);
    expect((proof.rungs ?? []).map(({ rung }) => rung).slice(0, 3)).toEqual(["cancel", "stdin", "sigterm"]);
    expect(proof.evidence).toContain("no process carries the marker");
  });

  it("floods with everything that the schema allows is heard to its end", async () => {
    await running("floods");
    expect((await world.arrived("mission.completed", "floods")).summary).toBe("flooded");
  });

  it("dies in a tool call takes with it what the tool began", async () => {
    await running("dies-in-a-tool-call");
    expect((await world.arrived("instance.exited", "dies-in-a-tool-call")).detail).toMatchObject({
      code: 3,
      stderr_tail: "the agent ended before its mission did\n",
    });
    expect(world.living("dies-in-a-tool-call", ["sleep", "7102"])).toBe(false);
  });

  it.each([
    ["holds-a-tool-call", "7103"],
    ["holds-a-permission", "7104"],
  ])("%s is killed with its children in sessions of their own, and that is proven", async (clone, marker) => {
    world.callback.claim = () => ({ decision: "approval_required" });
    const handle = await running(clone, { approval_required: ["shell"] });
    await until(() => world.living(clone, ["sleep", marker]) || undefined, "its children");
    const proof = await world.driver.stop(handle, NOW, signal);
    expect(proof.evidence).toContain("no process carries the marker");
    expect(world.living(clone, ["sleep", marker])).toBe(false);
  });

  it("asks for the same for ever is seen to go in circles", async () => {
    const handle = await running("asks-for-the-same", { forbidden_tools: ["network"] });
    expect((await world.arrived("agent.loop", "asks-for-the-same")).detail).toMatchObject({
      pattern: "repeated_error",
    });
    await world.driver.stop(handle, NOW, signal);
  });

  it("asks for something else each time has failed its mission", async () => {
    await running("asks-for-ever", { forbidden_tools: ["network"] });
    expect((await world.arrived("mission.failed", "asks-for-ever")).summary).toContain(
      "the agent asked 50 times in a row for what it was refused",
    );
  });

  it("asks everything at once puts no more to people than they can look at", async () => {
    world.callback.claim = () => ({ decision: "approval_required" });
    const handle = await running("asks-at-once", { approval_required: ["shell"] });
    await until(() => world.wrote("asks-at-once", "heard").length >= 200 || undefined, "the answers");
    const asked = new Set(world.callback.claims.map((claim) => JSON.stringify(claim.arguments)));
    expect(asked.size).toBeLessThanOrEqual(16);
    await world.driver.stop(handle, NOW, signal);
  });

  it("lies about its usage is believed no number that cannot be one", async () => {
    await running("lies-about-usage");
    expect((await world.arrived("mission.completed", "lies-about-usage")).usage).toMatchObject({
      estimated_cost_usd: 0.5,
      llm_calls: null,
      trust: "reported",
    });
  });

  it("runs without waiting for its permission has failed its mission", async () => {
    world.callback.claim = () => ({ decision: "approval_required" });
    await running("answers-itself", { approval_required: ["shell"] });
    expect((await world.arrived("mission.failed", "answers-itself")).summary).toBe(
      "the agent used execute without being allowed to",
    );
  });

  it("ends with 0 in the middle of its turn has crashed", async () => {
    await running("ends-without-a-word");
    const { detail } = await world.arrived("instance.exited", "ends-without-a-word");
    expect(detail).toMatchObject({ code: 76, stderr_tail: "the agent ended before its mission did\n" });
    expect(world.types("ends-without-a-word")).not.toContain("mission.failed");
  });

  it("asks and does not read is ended", { timeout: 40_000 }, async () => {
    const handle = await running("does-not-read");
    await world.arrived("instance.exited", "does-not-read");
    const transcript = await world.driver.transcript(handle, 1_000_000, signal);
    expect(transcript).toContain("the agent does not read its input: it is ended");
  });

  it("ends its turn for a reason that nobody knows has failed", async () => {
    await running("speaks-of-nothing");
    expect((await world.arrived("mission.failed", "speaks-of-nothing")).summary).toContain("because");
  });

  it("hangs at its first message has accepted nothing, and can be ended", async () => {
    const handle = await running("hangs-at-initialize");
    await until(
      () => world.wrote("hangs-at-initialize", "heard").length > 0 || undefined,
      "our first message",
    );
    await world.driver.stop(handle, QUICK, signal);
    expect(world.types("hangs-at-initialize")).not.toContain("mission.accepted");
  });
});

it("whatever an agent was told keeps to the protocol's own schema", () => {
  const path = fileURLToPath(import.meta.resolve("@agentclientprotocol/sdk/schema/v1/schema.json"));
  const schema = JSON.parse(readFileSync(path, "utf8")) as { $defs: Record<string, Record<string, unknown>> };
  const ajv = new Ajv({ strict: false, validateFormats: false }).addSchema(schema, "acp");
  const definitions = Object.entries(schema.$defs);
  const methods = new Set<string>();
  for (const clone of ["ignores-cancel", "asks-for-ever", "holds-a-permission", "answers-itself"]) {
    for (const { method, params } of world.wrote(clone, "heard") as { method?: string; params?: unknown }[]) {
      if (method === undefined) continue;
      methods.add(method);
      const [name] =
        definitions.find(
          ([key, one]) =>
            one["x-method"] === method && one["x-side"] === "agent" && !key.endsWith("Response"),
        ) ?? [];
      const validate = ajv.getSchema(`acp#/$defs/${name}`);
      expect([method, validate?.(params), validate?.errors]).toEqual([method, true, null]);
    }
  }
  expect([...methods].sort()).toEqual(["initialize", "session/cancel", "session/new", "session/prompt"]);
});
