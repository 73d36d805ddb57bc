import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ReportCadence } from "../../../src/core/model/mission.ts";
import { createProgressCadence, type ProgressCadence } from "../../../src/shim/session/progress-cadence.ts";

const HEARTBEAT_MS = 30_000;
const STEP_MS = 100;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function paced(declared: ReportCadence) {
  const reported: string[] = [];
  const now = { cadence: declared };
  const progress = createProgressCadence({
    cadence: () => now.cadence,
    heartbeatIntervalMs: () => HEARTBEAT_MS,
    report: ({ summary }) => reported.push(summary),
  });
  return { progress, reported, now };
}

/** A percent each 100 ms: ten seconds of work. */
function works(progress: ProgressCadence, from = 0, to = 100): void {
  for (let percent = from; percent <= to; percent += 1) {
    progress.push({ summary: String(percent), percent });
    vi.advanceTimersByTime(STEP_MS);
  }
}

describe("progress is reported", () => {
  test("by milestone: the first, and each that brings the next ten percent", () => {
    const { progress, reported } = paced("milestone");
    works(progress);
    progress.flush();
    expect(reported).toEqual(["0", "10", "20", "30", "40", "50", "60", "70", "80", "90", "100"]);
    progress.push({ summary: "back", percent: 5 });
    progress.push({ summary: "unknown", percent: null });
    expect(reported).toHaveLength(11);
  });

  test("by interval: the first, then the newest once per heartbeat", () => {
    const { progress, reported } = paced("interval");
    works(progress);
    expect(reported).toEqual(["0"]);
    vi.advanceTimersByTime(HEARTBEAT_MS);
    expect(reported).toEqual(["0", "100"]);
    progress.push({ summary: "late", percent: 100 });
    progress.flush();
    expect(reported).toEqual(["0", "100", "late"]);
  });

  test("in both ways: the newest of a burst, once a second", () => {
    const { progress, reported } = paced("hybrid");
    works(progress);
    expect(reported.length).toBeGreaterThanOrEqual(10);
    expect(reported.length).toBeLessThanOrEqual(12);
  });

  test("as it is declared now, when that has changed meanwhile", () => {
    const { progress, reported, now } = paced("milestone");
    works(progress, 0, 14);
    now.cadence = "hybrid";
    progress.push({ summary: "15", percent: 15 });
    expect(reported).toEqual(["0", "10", "15"]);
  });
});
