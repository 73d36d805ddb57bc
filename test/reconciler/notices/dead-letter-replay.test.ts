import { beforeEach, describe, expect, it } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { isOfClone } from "../../../src/core/record/chain.ts";
import { shimLettersOf } from "../../../src/core/status/callbacks.ts";
import type { OrderAnswer } from "../../../src/ports/control-plane.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { replayLetters } from "../../../src/reconciler/notices/dead-letter-replay.ts";
import { createNoticeOutbox, type NoticeOutbox } from "../../../src/reconciler/notices/outbox.ts";
import { openRecorder, type Recorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { aClone, aMission, aReport, handleOf, T0 } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

const CLONE = "factory_audit_20261123";
const clock = { now: () => T0, sleep: async () => {} };

const REVISION = "a".repeat(40);
let store: MemoryStore;
let recorder: Recorder;
let outbox: NoticeOutbox;

/** A running instance whose reports 1 and 2 are on record. */
beforeEach(async () => {
  store = createMemoryStore();
  recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  outbox = createNoticeOutbox({
    recorder,
    clock,
    log: silentLog,
    declared: () => ({ revision: REVISION, destinations: [] }),
    mayRecord: () => true,
    open: () => ({ deliver: async () => ({ type: "delivered" }) }),
  });
  await recordEvents(
    recorder,
    CLONE,
    { type: "clone.declared", spec: aClone(CLONE) },
    { type: "mission.assigned", mission: aMission("audit", CLONE) },
    { type: "start.planned", revision: "", why: "test" },
    { type: "prepare.finished", gates: [] },
  );
  await recorder.write(CLONE, (state) => ({
    events: [
      { type: "instance.launched", epoch: 1, handle: handleOf(state) },
      reported(1, "instance.ready"),
      reported(2, "mission.accepted"),
    ],
  }));
});

function reported(seq: number, type: "instance.ready" | "mission.accepted" | "mission.progress"): CloneEvent {
  const detail = { callback_ms: 1, checks: [] };
  return { type: "instance.reported", epoch: 1, report: aReport(type, { seq, activeMs: 0, detail }) };
}

function refused(...seqs: readonly number[]): Promise<unknown> {
  const reports = seqs.map((seq) => ({ seq, reportType: "mission.progress", status: 400 }));
  return recordEvents(recorder, CLONE, { type: "callback.refused", epoch: 1, reports, seen: seqs.length });
}

function replay(id: string | null): Promise<OrderAnswer> {
  return replayLetters({ recorder, outbox }, { which: id === null ? "all" : { id }, by: operator("ann") });
}

async function gaps(): Promise<readonly CloneEvent[]> {
  const events = await store.events({ clone: CLONE, limit: 100 });
  return events
    .filter(isOfClone)
    .map(({ event }) => event)
    .filter(({ type }) => type === "callback.gap");
}

describe("a report that was refused", () => {
  it("is a letter under the clone, the epoch and its number", async () => {
    await refused(3);
    expect(shimLettersOf(recorder.states.values())).toMatchObject([
      { id: `shim/${CLONE}/1/3`, from: "shim", reason: "Refused", kind: "mission.progress" },
    ]);
  });

  it("is read through the driver: recorded once, with the pull that brings it", async () => {
    await refused(3, 4);
    const answer = await replay(`shim/${CLONE}/1/4`);
    expect(answer).toMatchObject({ ok: true, message: expect.stringContaining("read through the driver") });
    expect(await gaps()).toEqual([{ type: "callback.gap", epoch: 1, expectedSeq: 3, seenSeq: 4 }]);
    expect(store.peek().effects.map(({ effect }) => effect)).toContainEqual({ type: "pull", epoch: 1 });
    // While that goes on, another one asks for nothing new.
    expect(await replay(`shim/${CLONE}/1/3`)).toMatchObject({ ok: true });
    expect(await gaps()).toHaveLength(1);
  });

  it("needs nothing once it has come another way", async () => {
    await refused(3);
    await recordEvents(recorder, CLONE, reported(3, "mission.progress"));
    const answer = await replay(`shim/${CLONE}/1/3`);
    expect(answer).toMatchObject({ ok: true, message: expect.stringContaining("nothing is left to send") });
    expect(await gaps()).toEqual([]);
    expect(shimLettersOf(recorder.states.values())).toMatchObject([{ reason: "TakenThroughDriver" }]);
  });

  it.each([`shim/${CLONE}/1/9`, `shim/${CLONE}/2/3`, "shim/factory_nobody_20261123/1/3", "shim/", "shim/x"])(
    "is not found as %s",
    async (id) => {
      await refused(3);
      expect(await replay(id)).toMatchObject({ ok: false, code: "not_found" });
      expect(await gaps()).toEqual([]);
    },
  );

  it("is among all that are sent again", async () => {
    await refused(3);
    expect(await replay(null)).toMatchObject({ ok: true });
    expect(await gaps()).toHaveLength(1);
  });
});

describe("without any letter", () => {
  it("all of them are none, and one is not found", async () => {
    expect(await replay(null)).toEqual({ ok: true, message: "there is no dead letter" });
    expect(await replay("msg_1/pager")).toMatchObject({ ok: false, code: "not_found" });
  });
});
