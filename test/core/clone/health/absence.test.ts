import { describe, expect, test } from "vitest";
import { due } from "../../../../src/core/clone/due.ts";
import type { Heartbeat, Signal } from "../../../../src/core/model/instance.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { Life } from "../../../support/fleet.ts";

/** Accepted, allowed ten minutes, and the controller was away for five hours from then on. */
function awayWhileRunning(limits: Parameters<Life["running"]>[0] = {}): { life: Life; back: number } {
  const life = new Life().running(limits);
  return { life, back: life.at + 5 * HOUR_MS };
}

function heard(life: Life, at: number, change: Partial<Heartbeat> = {}): Signal {
  return {
    receivedAt: at,
    heartbeat: {
      missionId: null,
      clone: life.state.name,
      epoch: life.state.epoch,
      seq: 1,
      lastEventSeq: life.state.instance?.lastSeq ?? 0,
      phase: "running",
      lastEventAgeMs: 0,
      lastProgressAgeMs: 0,
      openToolCalls: [],
      usage: { llmCalls: null, costMicros: null, activeMs: 0 },
      ...change,
    },
  };
}

const ends = (life: Life, signal: Signal | undefined, now: number, watchingSince: number): boolean =>
  due(life.state, signal, now, { watchingSince, lagMs: 0 }).some(
    (event) => event.type === "window.ended" || (event.type === "budget.crossed" && event.level === "stop"),
  );

describe.each([
  ["a runtime that ran out", {}],
  [
    "a window that ended",
    { limits: { autonomy_window: { type: "fixed", startAt: null, endAt: Date.UTC(2026, 10, 23, 13) } } },
  ],
] as const)("%s while we were away", (_, limits) => {
  test("is not held against an instance whose last words have not been heard yet", () => {
    const { life, back } = awayWhileRunning(limits);
    const lastSeq = life.state.instance?.lastSeq ?? 0;
    expect(ends(life, heard(life, life.at), back, back)).toBe(false);
    expect(ends(life, undefined, back, back)).toBe(false);
    expect(ends(life, heard(life, back, { lastEventSeq: lastSeq + 2 }), back, back)).toBe(false);
    expect(ends(life, heard(life, back, { phase: "exited" }), back, back)).toBe(false);
  });

  test("ends one that is heard to run on, and any after a minute", () => {
    const { life, back } = awayWhileRunning(limits);
    expect(ends(life, heard(life, back), back, back)).toBe(true);
    expect(ends(life, heard(life, life.at), back + MINUTE_MS, back)).toBe(true);
  });
});

test("what runs out while we watch ends at once", () => {
  const life = new Life().running();
  expect(ends(life, undefined, life.at + 11 * MINUTE_MS, 0)).toBe(true);
});
