/** Drills as `fleet.yaml` plans them, and the record of everybody's. */
import { createCalendar } from "../../core/model/calendar.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { DrillBook, DrillResult } from "../../core/model/drill.ts";
import { type Instant, SECOND_MS } from "../../core/model/time.ts";
import type { PlannedDrillParts } from "./drill-facts.ts";
import { createDrillMaker } from "./drill-making.ts";
import { createDrillRecords } from "./drill-records.ts";

/** Schedules are by the minute; results and changed plans are looked at as they come. */
const LOOK_MS = 5 * SECOND_MS;

export interface PlannedDrills {
  /**
   * Begins the next drill that is due, and records what was made. Never throws, never waits. What is launched was
   * recorded before: while the record cannot be written none is made, and of two controllers on one record only one makes it.
   */
  tick(): void;
  book(): DrillBook;
  /** Cuts off the drill that is under way; what it launched is ended by the next one. */
  close(): Promise<void>;
}

const NEVER = { at: Number.NEGATIVE_INFINITY } as const;

export function createPlannedDrills(
  given: Omit<PlannedDrillParts, "calendar"> & Partial<Pick<PlannedDrillParts, "calendar">>,
): PlannedDrills {
  const parts: PlannedDrillParts = { calendar: createCalendar(), ...given };
  const { drills, clock, log } = parts;
  const closing = new AbortController();
  let looked: { readonly at: Instant; readonly desired: DesiredState | null } = { ...NEVER, desired: null };
  const records = createDrillRecords(parts);
  const maker = createDrillMaker(parts, {
    closing: closing.signal,
    onOver() {
      looked = { ...looked, ...NEVER };
    },
  });

  /** Whether a look is worth its time. */
  function isDue(now: Instant, results: readonly DrillResult[]): boolean {
    if (records.isNews(results) || parts.desired() !== looked.desired) return true;
    return Math.abs(now - looked.at) >= LOOK_MS && !records.isQuiet(now);
  }

  return {
    tick() {
      const now = clock.now();
      const results = drills.results();
      if (!isDue(now, results)) return;
      try {
        records.stir();
        records.merge(results, maker.own());
        if (records.writing() === null) maker.begin();
        // What is being written down may make the next one due.
        looked = { ...(records.writing() === null ? { at: now } : NEVER), desired: parts.desired() };
      } catch (error) {
        log.error("drills could not be looked after", { error: String(error) });
      }
    },
    book: () => parts.recorder.fleet.drills,
    async close() {
      closing.abort(new Error("the controller is closing"));
      await maker.idle();
      await records.writing();
      try {
        if (maker.own()?.ended != null) records.merge(drills.results(), maker.own());
        await records.writing();
      } catch (error) {
        log.warn("the end of a drill could not be recorded", { error: String(error) });
      }
    },
  };
}
