import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WireHeartbeat } from "../../../src/api/heartbeat.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import type { Pausing } from "../../../src/ports/driver.ts";
import { envelope } from "../../contract/driver.ts";
import { createProcessWorld, type ProcessWorld } from "../../support/process-world.ts";
import { until } from "../../support/until.ts";

const signal = new AbortController().signal;
/** Nobody waits that long here: whoever is frozen was frozen for another reason. */
const LONG_MS = 300_000;
/** On a busy machine a shim that was told to act is heard long before this. */
const SOON_MS = 20_000;

let world: ProcessWorld;
beforeEach(async () => {
  world = await createProcessWorld("auto");
});
afterEach(() => world.close());

async function working(agent: "ends-its-turn.js" | "works-through-a-pause.js"): Promise<InstanceHandle> {
  const nonce = randomBytes(16).toString("hex");
  const request = { ...world.request("a", "works"), epoch: 1, nonce, agent: world.agent(agent) };
  const handle = await world.driver.start(request, signal);
  await until(() => world.callback.events.some((event) => event.event_type === "instance.ready"), "ready");
  await world.driver.dispatch(handle, envelope("m-a"), signal);
  await steps(1);
  return handle;
}

function written(file: "worked" | "heard"): string {
  const path = join(world.workspace("a"), file);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** The agent has made so many steps more. */
async function steps(more: number): Promise<void> {
  const before = written("worked").length;
  await until(() => written("worked").length >= before + more, `${more} steps`);
}

async function pause(handle: InstanceHandle, graceMs: number): Promise<Pausing> {
  const answer = await world.driver.pauseAfterTurn?.(handle, { graceMs }, signal);
  if (answer === undefined) throw new Error("this driver knows no grace");
  return answer;
}

function beats(after: number, phase: WireHeartbeat["phase"]): Promise<WireHeartbeat> {
  return until(
    () => world.callback.heartbeats.find((beat) => beat.seq > after && beat.phase === phase),
    `a heartbeat that says ${phase}`,
  );
}

describe("a pause with a grace", () => {
  it("is told to the agent, takes hold when its turn has ended, and is told again when it is over", async () => {
    const handle = await working("ends-its-turn.js");
    const begun = performance.now();
    const { frozen, beat } = await pause(handle, LONG_MS);
    expect(frozen).toBe(false);
    await beats(beat, "paused");
    expect(performance.now() - begun).toBeLessThan(SOON_MS);
    expect(written("worked")).toMatch(/\|$/);
    expect(await pause(handle, LONG_MS)).toMatchObject({ frozen: true });
    await world.driver.resume(handle, signal);
    await steps(3);
    const heard = written("heard").trim().split("\n");
    expect(heard.map((line) => JSON.parse(line))).toEqual([
      { type: "pause", grace_seconds: LONG_MS / 1_000 },
      { type: "resume" },
    ]);
  });

  it("takes hold of an agent that does not care when it is over, however often it is asked for", async () => {
    const handle = await working("works-through-a-pause.js");
    const { beat } = await pause(handle, 400);
    // As a controller does that was restarted meanwhile.
    expect(await pause(handle, LONG_MS)).toMatchObject({ frozen: false });
    await beats(beat, "paused");
    const before = written("worked");
    expect(await pause(handle, LONG_MS)).toMatchObject({ frozen: true });
    expect(written("worked")).toBe(before);
  });

  it("is cut short by a pause without one", async () => {
    const handle = await working("works-through-a-pause.js");
    const { beat } = await pause(handle, LONG_MS);
    await world.driver.pause(handle, signal);
    await beats(beat, "paused");
  });

  it("is taken back by a resume, and does not come to hold later", async () => {
    const handle = await working("works-through-a-pause.js");
    const { beat } = await pause(handle, 500);
    await world.driver.resume(handle, signal);
    await steps(60);
    const later = world.callback.heartbeats.filter(({ seq }) => seq > beat);
    expect(later.length).toBeGreaterThan(0);
    expect(later.map(({ phase }) => phase)).not.toContain("paused");
  });

  it("does not hold up an end", async () => {
    const handle = await working("works-through-a-pause.js");
    await pause(handle, LONG_MS);
    const ladder = { enter: "term", stdinGraceMs: 0, termGraceMs: 10_000, sweepMs: 10_000 } as const;
    const proof = await world.driver.stop(handle, ladder, signal);
    expect(proof.emptyScans).toBe(2);
    expect(proof.durationMs).toBeLessThan(SOON_MS);
  });

  it("stands against a revival, as a pause does", async () => {
    const handle = await working("works-through-a-pause.js");
    await pause(handle, LONG_MS);
    await expect(world.driver.revive(handle, { again: true }, signal)).rejects.toMatchObject({
      code: "driver/not-resumable",
    });
  });
});
