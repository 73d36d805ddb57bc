import { beforeEach, describe, expect, test } from "vitest";
import type { WireEvent } from "../../../src/api/event.ts";
import { operator } from "../../../src/core/model/actor.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { InstanceCaller } from "../../../src/ports/control-plane.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Store } from "../../../src/ports/store.ts";
import { createIngest, type Ingest } from "../../../src/reconciler/callbacks/ingest.ts";
import { createTokens } from "../../../src/reconciler/callbacks/tokens.ts";
import { openRecorder, type Recorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { aClone, aMission, REVISION, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

let now = T0;
const clock = { now: () => now++, sleep: async () => {} };
let store: Store;
let recorder: Recorder;
let ingest: Ingest;
let usedMore: string[];
let caller: InstanceCaller;

beforeEach(async () => {
  store = createMemoryStore();
  recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  usedMore = [];
  ingest = createIngest({ recorder, store, clock, onUsage: async (clone) => void usedMore.push(clone) });
  await recordEvents(
    recorder,
    "scribe",
    { type: "clone.declared", spec: aClone("scribe") },
    { type: "mission.assigned", mission: aMission("audit", "scribe") },
    { type: "start.planned", revision: REVISION, why: "" },
    { type: "prepare.finished", gates: [] },
  );
  caller = {
    type: "instance",
    clone: "scribe",
    epoch: 1,
    nonce: recorder.states.get("scribe")?.instance?.nonce ?? "",
    revoked: false,
  };
});

function wire(seq: number, change: Partial<WireEvent> = {}): WireEvent {
  return {
    mission_id: null,
    vp_id: "scribe",
    vp_session_id: "scribe/1",
    vp_runtime_id: caller.nonce,
    event_type: "mission.progress",
    status: "running",
    summary: `step ${seq}`,
    artifact_refs: [],
    usage: { runtime_minutes: 0, llm_calls: null, estimated_cost_usd: null },
    trace_id: "0".repeat(32),
    idempotency_key: `scribe/1/${seq}`,
    emitted_at: "2026-11-23T12:00:00Z",
    epoch: 1,
    seq,
    detail: {},
    ...change,
  };
}
const statuses = async (...events: WireEvent[]) =>
  (await ingest.events(caller, events)).map((answer) => answer.status);
const reported = async () =>
  (await store.events({ limit: 1000 })).flatMap(({ event }) =>
    event.type === "instance.reported" ? [event.report.seq] : [],
  );

describe("reports", () => {
  test("are taken once, and a repeat is answered as the first time", async () => {
    expect(await statuses(wire(1), wire(2), wire(1), wire(2))).toEqual([200, 200, 208, 208]);
    expect(await reported()).toEqual([1, 2]);
  });

  test("two copies that arrive together are taken once", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ingest.events(caller, [wire(1)])));
    expect(
      answers
        .flat()
        .map((answer) => answer.status)
        .sort(),
    ).toEqual([200, ...Array(9).fill(208)]);
    expect(await reported()).toEqual([1]);
  });

  test("another payload under the same key is a conflict", async () => {
    expect(await statuses(wire(1), wire(1, { summary: "other" }))).toEqual([200, 409]);
    expect(recorder.states.get("scribe")?.mission?.summary).toBe("step 1");
  });

  test("one that comes too early is asked for again, and the gap is recorded once and pulled", async () => {
    const effects: string[] = [];
    recorder.onEffects((more) => effects.push(...more.map(({ effect }) => effect.type)));
    expect(await statuses(wire(3), wire(4))).toEqual([425, 425]);
    expect(effects).toEqual(["pull"]);
    expect(
      recorder.states.get("scribe")?.conditions.find((one) => one.type === "CallbackDegraded")?.status,
    ).toBe("True");
  });

  test.each([
    ["another clone", { vp_id: "other" }],
    ["another epoch", { epoch: 2 }],
    ["another runtime", { vp_runtime_id: "f".repeat(32) }],
    ["another key", { idempotency_key: "scribe/1/9" }],
  ] as const)("that speak for %s are refused", async (_name, change) => {
    expect(await statuses(wire(1, change))).toEqual([403]);
    expect(await reported()).toEqual([]);
  });

  test("of a fenced epoch are refused, but what was taken before is still answered", async () => {
    expect(await statuses(wire(1))).toEqual([200]);
    await recordEvents(recorder, "scribe", {
      type: "kill.requested",
      by: operator("ann"),
      reason: "",
      now: true,
    });
    expect(await statuses(wire(1), wire(2))).toEqual([208, 410]);
  });

  test("of a token that is revoked are refused, whatever the record says of their epoch", async () => {
    const answers = await ingest.events({ ...caller, revoked: true }, [wire(1)]);
    expect(answers).toEqual([{ key: "scribe/1/1", status: 410, message: "epoch 1 of scribe is fenced" }]);
    expect(await reported()).toEqual([]);
  });

  test("of an epoch that the record has gone beyond are refused", async () => {
    const later = { ...caller, epoch: 2 };
    const early = wire(1, { epoch: 2, idempotency_key: "scribe/2/1" });
    expect(await ingest.events(later, [early])).toMatchObject([{ status: 410 }]);
    const nobody = { ...caller, clone: "nobody" };
    const theirs = wire(1, { vp_id: "nobody", idempotency_key: "nobody/1/1" });
    expect(await ingest.events(nobody, [theirs])).toMatchObject([{ status: 410 }]);
  });

  test("that come too early say which one is missing, and what was seen", async () => {
    await statuses(wire(1));
    expect(await ingest.events(caller, [wire(5)])).toEqual([
      { key: "scribe/1/5", status: 425, message: "event 2 has not arrived yet" },
    ]);
    const gaps = (await store.events({ limit: 1000 })).filter(({ event }) => event.type === "callback.gap");
    expect(gaps.map(({ event }) => event)).toEqual([
      { type: "callback.gap", epoch: 1, expectedSeq: 2, seenSeq: 5 },
    ]);
    await statuses(wire(6));
    expect(
      (await store.events({ limit: 1000 })).filter(({ event }) => event.type === "callback.gap"),
    ).toHaveLength(1);
  });

  test("are answered in words, the first time and after it", async () => {
    expect(await ingest.events(caller, [wire(1), wire(1), wire(1, { summary: "other" })])).toEqual([
      { key: "scribe/1/1", status: 200, message: "taken" },
      { key: "scribe/1/1", status: 208, message: "taken" },
      { key: "scribe/1/1", status: 409, message: "this key was used for another payload" },
    ]);
  });

  test("a commit that failed is not answered as taken", async () => {
    (store as ReturnType<typeof createMemoryStore>).failNextCommit("before");
    await expect(ingest.events(caller, [wire(1)])).rejects.toMatchObject({ code: "store/io" });
    expect(await statuses(wire(1))).toEqual([200]);
    expect(await reported()).toEqual([1]);
  });
});

