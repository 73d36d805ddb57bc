import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WireEvent, WireEventType } from "../../../src/api/event.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import { envelope } from "../../contract/driver.ts";
import { createProcessWorld, type ProcessWorld } from "../../support/process-world.ts";
import { until } from "../../support/until.ts";

/** Real agents that go in circles; `does-what-it-is-told.js` explains the letters. */
const signal = new AbortController().signal;

let world: ProcessWorld;
beforeEach(async () => {
  world = await createProcessWorld("auto");
});
afterEach(() => world.close());

async function run(letters: string): Promise<InstanceHandle> {
  const agent = world.agent("does-what-it-is-told.js", letters);
  const nonce = randomBytes(16).toString("hex");
  const handle = await world.driver.start({ ...world.request("a", "works"), epoch: 1, nonce, agent }, signal);
  await arrived("instance.ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  return handle;
}

function arrived(type: WireEventType, nth = 1): Promise<WireEvent> {
  return until(
    () => world.callback.events.filter((event) => event.event_type === type)[nth - 1],
    `${type} ${nth}`,
  );
}

function heard(words: string, times: number): Promise<unknown> {
  return until(
    () => world.callback.events.filter(({ summary }) => summary === `heard ${words}`).length >= times,
    `${words}, ${times} times`,
  );
}

async function loops(): Promise<readonly unknown[]> {
  await arrived("instance.exited");
  return world.callback.events
    .filter((event) => event.event_type === "agent.loop")
    .map(({ detail }) => `${String(detail["pattern"])} ×${String(detail["times"])}`);
}

describe("an agent", () => {
  it.each([
    ["baaaa", ["repeated_result ×4"]],
    ["AAA", ["repeated_error ×3"]],
    ["bababa", ["alternation ×6"]],
    ["...", ["monologue ×3"]],
    ["a.a+a.a", ["repeated_result ×4"]],
    ["aaaaaaAAAA....ababab", ["repeated_result ×4"]], // Told once, until somebody has spoken.
    ["aaabaaab", []],
    ["abcdefabcdef", []],
    ["..+..*..a..", []],
    ["+++++", []],
  ])("that does %s is seen as %j", async (letters, seen) => {
    await run(letters);
    expect(await loops()).toEqual(seen);
  });

  it("that goes on after a nudge is seen again, and not for what was under way", async () => {
    const handle = await run("aaaa(|)a");
    await arrived("agent.loop");
    await world.driver.tell(handle, { id: "1", from: "supervisor", text: "stop it" }, signal);
    expect(await loops()).toEqual(["repeated_result ×4", "repeated_result ×5"]);
    const [heard] = world.callback.events.filter(({ summary }) => summary.startsWith("heard"));
    expect(heard?.summary).toBe("heard supervisor: stop it");
  });

  it("that does something else after a nudge has left the loop", async () => {
    const handle = await run("aaaa|(b)a");
    await arrived("agent.loop");
    await world.driver.tell(handle, { id: "1", from: "supervisor", text: "stop it" }, signal);
    expect(await loops()).toEqual(["repeated_result ×4"]);
  });

  it("that a person has spoken to begins anew", async () => {
    const handle = await run("aaaa|aaa");
    await arrived("agent.loop");
    await world.driver.tell(handle, { id: "1", from: "operator", text: "once more" }, signal);
    expect(await loops()).toEqual(["repeated_result ×4"]);
  });

  it("that takes another's place in the same instance is told again what people said, and what we said is over", async () => {
    const handle = await run("aaaa|||");
    await arrived("agent.loop");
    await world.driver.tell(handle, { id: "1", from: "supervisor", text: "stop it" }, signal);
    await world.driver.tell(handle, { id: "2", from: "operator", text: "look here" }, signal);
    await heard("operator: look here", 1);
    await world.driver.revive(handle, { again: true }, signal);
    await heard("operator: look here", 2);
    await world.driver.tell(handle, { id: "3", from: "operator", text: "and there" }, signal);
    await world.driver.tell(handle, { id: "4", from: "operator", text: "enough" }, signal);
    expect(await loops()).toEqual(["repeated_result ×4", "repeated_result ×4"]);
  });

  it("that was paused and goes on begins anew", async () => {
    const handle = await run("AAA|AAAA");
    await arrived("agent.loop");
    await world.driver.pause(handle, signal);
    await world.driver.tell(handle, { id: "1", from: "supervisor", text: "stop it" }, signal);
    await world.driver.resume(handle, signal);
    expect(await loops()).toEqual(["repeated_error ×3", "repeated_error ×3"]);
  });
});

it("progress that is older than a blocker does not look as if it had gone on", async () => {
  const agent = world.agent("says-blocked.js");
  const nonce = randomBytes(16).toString("hex");
  const handle = await world.driver.start({ ...world.request("a", "works"), epoch: 1, nonce, agent }, signal);
  await arrived("instance.ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  await arrived("mission.blocked");
  await world.driver.tell(handle, { id: "1", from: "operator", text: "here" }, signal);
  await arrived("mission.completed");
  const transcript = await world.driver.transcript(handle, 10_000, signal);
  expect(transcript).toContain("operator says: here");
});
