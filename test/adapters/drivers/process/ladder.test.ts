import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { InstanceHandle } from "../../../../src/core/model/instance.ts";
import type { CollectRequest } from "../../../../src/ports/collect.ts";
import type { StopLadder } from "../../../../src/ports/driver.ts";
import { createProcessWorld, type ProcessWorld } from "../../../support/process-world.ts";

const signal = new AbortController().signal;
/** Graces so long that only the rung in question can have ended it within the test's time. */
const LONG_MS = 60_000;
const LADDER: StopLadder = {
  enter: "cancel",
  cancelGraceMs: LONG_MS,
  cancelBusyGraceMs: LONG_MS,
  stdinGraceMs: LONG_MS,
  termGraceMs: LONG_MS,
  sweepMs: 10_000,
};

const EVERYTHING: CollectRequest = {
  limits: { filesMax: 100, depthMax: 1, fileBytesMax: 1_000_000, totalBytesMax: 10_000_000 },
  larger: "end",
};

describe("the kill ladder", () => {
  let world: ProcessWorld;
  let count = 0;

  beforeAll(async () => {
    world = await createProcessWorld("auto");
  });
  afterAll(() => world.close());

  async function running(file: string): Promise<InstanceHandle> {
    count += 1;
    const clone = `ladder-${count}`;
    const nonce = String(count).padStart(32, "0");
    const request = { ...world.request(clone, "works"), agent: world.agent(file), epoch: 1, nonce };
    const handle = await world.driver.start(request, signal);
    await world.until(
      () => world.events().some((event) => event.vp_id === clone && event.event_type === "instance.ready"),
      "ready",
    );
    const envelope = { mission_id: `m-${count}`, trace_id: "0".repeat(32) } as Parameters<
      typeof world.driver.dispatch
    >[1];
    await world.driver.dispatch(handle, envelope, signal);
    await world.until(
      () => world.events().some((event) => event.vp_id === clone && event.event_type === "mission.progress"),
      "at work",
    );
    return handle;
  }

  const rungsOf = (proof: { readonly rungs?: readonly { readonly rung: string }[] }): readonly string[] =>
    (proof.rungs ?? []).map(({ rung }) => rung);

  test("first asks, with the input still open", async () => {
    const proof = await world.driver.stop(await running("ends-on-cancel-line.js"), LADDER, signal);
    expect(proof).toMatchObject({ rung: "cancel", emptyScans: 2 });
    expect(rungsOf(proof)[0]).toBe("cancel");
    expect(rungsOf(proof)).not.toContain("stdin");
  });

  test("waits less for one that works on, and then closes its input", async () => {
    const ladder = { ...LADDER, cancelBusyGraceMs: 50 };
    const proof = await world.driver.stop(await running("works-on-after-cancel.js"), ladder, signal);
    expect(proof.rung).toBe("stdin");
    expect(rungsOf(proof).slice(0, 2)).toEqual(["cancel", "stdin"]);
  });

  test("takes every rung against one that obeys none, and says when", async () => {
    const ladder = { ...LADDER, cancelGraceMs: 30, stdinGraceMs: 30, termGraceMs: 30 };
    const proof = await world.driver.stop(await running("escapes-and-stays.js"), ladder, signal);
    expect(rungsOf(proof).slice(0, 3)).toEqual(["cancel", "stdin", "sigterm"]);
    expect(["sigkill", "containment", "sweep"]).toContain(proof.rung);
    const times = (proof.rungs ?? []).map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  test("shows the processes of a living instance and freezes them; nothing of a dead one", async () => {
    const handle = await running("works-on-after-cancel.js");
    const seen = await world.driver.evidence(handle, signal);
    expect(seen.processes.filter(({ role }) => role === "shim")).toHaveLength(1);
    const agents = seen.processes.filter(({ role }) => role === "agent");
    expect(agents.length).toBeGreaterThan(0);
    expect(seen.environmentNames).toContain("API_KEY");
    expect(JSON.stringify(seen)).not.toContain("s3cr3t");
    const files: string[] = [];
    for await (const file of world.driver.collect({ instance: handle }, EVERYTHING, signal))
      if (file.type === "file") files.push(file.path);
    expect(files).toEqual(
      expect.arrayContaining(["intent.json", "outbox.jsonl", "actions.jsonl", "heartbeats.jsonl"]),
    );
    await world.driver.stop(handle, { ...LADDER, enter: "now" }, signal);
    expect((await world.driver.evidence(handle, signal)).processes).toEqual([]);
  });
});