describe("heartbeats", () => {
  const beat = (
    seq: number,
    lastEventSeq: number,
    change: Partial<Parameters<Ingest["heartbeat"]>[1]> = {},
    by: InstanceCaller = caller,
  ) =>
    ingest.heartbeat(by, {
      event_type: "clone.heartbeat",
      mission_id: null,
      vp_id: "scribe",
      vp_runtime_id: caller.nonce,
      epoch: 1,
      seq,
      last_event_seq: lastEventSeq,
      phase: "exited",
      last_event_age_ms: 0,
      last_progress_age_ms: 0,
      open_tool_calls: [],
      usage: { llm_calls: null, estimated_cost_usd: null, active_ms: 0 },
      ...change,
    });
  const heard = () => recorder.signals.get("scribe")?.heartbeat;

  test.each([
    ["another clone", { vp_id: "other" }],
    ["another epoch", { epoch: 2 }],
    ["another runtime", { vp_runtime_id: "f".repeat(32) }],
  ] as const)("that speak for %s are refused and not heard", async (_name, change) => {
    const answer = await beat(1, 0, change);
    const { vp_id = "scribe", epoch = 1 } = change as { vp_id?: string; epoch?: number };
    expect(answer).toMatchObject({ key: `${vp_id}/${epoch}/heartbeat/1`, status: 403 });
    expect(heard()).toBeUndefined();
  });

  test("of a token that is revoked are refused and not heard", async () => {
    const answer = await beat(1, 0, {}, { ...caller, revoked: true });
    expect(answer).toEqual({
      key: "scribe/1/heartbeat/1",
      status: 410,
      message: "epoch 1 of scribe is fenced",
    });
    expect(heard()).toBeUndefined();
  });

  test("are kept with all that they say", async () => {
    expect(
      await beat(1, 0, {
        phase: "running",
        last_event_age_ms: 5,
        last_progress_age_ms: 6,
        open_tool_calls: [{ id: "t", age_ms: 7, deadline_ms: 8 }],
        usage: { llm_calls: 9, estimated_cost_usd: 0.000_01, active_ms: 11 },
        process: { state: "running", pid: 12, start_ticks: 13, boot_id: "b", since_ms: 14 },
        throttled_ms: 15,
      }),
    ).toEqual({ key: "scribe/1/heartbeat/1", status: 200, message: "taken" });
    expect(heard()).toEqual({
      missionId: null,
      clone: "scribe",
      epoch: 1,
      seq: 1,
      lastEventSeq: 0,
      phase: "running",
      lastEventAgeMs: 5,
      lastProgressAgeMs: 6,
      openToolCalls: [{ id: "t", ageMs: 7, deadlineMs: 8 }],
      usage: { llmCalls: 9, costMicros: 10, activeMs: 11 },
      process: { state: "running", pid: 12, startTicks: 13, bootId: "b", sinceMs: 14 },
      throttledMs: 15,
    });
    await beat(2, 0, { process: null });
    expect(heard()).toMatchObject({ process: null, openToolCalls: [], usage: { costMicros: null } });
    await beat(3, 0);
    expect(heard()).not.toHaveProperty("process");
    expect(heard()).not.toHaveProperty("throttledMs");
  });

  test("that tell of more usage are looked at at once, and no others", async () => {
    const usage = (llm_calls: number | null, estimated_cost_usd: number | null = null) => ({
      usage: { llm_calls, estimated_cost_usd, active_ms: 0 },
    });
    await beat(1, 0);
    expect(usedMore).toEqual([]);
    await beat(2, 0, usage(3));
    await beat(3, 0, usage(3));
    await beat(4, 0, usage(2));
    expect(usedMore).toEqual(["scribe"]);
    await beat(5, 0, usage(2, 0.5));
    expect(usedMore).toEqual(["scribe", "scribe"]);
  });

  test("show a gap at once where more is missing than can be on its way", async () => {
    await beat(1, 50);
    expect(gapAt()).toBeNull();
    await beat(2, 51);
    expect(gapAt()).toBe(1);
    const gaps = (await store.events({ limit: 1000 })).filter(({ event }) => event.type === "callback.gap");
    await beat(3, 60);
    await beat(4, 60);
    expect(
      (await store.events({ limit: 1000 })).filter(({ event }) => event.type === "callback.gap"),
    ).toEqual(gaps);
    expect(gaps.map(({ event }) => event)).toMatchObject([{ expectedSeq: 1, seenSeq: 51 }]);
  });

  test("of an epoch that is not the record's are taken, and show no gap", async () => {
    const answer = await beat(1, 500, { epoch: 2 }, { ...caller, epoch: 2 });
    expect(answer).toEqual({ key: "scribe/2/heartbeat/1", status: 200, message: "taken" });
    expect(gapAt()).toBeNull();
  });

  const gapAt = () => recorder.states.get("scribe")?.instance?.gapAt;

  test("show that a last report was lost, which no later one can", async () => {
    await statuses(wire(1));
    await beat(1, 2);
    expect(gapAt()).toBeNull();
    await beat(2, 2);
    expect(gapAt()).toBe(2);
  });

  test("that cannot be written down were heard all the same: nobody is told that no controller is there", async () => {
    const full = Promise.reject.bind(Promise, new FactoryError("store/io", "retry", "disk full"));
    const { commit, putSignals } = store;
    Object.assign(store, { commit: full, putSignals: full });
    expect((await beat(1, 90)).status).toBe(200);
    expect(recorder.signals.get("scribe")?.heartbeat.seq).toBe(1);
    expect(recorder.problem()).toMatchObject({ message: "disk full" });
    await expect(ingest.events(caller, [wire(1)])).rejects.toMatchObject({ code: "store/io" });

    Object.assign(store, { commit, putSignals });
    expect((await beat(2, 90)).status).toBe(200);
    expect(recorder.problem()).toBeNull();
    expect(gapAt()).toBe(1);
  });

  test("of one whose reports arrive, if late, show no gap", async () => {
    for (let seq = 1; seq <= 5; seq++) {
      await beat(seq, seq + 10);
      await statuses(wire(seq));
    }
    expect(gapAt()).toBeNull();
  });
});

