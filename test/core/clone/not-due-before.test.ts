/** A lane of which nothing falls due is not asked about: never for longer than that is so. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { due } from "../../../src/core/clone/due.ts";
import { notDueBefore } from "../../../src/core/clone/not-due-before.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { Signal } from "../../../src/core/model/instance.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { SITUATIONS } from "../../golden/situations/situations.ts";
import { Life } from "../../support/fleet.ts";

interface Beat {
  readonly agoMs: number;
  readonly activeMs: number;
  readonly llmCalls: number | null;
  readonly ahead: number;
  readonly phase: "running" | "paused" | "exited";
  readonly throttledMs: number;
  readonly progressAgeMs: number;
}

const BEATS: fc.Arbitrary<Beat> = fc.record({
  agoMs: fc.integer({ min: -MINUTE_MS, max: 2 * MINUTE_MS }),
  activeMs: fc.integer({ min: 0, max: HOUR_MS }),
  llmCalls: fc.option(fc.integer({ min: 0, max: 100 })),
  ahead: fc.integer({ min: 0, max: 1 }),
  phase: fc.constantFrom("running", "running", "running", "paused", "exited"),
  throttledMs: fc.constantFrom(0, 0, 90 * SECOND_MS),
  progressAgeMs: fc.integer({ min: 0, max: HOUR_MS }),
});

function signalOf(state: CloneState, now: number, beat: Beat): Signal {
  return {
    receivedAt: now - beat.agoMs,
    heartbeat: {
      missionId: null,
      clone: state.name,
      epoch: state.epoch,
      seq: 1,
      lastEventSeq: (state.instance?.lastSeq ?? 0) + beat.ahead,
      phase: beat.phase,
      lastEventAgeMs: 0,
      lastProgressAgeMs: beat.progressAgeMs,
      openToolCalls: [],
      usage: { llmCalls: beat.llmCalls, costMicros: null, activeMs: beat.activeMs },
      throttledMs: beat.throttledMs,
    },
  };
}

const WINDOWED: () => Life = () =>
  new Life().running({
    limits: {
      autonomy_window: {
        type: "recurring",
        cron: "0 * * * *",
        timezone: "UTC",
        durationMinutes: 50,
      },
    },
  });
const LIVES = Object.entries({ ...SITUATIONS, "within its window": WINDOWED }).map(
  ([name, begin]) => [name, begin()] as const,
);

describe("until a lane is asked about again", () => {
  test.each(LIVES)("nothing falls due of one that is: %s", (_name, life) => {
    fc.assert(
      fc.property(
        BEATS,
        fc.integer({ min: 0, max: 3 * HOUR_MS }),
        fc.integer({ min: -2 * MINUTE_MS, max: 10 * MINUTE_MS }),
        fc.array(fc.record({ part: fc.double({ min: 0, max: 1, noNaN: true }), lagMs: fc.nat(MINUTE_MS) }), {
          minLength: 4,
          maxLength: 4,
        }),
        (beat, laterMs, watchedMs, moments) => {
          const { state } = life;
          const now = life.at + (laterMs % (beat.phase === "running" ? 3 * HOUR_MS : MINUTE_MS));
          const watchingSince = now - watchedMs;
          const signal = signalOf(state, now, beat);
          const watch = { watchingSince, lagMs: 0, day: null };
          if (due(state, signal, now, watch).length > 0) return;
          const until = notDueBefore(state, signal, now, watch);
          const last = Math.min(until - 1, now + 24 * HOUR_MS);
          if (last < now) return;
          for (const { part, lagMs } of [{ part: 1, lagMs: 0 }, ...moments]) {
            const at = now + Math.floor((last - now) * part);
            expect(due(state, signal, at, { ...watch, lagMs })).toEqual([]);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("one that works is left alone until its silence would mean something, and no longer", () => {
    const life = new Life().running();
    const at = life.at;
    const healthy = due(life.state, signalOf(life.state, at, QUIET), at, WATCH);
    for (const event of healthy) life.on(event, 0);
    const signal = signalOf(life.state, at, QUIET);
    const until = notDueBefore(life.state, signal, at, WATCH);
    expect(until).toBe(at + 12_500);
    expect(due(life.state, signal, until - 1, WATCH)).toEqual([]);
    expect(due(life.state, signal, until, WATCH)).toMatchObject([
      { type: "health.changed", health: "suspect" },
    ]);
  });

  test("until its window closes", () => {
    const life = WINDOWED();
    for (const event of due(life.state, signalOf(life.state, life.at, QUIET), life.at, WATCH))
      life.on(event, 0);
    const closesAt = Math.floor(life.at / HOUR_MS) * HOUR_MS + 50 * MINUTE_MS;
    const before = closesAt - 5 * SECOND_MS;
    expect(notDueBefore(life.state, signalOf(life.state, before, QUIET), before, WATCH)).toBe(closesAt);
  });

  test("not at all while it has something to tell that may end it, or is not heard to run", () => {
    const life = new Life().running();
    const at = life.at;
    for (const event of due(life.state, signalOf(life.state, at, QUIET), at, WATCH)) life.on(event, 0);
    for (const beat of [{ ahead: 1 }, { phase: "exited" }, { phase: "paused" }, { agoMs: -1 }] as const)
      expect(notDueBefore(life.state, signalOf(life.state, at, { ...QUIET, ...beat }), at, WATCH)).toBe(at);
    const unheard = { ...WATCH, watchingSince: at + 1 };
    expect(notDueBefore(life.state, signalOf(life.state, at, QUIET), at, unheard)).toBe(at);
  });

  test("until its runtime crosses the next part of its budget", () => {
    const life = new Life().running();
    const at = life.at;
    for (const event of due(life.state, signalOf(life.state, at, QUIET), at, WATCH)) life.on(event, 0);
    const { mission } = life.state;
    const halfMs = ((mission?.limits.budget.max_runtime_minutes ?? 0) / 2) * MINUTE_MS;
    const before = (mission?.activeSince ?? 0) + halfMs - 5 * SECOND_MS;
    const until = notDueBefore(life.state, signalOf(life.state, before, QUIET), before, WATCH);
    expect(until).toBeGreaterThan(before + 4 * SECOND_MS);
    expect(until).toBeLessThanOrEqual(before + 5 * SECOND_MS);
  });
});

const QUIET: Beat = {
  agoMs: 0,
  activeMs: 0,
  llmCalls: null,
  ahead: 0,
  phase: "running",
  throttledMs: 0,
  progressAgeMs: 0,
};
const WATCH = { watchingSince: 0, lagMs: 0, day: null };
