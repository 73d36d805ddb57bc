/** A shim whose agent is talked to in another way: everything that a session does for an agent it does for this one as well. */
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createProcessDriver } from "../../src/adapters/drivers/process/driver.ts";
import type { WireEvent, WireEventType } from "../../src/api/event.ts";
import type { InstanceHandle } from "../../src/core/model/instance.ts";
import type { Driver, StartRequest, StopLadder } from "../../src/ports/driver.ts";
import { envelope } from "../contract/driver.ts";
import { createProcessWorld, type ProcessWorld } from "../support/process-world.ts";
import { until } from "../support/until.ts";

const signal = new AbortController().signal;
const SHIM = fileURLToPath(new URL("../support/json-rpc/shim.ts", import.meta.url));
const AGENT = fileURLToPath(new URL("../support/json-rpc/agent.js", import.meta.url));
const LADDER: StopLadder = {
  enter: "cancel",
  cancelGraceMs: 60_000,
  stdinGraceMs: 100,
  termGraceMs: 100,
  sweepMs: 10_000,
};

let world: ProcessWorld;
let driver: Driver;
let count = 0;

beforeAll(async () => {
  world = await createProcessWorld("group");
  driver = createProcessDriver({
    directory: world.directory,
    workspaces: world.driver.workspaces,
    installation: "test",
    containment: "group",
    shimCommand: [process.execPath, SHIM],
  });
});
afterAll(() => world.close());

async function running(behaviour: string, by = driver): Promise<InstanceHandle> {
  count += 1;
  const clone = `rpc-${count}`;
  const agent = {
    ...world.agent("completes.js"),
    // No document may name it: this shim alone has it.
    adapter: "json-rpc" as StartRequest["agent"]["adapter"],
    command: ["node", AGENT, behaviour] as const,
  };
  const nonce = randomBytes(16).toString("hex");
  const handle = await by.start({ ...world.request(clone, "works"), agent, epoch: 1, nonce }, signal);
  await arrived("instance.ready", clone);
  await by.dispatch(handle, envelope(`m-${clone}`), signal);
  return handle;
}

function arrived(type: WireEventType, clone: string): Promise<WireEvent> {
  return until(
    () => world.callback.events.find((event) => event.event_type === type && event.vp_id === clone),
    `${type} of ${clone}`,
  );
}

test("a mission goes from its dispatch to its result, with progress and usage on the way", async () => {
  const { clone } = await running("completes");
  const done = await arrived("mission.completed", clone);
  expect(done).toMatchObject({ summary: "all of it", usage: { llm_calls: 3, estimated_cost_usd: 0.25 } });
  const types = world.callback.of(clone).map((event) => event.event_type);
  expect(types.slice(0, 3)).toEqual(["instance.ready", "mission.accepted", "mission.progress"]);
  expect((await arrived("mission.progress", clone)).summary).toBe(`works on m-${clone}`);
});

test("what blocks it is reported, and what a person says reaches it once", async () => {
  const handle = await running("blocks");
  const { clone } = handle;
  expect((await arrived("mission.blocked", clone)).detail).toEqual({
    reason: "needs a token",
    needs: "the vault",
  });
  const message = { id: "w1", from: "operator", text: "it is in the drawer" } as const;
  await driver.tell(handle, message, signal);
  await driver.tell(handle, message, signal);
  expect((await arrived("mission.completed", clone)).summary).toBe("heard: it is in the drawer");
  const unblocked = world.callback.of(clone).filter(({ event_type: type }) => type === "mission.unblocked");
  expect(unblocked).toHaveLength(1);
});

test("a crash is an exit with its code and the end of what it said", async () => {
  const { clone } = await running("crashes");
  const exited = await arrived("instance.exited", clone);
  expect(exited.detail).toMatchObject({ code: 7, signal: null, stderr_tail: "out of order\n" });
});

test("a pause waits for the end of its turn, and then freezes it", async () => {
  const handle = await running("works");
  await arrived("mission.progress", handle.clone);
  await driver.pauseAfterTurn?.(handle, { graceMs: 600_000 }, signal);
  await until(() => {
    const beat = world.callback.heartbeats.findLast(({ vp_id: clone }) => clone === handle.clone);
    return beat?.phase === "paused";
  }, "a heartbeat that says that it is paused");
  await driver.resume(handle, signal);
  expect((await driver.stop(handle, LADDER, signal)).rung).toBe("cancel");
});

test("an agent that does not end by being asked is ended by the ladder", async () => {
  const handle = await running("ignores-cancel");
  await arrived("mission.progress", handle.clone);
  const proof = await driver.stop(handle, { ...LADDER, cancelGraceMs: 50 }, signal);
  expect((proof.rungs ?? []).map(({ rung }) => rung).slice(0, 3)).toEqual(["cancel", "stdin", "sigterm"]);
  expect(proof.emptyScans).toBe(2);
});

test("an agent whose program is gone is started again in place, and told that it resumes", async () => {
  const handle = await running("works");
  await arrived("mission.progress", handle.clone);
  await driver.revive(handle, { again: true }, signal);
  await until(async () => (await driver.probe(handle, signal)).agent === "running", "the new agent to run");
  expect(world.callback.of(handle.clone).map(({ event_type: type }) => type)).not.toContain(
    "instance.exited",
  );
  expect((await driver.stop(handle, LADDER, signal)).rung).toBe("cancel");
});

test("a shim that has no such adapter says so, as of a program that is not there", async () => {
  const { clone } = await running("works", world.driver);
  const exited = await arrived("instance.exited", clone);
  expect(exited.detail).toMatchObject({ code: 127, stderr_tail: "this shim has no adapter named json-rpc" });
});
