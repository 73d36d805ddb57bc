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
let caller: InstanceCaller;

beforeEach(async () => {
  store = createMemoryStore();
  recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  ingest = createIngest({ recorder, store, clock, onUsage: async () => {} });
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

  test("a commit that failed is not answered as taken", async () => {
    (store as ReturnType<typeof createMemoryStore>).failNextCommit("before");
    await expect(ingest.events(caller, [wire(1)])).rejects.toMatchObject({ code: "store/io" });
    expect(await statuses(wire(1))).toEqual([200]);
    expect(await reported()).toEqual([1]);
  });
});

describe("heartbeats", () => {
  const beat = (seq: number, lastEventSeq: number) =>
    ingest.heartbeat(caller, {
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

  test("are the same when a launch is repeated", () => {
    expect(tokens.forInstance(caller)).toBe(tokens.forInstance({ ...caller }));
  });
});
