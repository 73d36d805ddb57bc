/** A real shim between a real agent in its containment and a provider of models: counted, limited, cut off, and without the key. */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WireEvent, WireEventType } from "../../../src/api/event.ts";
import type { HeldLimits } from "../../../src/core/model/budget-rule.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import { envelope } from "../../contract/driver.ts";
import { CLAUDE, type ModelProvider, startModelProvider } from "../../support/model-provider.ts";
import { createProcessWorld, type ProcessWorld, SECRET } from "../../support/process-world.ts";
import { until } from "../../support/until.ts";

const signal = new AbortController().signal;
const NOW = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 } as const;
let world: ProcessWorld;
let provider: ModelProvider;

beforeEach(async () => {
  world = await createProcessWorld("auto");
  provider = await startModelProvider();
});
afterEach(async () => {
  await world.close();
  await provider.close();
});

function limits(calls: number, pausePercent = 90): HeldLimits {
  return {
    missionId: envelope("m-a").mission_id,
    budget: { max_runtime_minutes: 600, max_llm_calls: calls, max_cost_usd: null },
    thresholds: { notify_percent: 10, warn_percent: 20, pause_percent: pausePercent },
    pauseGraceMs: 0,
    before: { activeMs: 0, llmCalls: 0, costMicros: 0 },
    reportCadence: "hybrid",
  };
}

async function working(args: readonly string[], held: HeldLimits = limits(1_000)): Promise<InstanceHandle> {
  const agent = {
    ...world.agent("calls-its-model.js", ...args, provider.url),
    model: { api: "anthropic", upstream: provider.url, key: "API_KEY" } as const,
  };
  const handle = await world.driver.start(
    {
      ...world.request("a", "works"),
      epoch: 1,
      nonce: randomBytes(16).toString("hex"),
      agent,
      isolation: "pidns",
      network: "none",
      limits: held,
    },
    signal,
  );
  await arrived("instance.ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  return handle;
}

function arrived(type: WireEventType): Promise<WireEvent> {
  return until(() => world.callback.events.find((event) => event.event_type === type), type);
}

function answers(): readonly string[] {
  const path = join(world.workspace("a"), "answers");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}

const tell = (handle: InstanceHandle, held: HeldLimits): Promise<void> =>
  world.driver.configure(
    handle,
    { callbackUrl: world.callback.url, heartbeatIntervalMs: 60, limits: held },
    signal,
  );

async function pausedBeats(): Promise<void> {
  const count = (): number => world.callback.heartbeats.filter(({ phase }) => phase === "paused").length;
  const before = count();
  await until(() => count() >= before + 3 || undefined, "paused heartbeats");
}

describe("an agent that has no network", () => {
  it("reaches its model, is counted whatever it says itself, and never sees the key", async () => {
    const handle = await working(["3"]);
    await arrived("mission.completed");
    const { usage } = await arrived("instance.exited");
    // Three times 7 in at 3 USD, 3 from the cache at 0.30 and 5 out at 15 USD for a million.
    const each = Math.ceil(7 * 3 + 3 * 0.3 + 5 * 15) / 1e6;
    expect(usage).toMatchObject({
      llm_calls: 3,
      estimated_cost_usd: Number((3 * each).toFixed(6)),
      trust: "metered",
      source: "gateway",
    });
    expect(provider.calls.map(({ headers }) => headers["x-api-key"])).toEqual([SECRET, SECRET, SECRET]);
    expect(provider.calls[0]?.body).toMatchObject({ model: CLAUDE });
    const transcript = await world.driver.transcript(handle, 10_000_000, signal);
    const around = Buffer.from(/^AROUND (\w*)$/m.exec(transcript)?.[1] ?? "", "hex").toString("latin1");
    expect(transcript).toMatch(/^DIRECT (ECONNREFUSED|ENETUNREACH)$/m);
    expect(around).toContain("ANTHROPIC_BASE_URL=http://127.0.0.1:");
    expect(around).not.toContain(SECRET);
    for (const name of readdirSync(world.workspace("a"), { recursive: true, withFileTypes: true }))
      if (name.isFile())
        expect(readFileSync(join(name.parentPath, name.name), "latin1")).not.toContain(SECRET);
  });
});

describe("a budget of ten calls", () => {
  it("pauses at nine, and goes on after a raise with nothing lost", async () => {
    const handle = await working(["20"], limits(10));
    const { detail } = await until(
      () =>
        world.callback.events.find(
          (event) => event.event_type === "mission.limit_reached" && event.detail["level"] === "pause",
        ),
      "the level pause",
    );
    expect(detail).toMatchObject({ meter: "llm_calls", used: 9, limit: 10, did: "paused" });
    await pausedBeats();
    expect(provider.calls).toHaveLength(9);
    await tell(handle, limits(100));
    await arrived("mission.completed");
    expect(answers()).toEqual(Array(20).fill("200"));
    expect(provider.calls).toHaveLength(20);
  });

  it("lets exactly ten through where many are made at once, and ends the agent at its hard stop", async () => {
    await working(["40", "20"], limits(10, 100));
    await arrived("instance.exited");
    expect(provider.calls).toHaveLength(10);
    const stop = world.callback.events.find(
      (event) => event.event_type === "mission.limit_reached" && event.detail["level"] === "stop",
    );
    expect(stop?.detail).toMatchObject({ used: 10, limit: 10, did: "ended" });
  });
});

it("a kill cuts a stream off, and no call follows", async () => {
  let closed = 0;
  provider.answer = (_asked, response) => {
    response.on("close", () => {
      closed += 1;
    });
    response.writeHead(200, { "content-type": "text/event-stream" }).write(": it thinks\n\n");
  };
  const handle = await working(["40", "2"]);
  await until(() => provider.calls.length === 2 || undefined, "two calls");
  const proof = await world.driver.stop(handle, NOW, signal);
  expect(proof.evidence).toContain("no process carries the marker");
  await until(() => closed === 2 || undefined, "the end of both streams");
  expect(provider.calls).toHaveLength(2);
});
