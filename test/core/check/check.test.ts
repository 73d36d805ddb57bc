import { describe, expect, test } from "vitest";
import { checkRecord, type StoredRecordParts } from "../../../src/core/check/checker.ts";
import { decide } from "../../../src/core/clone/decide.ts";
import { initialState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { isOfClone } from "../../../src/core/record/chain.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";

/** The record of a mission from its declaration to its closure, as a store keeps it. */
async function recordOfOneMission(): Promise<StoredRecordParts> {
  const life = new RecordedLife();
  life.declared().assigned().planned().prepared().launched().ready().dispatched();
  life.reports("mission.accepted").reports("mission.completed", { summary: "done" }).dead().judged();
  const store = createMemoryStore();
  let state = initialState("scribe", T0);
  for (const { event, at } of life.events) {
    const { state: next } = decide(state, event, at);
    state = next;
    const batch = { term: 1, at, states: [state], effects: [], settled: [], receipts: [], settings: {} };
    await store.commit({ ...batch, events: [{ clone: "scribe", missionId: null, event }] });
  }
  const { states, fleet, effects } = await store.load();
  return { states, fleet, effects, events: await store.events({ limit: 1_000 }) };
}

class RecordedLife extends Life {
  readonly events: { event: CloneEvent; at: number }[] = [];

  override on(event: CloneEvent, afterMs = 1_000): this {
    super.on(event, afterMs);
    this.events.push({ event, at: this.at });
    return this;
  }
}

describe("checkRecord", () => {
  // The builder's gates are fewer than a real preparation answers, and its handing over is noticed.
  const BUILDER_SKIPS = ["gates-before-dispatch"];
  const names = (record: StoredRecordParts): string[] => [
    ...new Set(
      checkRecord(record)
        .map(({ invariant }) => invariant)
        .filter((name) => !BUILDER_SKIPS.includes(name)),
    ),
  ];

  test("finds nothing in a record that is whole", async () => {
    expect(names(await recordOfOneMission())).toEqual([]);
  });

  test("notices an event that was changed", async () => {
    const record = await recordOfOneMission();
    const events = record.events.map((event) => (event.seq === 2 ? { ...event, at: event.at + 1 } : event));
    expect(names({ ...record, events })).toContain("chain-intact");
  });

  test("notices an event that is missing", async () => {
    const record = await recordOfOneMission();
    const found = names({ ...record, events: record.events.filter(({ seq }) => seq !== 5) });
    expect(found).toContain("chain-intact");
    expect(found).toContain("state-is-fold");
  });

  test("notices a state that is not what its events mean", async () => {
    const record = await recordOfOneMission();
    const states = record.states.map((state) => ({ ...state, epoch: state.epoch + 1 }));
    expect(names({ ...record, states })).toContain("state-is-fold");
  });

  test("notices a clone that waits for an effect that nobody carries out", async () => {
    const record = await recordOfOneMission();
    const events = record.events.filter(isOfClone).slice(0, 3);
    const { fleet } = record;
    const states = [
      events.reduce((state, { event, at }) => decide(state, event, at).state, initialState("scribe", T0)),
    ];
    expect(states[0]?.phase).toBe("Preparing");
    expect(names({ events, states, fleet, effects: [] })).toContain("nothing-stranded");
    const effects = [{ id: "scribe/3/0", clone: "scribe", effect: { type: "prepare" } as const }];
    expect(names({ events, states, fleet, effects })).toEqual([]);
  });
});
