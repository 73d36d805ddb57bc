/** Drills as `fleet.yaml` plans them, and the record of everybody's. */
import { drillTargets, dueDrills, overdueDrills, planText } from "../../core/fleet/drills/due.ts";
import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import { type DrillBook, type DrillResult, keptDrills, NO_DRILLS } from "../../core/model/drill.ts";
import type { SwitchEntry } from "../../core/model/kill-switch.ts";
import type { Destination, Notice } from "../../core/model/notice.ts";
import { sameValue } from "../../core/model/same.ts";
import { type Instant, MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import { drillFailed, drillOverdue } from "../../core/notify/drills.ts";
import { NO_CHANGE, rowsFor } from "../../core/notify/route.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Drills } from "../../ports/drills.ts";
import type { Log } from "../../ports/log.ts";
import type { Recorder } from "../record/recorder.ts";

const SETTING = "drills";
/** Schedules are by the minute; results and changed plans are looked at as they come. */
const LOOK_MS = 5 * SECOND_MS;
/** One that could not be made, as on a full disk, is not tried again before. */
const AGAIN_MS = MINUTE_MS;

export interface PlannedDrills {
  /** Begins the next drill that is due, and records what was made. Never throws, never waits. */
  tick(): void;
  book(): DrillBook;
  /** Cuts off the drill that is under way; what it launched is ended by the next one. */
  close(): Promise<void>;
}

export function createPlannedDrills(parts: {
  readonly recorder: Recorder;
  readonly drills: Drills;
  readonly desired: () => DesiredState | null;
  readonly destinations: () => readonly Destination[] | null;
  readonly killSwitch: () => readonly SwitchEntry[];
  readonly clock: Clock;
  readonly calendar?: Calendar;
  readonly log: Log;
  readonly onChange: () => void;
}): PlannedDrills {
  const { recorder, drills, clock, log, calendar = createCalendar() } = parts;
  const closing = new AbortController();
  let book = read(recorder.settings.get(SETTING));
  let seen: readonly DrillResult[] | null = null;
  let looked: { readonly at: Instant; readonly desired: DesiredState | null } = {
    at: Number.NEGATIVE_INFINITY,
    desired: null,
  };
  let failedAt: Instant = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  let writing: Promise<void> | null = null;

  /** With its notices in one transaction; what could not be written is found again by the next tick. */
  function remember(next: DrillBook, notices: readonly Notice[]): void {
    if (writing !== null) return;
    const destinations = parts.destinations() ?? [];
    const changes = notices.map((notice) => rowsFor(notice, destinations, recorder.outbox.values()));
    writing = recorder
      .writeOutbox({
        ...NO_CHANGE,
        put: changes.flatMap(({ put }) => put),
        settings: { [SETTING]: JSON.stringify(next) },
      })
      .then(() => {
        book = next;
        parts.onChange();
      })
      .catch((error: unknown) => {
        seen = null;
        log.warn("what became of drills could not be recorded", { error: String(error) });
      })
      .finally(() => {
        writing = null;
      });
  }

  function mergeBook(): void {
    if (writing !== null) return;
    const now = clock.now();
    const desired = parts.desired();
    const results = drills.results();
    // A file that cannot be read says nothing about what was planned.
    const broken = desired === null || desired.broken.has("fleet");
    const plan = broken ? undefined : desired.fleet.drills.kill;
    const fresh = results === seen ? [] : freshIn(results, book);
    seen = results;
    const planned =
      plan === undefined
        ? book.plan
        : plan === null
          ? null
          : book.plan?.text === planText(plan)
            ? book.plan
            : { text: planText(plan), since: now };
    const withResults: DrillBook = {
      plan: planned,
      results: fresh.length === 0 ? book.results : keptDrills([...book.results, ...fresh]),
      overdue: plan === null ? [] : book.overdue,
    };
    const targets =
      plan === undefined || plan === null ? [] : drillTargets(plan.targets, desired?.clones ?? new Map());
    const overdue =
      plan === undefined || plan === null
        ? withResults.overdue
        : overdueDrills(plan, withResults, { targets, now, calendar, reason: obstacle() });
    const told = new Set(book.overdue.map(({ target, dueAt }) => `${target} ${dueAt}`));
    const next = {
      ...withResults,
      overdue: overdue.map(
        (one) =>
          book.overdue.find(({ target, dueAt }) => target === one.target && dueAt === one.dueAt) ?? one,
      ),
    };
    if (sameValue(next, book)) return;
    remember(next, [
      ...fresh.filter(({ passed }) => !passed).map(drillFailed),
      ...next.overdue.filter(({ target, dueAt }) => !told.has(`${target} ${dueAt}`)).map(drillOverdue),
    ]);
  }

  /** Nothing starts while everything is to be still. */
  function obstacle(): string | null {
    return parts.killSwitch().some(({ scope }) => scope.type === "fleet")
      ? "the kill switch is engaged for the fleet, so nothing is launched"
      : null;
  }

  function begin(): void {
    const desired = parts.desired();
    const plan = desired?.fleet.drills.kill ?? null;
    if (running !== null || writing !== null || desired === null || plan === null) return;
    if (desired.broken.has("fleet") || obstacle() !== null || closing.signal.aborted) return;
    if (Math.abs(clock.now() - failedAt) < AGAIN_MS) return;
    const targets = drillTargets(plan.targets, desired.clones);
    const [due] = dueDrills(plan, book, { targets, now: clock.now(), calendar });
    if (due === undefined) return;
    const { name: target, driver, isolation } = due;
    log.info("a drill is made", { target, driver, isolation });
    running = drills
      .run({ target, driver, isolation, enter: "term" }, closing.signal)
      .then((result) => {
        if (result === null) return;
        const { passed, deathMs, rung, evidence } = result;
        if (passed) log.info("a drill ended in proof", { target, deathMs, rung });
        else log.error("a drill failed: the kill is not proven", { target, evidence });
      })
      .catch((error: unknown) => {
        failedAt = clock.now();
        log.error("a drill could not be made", { target, error: String(error) });
      })
      .finally(() => {
        running = null;
      });
  }

  return {
    tick() {
      const now = clock.now();
      const news = drills.results() !== seen || parts.desired() !== looked.desired;
      if (!news && Math.abs(now - looked.at) < LOOK_MS) return;
      try {
        mergeBook();
        begin();
        // What is being written down may make the next one due.
        looked = { at: writing === null ? now : Number.NEGATIVE_INFINITY, desired: parts.desired() };
      } catch (error) {
        log.error("drills could not be looked after", { error: String(error) });
      }
    },
    book: () => book,
    async close() {
      closing.abort(new Error("the controller is closing"));
      await running;
      await writing;
    },
  };
}

/** What came after the last one that the book knows: by its place and not by its time, since clocks are set. */
function freshIn(results: readonly DrillResult[], book: DrillBook): readonly DrillResult[] {
  const known = new Set(book.results.map(({ target, at }) => `${target} ${at}`));
  return results.slice(results.findLastIndex(({ target, at }) => known.has(`${target} ${at}`)) + 1);
}

function read(text: string | undefined): DrillBook {
  return text === undefined ? NO_DRILLS : { ...NO_DRILLS, ...(JSON.parse(text) as Partial<DrillBook>) };
}
