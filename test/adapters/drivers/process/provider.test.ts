import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { InstanceHandle } from "../../../../src/core/model/instance.ts";
import { envelope } from "../../../contract/driver.ts";
import { createProcessWorld, type ProcessWorld } from "../../../support/process-world.ts";

/** What a real shim makes of an agent whose provider refuses it, or makes it wait. */
let world: ProcessWorld;
const signal = new AbortController().signal;

beforeEach(async () => {
  world = await createProcessWorld("group");
});
afterEach(() => world.close());

async function running(agent: string): Promise<InstanceHandle> {
  const request = { ...world.request("a", "works"), agent: world.agent(agent) };
  const handle = await world.driver.start(
    { ...request, epoch: 1, nonce: randomBytes(16).toString("hex") },
    signal,
  );
  await world.until(() => reported("instance.ready"), "instance.ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  return handle;
}

const reported = (type: string) => world.events().find((event) => event.event_type === type);

test.each(["says-unauthorized.js", "exits-77.js"])(
  "refused credentials are told with the exit, and are no verdict: %s",
  async (agent) => {
    await running(agent);
    const exited = await world.until(() => reported("instance.exited"), "instance.exited");
    expect(exited.detail).toMatchObject({ auth: true });
    expect(reported("mission.failed")).toBeUndefined();
    expect(reported("mission.completed")).toBeUndefined();
  },
);

test("a rate limit is a phase: told once, nothing counts as work, and an exit says that it was one", async () => {
  const handle = await running("says-throttled.js");
  const told = await world.until(() => reported("agent.throttled"), "agent.throttled");
  expect(told.detail).toEqual({ retry_after_ms: 60_000, account: "acme" });
  const beat = await world.until(
    () => world.heartbeats().find(({ phase }) => phase === "throttled"),
    "the phase",
  );
  expect(beat.throttled_ms).toBeGreaterThan(50_000);
  const later = await world.until(
    () => world.heartbeats().find(({ seq, phase }) => seq > beat.seq + 3 && phase === "throttled"),
    "later heartbeats",
  );
  expect(later.usage.active_ms).toBe(beat.usage.active_ms);
  expect(world.events().filter((event) => event.event_type === "agent.throttled")).toHaveLength(1);
  const ladder = { enter: "cancel", stdinGraceMs: 5_000, termGraceMs: 1_000, sweepMs: 5_000 } as const;
  await world.driver.stop(handle, ladder, signal);
  const outbox = await world.driver.pullOutbox(handle, 0, signal);
  expect(outbox.find((event) => event.event_type === "instance.exited")?.detail).toMatchObject({
    throttled: true,
  });
});
