/** What operators order for one lane: what is recorded for it, and what they are told. */
import { describe, expect, test } from "vitest";
import { namedOperator, operator } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { Hold } from "../../../src/core/model/hold.ts";
import { HOUR_MS, iso } from "../../../src/core/model/time.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { laneOrders } from "../../../src/reconciler/operators/lane-orders.ts";
import { openRecorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { aClone, aMission, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

const OLGA = namedOperator("olga");

async function lane(how: "recorded" | "unrecorded" = "recorded") {
  const clock = { now: () => T0, sleep: async () => {} };
  const recorder = await openRecorder({
    store: createMemoryStore(),
    clock,
    log: silentLog,
    right: rightToAct(),
  });
  const killed: CloneEvent[] = [];
  const orders = laneOrders({
    recorder,
    clock,
    lane: (name: string) => {
      const state = recorder.states.get("scribe");
      return name === "audit" || name === "scribe" ? (state ?? null) : null;
    },
    killSwitch: {
      async kill(_clone: string, event: CloneEvent) {
        killed.push(event);
        return how;
      },
    },
  } as never);
  const state = (): CloneState | undefined => recorder.states.get("scribe");
  return {
    ...{ orders, killed, state },
    holds: () => (state()?.holds ?? []).map(({ kind, owner }) => `${kind} ${owner}`),
    record: (...events: CloneEvent[]) => recordEvents(recorder, "scribe", ...events),
    assigned: () =>
      recordEvents(
        recorder,
        "scribe",
        { type: "clone.declared", spec: aClone("scribe") },
        { type: "mission.assigned", mission: aMission("audit", "scribe") },
      ),
  };
}

function placed(kind: Hold["kind"], clearBy: Hold["clearBy"], owner = "supervisor"): CloneEvent {
  const hold: Hold = { kind, owner, since: T0, reason: "Because", message: `held by ${kind}`, clearBy };
  return { type: "hold.placed", by: operator("ann"), hold };
}

test("nobody is ordered about who is not there", async () => {
  const { orders } = await lane();
  for (const order of [orders.pause, orders.resume])
    expect(await order({ name: "nobody", reason: "" }, OLGA)).toMatchObject({ ok: false, code: "not_found" });
  expect(await orders.kill({ name: "nobody", reason: "", now: false }, OLGA)).toMatchObject({
    ok: false,
    code: "not_found",
  });
});

describe("a pause", () => {
  test("is a hold of whoever asked for it, with a reason", async () => {
    const { orders, assigned, state } = await lane();
    await assigned();
    expect(await orders.pause({ name: "audit", reason: "lunch" }, OLGA)).toEqual({
      ok: true,
      message: "audit is paused",
    });
    expect(state()?.holds).toEqual([
      {
        kind: "operator",
        owner: "operator:olga",
        since: T0,
        reason: "PausedByHand",
        message: "paused by olga: lunch",
        clearBy: "operator",
      },
    ]);
  });

  test("may have an end, which is still to come", async () => {
    const { orders, assigned, state, holds } = await lane();
    await assigned();
    expect(await orders.pause({ name: "audit", reason: "", until: T0 }, OLGA)).toMatchObject({
      ok: false,
      code: "conflict",
      message: `${iso(T0)} is over; give a moment that is still to come`,
    });
    expect(holds()).toEqual([]);
    expect(await orders.pause({ name: "audit", reason: "", until: T0 + HOUR_MS }, OLGA)).toMatchObject({
      ok: true,
      message: `audit is paused until ${iso(T0 + HOUR_MS)}`,
    });
    expect(state()?.holds).toMatchObject([{ message: "paused by olga", until: T0 + HOUR_MS }]);
  });
});

describe("a resume", () => {
  test("lifts every pause of an operator, whoever placed it, and is recorded with who lifted it and why", async () => {
    const { orders, assigned, record, holds, state } = await lane();
    await assigned();
    await record(
      placed("operator", "operator", "operator:ann"),
      placed("operator", "operator", "operator:bob"),
    );
    expect(await orders.resume({ name: "audit", reason: "" }, OLGA)).toEqual({
      ok: true,
      message: "audit is resumed",
    });
    expect(holds()).toEqual([]);
    expect(state()?.recent.at(-1)?.text).toContain("olga");
  });

  test("says what holds it still", async () => {
    const { orders, assigned, record, holds } = await lane();
    await assigned();
    await record(placed("operator", "operator", "operator:ann"), placed("budget", "decision"));
    expect(await orders.resume({ name: "audit", reason: "go" }, OLGA)).toEqual({
      ok: true,
      message: "what was yours to clear is lifted; audit is still held: held by budget",
    });
    expect(holds()).toEqual(["budget supervisor"]);
  });

  test("of a pause lifts no quarantine, and the next one does", async () => {
    const { orders, assigned, record, holds } = await lane();
    await assigned();
    await record(placed("quarantine", "anyone"), placed("operator", "operator", "operator:ann"));
    await orders.resume({ name: "audit", reason: "" }, OLGA);
    expect(holds()).toEqual(["quarantine supervisor"]);
    expect(await orders.resume({ name: "audit", reason: "" }, OLGA)).toMatchObject({ ok: true });
    expect(holds()).toEqual([]);
  });

  test("lifts nothing that is somebody else's to clear, and says so", async () => {
    const { orders, assigned, record, holds } = await lane();
    await assigned();
    expect(await orders.resume({ name: "audit", reason: "" }, OLGA)).toMatchObject({
      ok: false,
      message: "audit is not held",
    });
    await record(placed("window", "repository"));
    expect(await orders.resume({ name: "audit", reason: "" }, OLGA)).toMatchObject({
      ok: false,
      message: "audit is held by window, which is not yours to clear: held by window",
    });
    expect(holds()).toEqual(["window supervisor"]);
  });
});

describe("a message", () => {
  test("is for an agent, and waits for one", async () => {
    const { orders, assigned, state } = await lane();
    await orders.pause({ name: "scribe", reason: "" }, OLGA);
    expect(await orders.message({ name: "scribe", text: "hello" }, OLGA)).toMatchObject({ ok: false });
    await assigned();
    expect(await orders.message({ name: "audit", text: "hello" }, OLGA)).toEqual({
      ok: true,
      message: "the message goes to the agent of audit as soon as it runs",
    });
    expect(state()?.mission?.conduct.messages).toMatchObject([{ by: OLGA, text: "hello" }]);
  });
});

describe("a kill", () => {
  test("goes past the record, with who and why", async () => {
    const { orders, assigned, killed } = await lane();
    await assigned();
    expect(await orders.kill({ name: "audit", reason: "", now: true }, OLGA)).toEqual({
      ok: true,
      message: "audit is being killed; `factory status audit` shows the proof",
    });
    expect(await orders.kill({ name: "audit", reason: "enough", now: false }, OLGA)).toMatchObject({
      ok: true,
    });
    expect(killed).toEqual([
      { type: "kill.requested", by: OLGA, reason: "by hand", now: true },
      { type: "kill.requested", by: OLGA, reason: "enough", now: false },
    ]);
  });

  test("says that it could not be recorded yet", async () => {
    const { orders, assigned } = await lane("unrecorded");
    await assigned();
    expect(await orders.kill({ name: "audit", reason: "", now: false }, OLGA)).toEqual({
      ok: true,
      message:
        "audit is being killed although the record cannot be written; it is recorded as soon as it can be",
    });
  });

  test("of a lane with nothing on it is refused", async () => {
    const { orders, killed } = await lane();
    await orders.pause({ name: "scribe", reason: "" }, OLGA);
    expect(await orders.kill({ name: "scribe", reason: "", now: false }, OLGA)).toMatchObject({ ok: false });
    const other = await lane();
    await other.record({ type: "clone.declared", spec: aClone("scribe") });
    expect(await other.orders.kill({ name: "scribe", reason: "", now: false }, OLGA)).toMatchObject({
      ok: false,
      code: "conflict",
      message: "scribe has nothing left to kill",
    });
    expect(killed).toEqual([]);
  });
});
