/** Real agents of the protocol in their containment, each talked to by a real shim. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startModelProvider } from "../../support/model-provider.ts";
import { SECRET } from "../../support/process-world.ts";
import { type AcpWorld, createAcpWorld, LADDER, signal } from "./world.ts";

let world: AcpWorld;
beforeAll(async () => {
  world = await createAcpWorld();
});
afterAll(() => world.close());

describe("a mission with an agent of the protocol", () => {
  it("goes from its dispatch to its result, with all that the agent tells on the way", async () => {
    const handle = await world.running("a", "completes");
    const done = await world.arrived("mission.completed", "a");
    expect(done).toMatchObject({ summary: "all of it", usage: { estimated_cost_usd: 0.25 } });
    expect(world.types("a").slice(0, 3)).toEqual(["instance.ready", "mission.accepted", "mission.progress"]);
    expect((await world.arrived("mission.progress", "a")).detail).toEqual({ percent: 50 });
    expect(world.wrote("a", "prompts")).toEqual([expect.stringContaining("# Objective\nan objective")]);
    expect(await world.arrived("instance.exited", "a")).toMatchObject({ detail: { code: 0 } });
    const transcript = await world.driver.transcript(handle, 1_000_000, signal);
    expect(transcript).toContain("[thought] let me see\n");
    expect(transcript).toContain("all of it\n");
    expect(transcript).toContain('{"sessionUpdate":"from_the_future","payload":"kept"}\n');
  });

  it("ends a turn that is under way when it is stopped, and then its input", async () => {
    const handle = await world.running("b", "works");
    await world.arrived("mission.accepted", "b");
    const proof = await world.driver.stop(handle, LADDER, signal);
    expect((proof.rungs ?? []).map(({ rung }) => rung)).toEqual(["cancel"]);
    expect(world.wrote("b", "cancels")).toEqual([1]);
  });
});

it("behind the gateway of its shim it is metered, whatever it says itself", async () => {
  const provider = await startModelProvider();
  const model = { api: "anthropic", upstream: provider.url, key: "API_KEY" } as const;
  await world.running("metered", "calls-its-model", { model });
  await world.arrived("mission.completed", "metered");
  const { usage } = await world.arrived("instance.exited", "metered");
  expect(usage).toMatchObject({ llm_calls: 1, trust: "metered", source: "gateway" });
  expect(usage.estimated_cost_usd).toBeLessThan(0.01);
  expect(provider.calls.map(({ headers }) => headers["x-api-key"])).toEqual([SECRET]);
  await provider.close();
});
