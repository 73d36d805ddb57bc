/** A real shim that holds the limits of its mission, whatever its controller says or does not say. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callShim } from "../../../src/adapters/drivers/process/control-client.ts";
import type { HeldLimits } from "../../../src/core/model/budget-rule.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import { limitsFromWire, limitsOnWire, readHeldLimits } from "../../../src/instance/held-limits.ts";
import { envelope } from "../../contract/driver.ts";
import { createProcessWorld, type ProcessWorld } from "../../support/process-world.ts";
import { until } from "../../support/until.ts";

const signal = new AbortController().signal;
let world: ProcessWorld;
beforeEach(async () => {
  world = await createProcessWorld("auto");
});
afterEach(() => world.close());

const minutes = (seconds: number): number => seconds / 60;

function limits(change: Partial<HeldLimits["budget"]>, more: Partial<HeldLimits> = {}): HeldLimits {
  return {
    missionId: envelope("m-a").mission_id,
    budget: { max_runtime_minutes: 600, max_llm_calls: null, max_cost_usd: null, ...change },
    thresholds: { notify_percent: 10, warn_percent: 20, pause_percent: 50 },
    pauseGraceMs: 0,
    before: { activeMs: 0, llmCalls: 0, costMicros: 0 },
    reportCadence: "hybrid",
    ...more,
  };
}

async function working(held: HeldLimits): Promise<InstanceHandle> {
  const nonce = randomBytes(16).toString("hex");
  const agent = world.agent("works-through-a-pause.js");
  const handle = await world.driver.start(
    { ...world.request("a", "works"), epoch: 1, nonce, agent, limits: held },
    signal,
  );
  await until(() => world.callback.events.some(({ event_type: type }) => type === "instance.ready"), "ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  return handle;
}

function steps(): number {
  const path = join(world.workspace("a"), "worked");
  return existsSync(path) ? readFileSync(path, "utf8").length : 0;
}

function reached(level: string): Promise<unknown> {
  const found = (): unknown =>
    world.callback.events.find(
      ({ event_type: type, detail }) => type === "mission.limit_reached" && detail["level"] === level,
    );
  return until(found, `the level ${level}`);
}

async function moved(): Promise<void> {
  const before = steps();
  await until(() => steps() > before + 3, "the agent to work");
}

/** Beats that say `paused`, so many more. */
async function pausedBeats(more: number): Promise<void> {
  const count = (): number => world.callback.heartbeats.filter(({ phase }) => phase === "paused").length;
  const before = count();
  await until(() => count() >= before + more, "paused heartbeats");
}

const tell = (handle: InstanceHandle, held: HeldLimits): Promise<void> =>
  world.driver.configure(
    handle,
    { callbackUrl: world.callback.url, heartbeatIntervalMs: 60, limits: held },
    signal,
  );

describe("a pause at a limit", () => {
  it("is lifted by a higher limit alone, which is on the disk when the call is answered", async () => {
    const handle = await working(limits({ max_runtime_minutes: minutes(4) }));
    await reached("pause");
    await pausedBeats(3);
    const before = steps();
    await world.driver.pause(handle, signal);
    await world.driver.resume(handle, signal);
    await pausedBeats(5);
    expect(steps()).toBe(before);
    const raised = limits({ max_runtime_minutes: 60 });
    await tell(handle, raised);
    expect(readHeldLimits(join(world.directory, "a", "1"))).toEqual(raised);
    await moved();
    // A controller's own pause is its own: the limit has nothing to do with it.
    await world.driver.pause(handle, signal);
    await tell(handle, limits({ max_runtime_minutes: 61 }));
    const held = steps();
    await pausedBeats(5);
    expect(steps()).toBe(held);
  });

  it("counts what earlier instances of the mission have used", async () => {
    const before = { activeMs: 56_000, llmCalls: 0, costMicros: 0 };
    await working(limits({ max_runtime_minutes: 2 }, { before }));
    await reached("pause");
    const { detail } = (await reached("pause")) as { detail: { used: number } };
    expect(detail.used).toBeGreaterThanOrEqual(1);
  });
});

it("an agent is ended at once by a limit that is tightened below what it has used", async () => {
  const handle = await working(limits({}));
  await moved();
  await tell(handle, limits({ max_runtime_minutes: minutes(0.05) }));
  await reached("stop");
  await until(
    () => world.callback.events.some(({ event_type: type }) => type === "instance.exited"),
    "the end of the agent",
  );
});

describe("limits that are no limits", () => {
  it.each<[string, unknown]>([
    ["half of them", { ...limitsOnWire(limits({})), before: {} }],
    ["a number that is none", { ...limitsOnWire(limits({})), budget: { max_runtime_minutes: "much" } }],
    ["a number below nothing", limitsOnWire(limits({ max_cost_usd: -1 }))],
    ["another mission's", limitsOnWire(limits({}, { missionId: "m_ffffffffffffffffffffffff" }))],
  ])("%s: are refused, and those from before stay", async (_, wrong) => {
    const held = limits({});
    const handle = await working(held);
    const call = callShim({
      socket: String(handle.data["socket"]),
      nonce: handle.nonce,
      method: "configure",
      params: { limits: wrong },
      timeoutMs: 5_000,
      signal,
    });
    await expect(call).rejects.toThrow(/limits are not whole, or another mission's/);
    expect(readHeldLimits(join(world.directory, "a", "1"))).toEqual(held);
  });

  it("what was sent is what is held", () => {
    const held = limits({ max_cost_usd: 5, max_llm_calls: 7 });
    expect(limitsFromWire(JSON.parse(JSON.stringify(limitsOnWire(held))))).toEqual(held);
  });
});