describe("tokens", () => {
  const tokens = createTokens({ key: new Uint8Array(32).fill(7), operatorToken: "fop_secret" });

  test("stand for one clone, epoch and nonce, and are revoked with the epoch", () => {
    const token = tokens.forInstance(caller);
    expect(tokens.identify(token, recorder.states)).toEqual({ ...caller });
    expect(tokens.identify(tokens.forInstance({ ...caller, epoch: 2 }), recorder.states)).toMatchObject({
      revoked: true,
    });
    expect(tokens.identify(tokens.forInstance({ ...caller, nonce: "x" }), recorder.states)).toMatchObject({
      revoked: true,
    });
  });

  test("are nothing when a letter is changed, and nothing is taken for the operator's", () => {
    const token = tokens.forInstance(caller);
    for (const bad of [
      "",
      token.slice(0, -1),
      `${token}x`,
      token.replace("scribe", "other"),
      token.replace(".1.", ".2."),
      "fop_secre",
    ]) {
      expect(tokens.identify(bad, recorder.states)).toBeNull();
    }
    expect(tokens.identify("fop_secret", recorder.states)).toMatchObject({
      type: "operator",
      actor: "operator",
      role: "admin",
      named: false,
    });
  });

  test("are revoked while their instance is being stopped", async () => {
    const token = tokens.forInstance(caller);
    await recordEvents(recorder, "scribe", {
      type: "kill.requested",
      by: operator("ann"),
      reason: "",
      now: true,
    });
    expect(recorder.states.get("scribe")?.instance?.epoch).toBe(1);
    expect(tokens.identify(token, recorder.states)).toMatchObject({ type: "instance", revoked: true });
    expect(tokens.identify(token, new Map())).toMatchObject({ type: "instance", revoked: true });
  });

  test("are nothing with another beginning, another number of parts or no number for the epoch", () => {
    const token = tokens.forInstance(caller);
    const [prefix, clone, epoch, nonce, code] = token.split(".");
    for (const bad of [
      ["fct2", clone, epoch, nonce, code],
      [prefix, clone, epoch, nonce],
      [prefix, clone, epoch, nonce, code, "more"],
      [prefix, clone, `${epoch}.5`, nonce, code],
      [prefix],
    ])
      expect(tokens.identify(bad.join("."), recorder.states), bad.join(".")).toBeNull();
  });

  test("of people stand for them until they are over", () => {
    const own = { name: "ann", role: "viewer", expiresAt: T0 + 10, revokedAt: null } as never;
    const named = createTokens({
      key: new Uint8Array(32).fill(7),
      operatorToken: "fop_secret",
      operatorTokens: { find: (token: string) => (token === "fot_ann" ? own : null) } as never,
      now: () => at,
    });
    let at = T0;
    expect(named.identify("fot_ann", recorder.states)).toEqual({
      type: "operator",
      actor: "ann",
      role: "viewer",
      named: true,
    });
    expect(named.identify("fot_bob", recorder.states)).toBeNull();
    at = T0 + 11;
    expect(named.identify("fot_ann", recorder.states)).toBeNull();
  });

  test("are the same when a launch is repeated", () => {
    expect(tokens.forInstance(caller)).toBe(tokens.forInstance({ ...caller }));
  });
});
