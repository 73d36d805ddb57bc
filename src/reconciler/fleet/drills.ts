/** Drills as `fleet.yaml` plans them, and the record of everybody's. */
import { type DrillFacts, drillNews, type OwnDrill } from "../../core/fleet/drills/drill-news.ts";
import {
  type DrillTarget,
  type DueDrill,
  drillTargets,
  dueDrills,
  firstDrillDueAt,
} from "../../core/fleet/drills/due.ts";
import { controllerPart } from "../../core/model/actor.ts";
import { type Calendar, createCalendar } from "../../core/model/calendar.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import type { DrillBook, DrillResult } from "../../core/model/drill.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { FleetEvent } from "../../core/model/fleet-event.ts";
import type { SwitchEntry } from "../../core/model/kill-switch.ts";
import type { Destination, Notice } from "../../core/model/notice.ts";
import { type Instant, MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import { drillFailed, drillOverdue } from "../../core/notify/drills.ts";
import { NO_CHANGE, type OutboxChange, rowsFor } from "../../core/notify/route.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Drills } from "../../ports/drills.ts";
import type { Log } from "../../ports/log.ts";
import type { Recorder } from "../record/recorder.ts";

/** Schedules are by the minute; results and changed plans are looked at as they come. */
const LOOK_MS = 5 * SECOND_MS;
/** One that could not be made, as on a full disk, is not tried again before. */
const AGAIN_MS = MINUTE_MS;
const BY = controllerPart("drills");

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

export interface PlannedDrillParts {
  readonly recorder: Recorder;
  readonly drills: Drills;
  readonly desired: () => DesiredState | null;
  readonly destinations: () => readonly Destination[] | null;
  readonly killSwitch: () => readonly SwitchEntry[];
  readonly clock: Clock;
  readonly calendar?: Calendar;
  readonly log: Log;
  readonly onChange: () => void;
  /** Whether anything may be begun on this record: not while it may be one that was lost. */
  readonly mayRecord: () => boolean;
}

export function createPlannedDrills(parts: PlannedDrillParts): PlannedDrills {
  const { recorder, drills, clock, log, calendar = createCalendar() } = parts;
  const closing = new AbortController();
  const book = (): DrillBook => recorder.fleet.drills;
  let seen: readonly DrillResult[] | null = null;
  let looked: { readonly at: Instant; readonly desired: DesiredState | null } = {
    at: Number.NEGATIVE_INFINITY,
    desired: null,
  };
  /** Nothing was left to record of this book, and before `until` nothing of it falls due. */
  let quiet: { readonly book: DrillBook; readonly until: Instant } | null = null;
  let failedAt: Instant = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  let own: OwnDrill | null = null;
  let writing: Promise<void> | null = null;

  /** With its notices in one transaction; what could not be written is found again by the next tick. */
  function mergeBook(results: readonly DrillResult[]): void {
    if (writing !== null || !parts.mayRecord()) return;
    // Looking through old results for new ones costs more than to see that there are none.
    const facts = { ...factsOf(parts, calendar), own, results: results === seen ? [] : results };
    seen = results;
    if (drillNews(book(), facts).length === 0) {
      // One that is under way may be given up at any moment.
      if (book().begun === undefined) quiet = { book: book(), until: quietUntil() };
      return;
    }
    writing = recorder
      .writeFleet(({ drills: before }, now) => {
        const events = drillNews(before, { ...facts, now });
        return { events, outbox: outboxOf(events, parts) };
      })
      .then(() => parts.onChange())
      .catch((error: unknown) => {
        seen = null;
        log.warn("what became of drills could not be recorded", { error: String(error) });
      })
      .finally(() => {
        writing = null;
      });
  }

  function quietUntil(): Instant {
    const { declared } = factsOf(parts, calendar);
    if (declared === null || declared.plan === null) return Number.POSITIVE_INFINITY;
    const { plan, targets } = declared;
    return firstDrillDueAt(plan, book(), { targets, calendar }) ?? Number.POSITIVE_INFINITY;
  }

  function begin(): void {
    const desired = parts.desired();
    const plan = desired?.fleet.drills.kill ?? null;
    if (running !== null || writing !== null || desired === null || plan === null) return;
    if (book().begun !== undefined) return;
    if (desired.broken.has("fleet") || obstacleIn(parts) !== null || closing.signal.aborted) return;
    if (Math.abs(clock.now() - failedAt) < AGAIN_MS) return;
    const targets = drillTargets(plan.targets, desired.clones);
    const [due] = dueDrills(plan, book(), { targets, now: clock.now(), calendar });
    if (due === undefined || !parts.mayRecord()) return;
    running = recordAndMake(due)
      .catch((error: unknown) => {
        failedAt = clock.now();
        log.error("a drill could not be made", { target: due.name, error: String(error) });
      })
      .finally(() => {
        running = null;
        // What it left, or that it left nothing, is recorded with the next tick.
        looked = { ...looked, at: Number.NEGATIVE_INFINITY };
      });
  }

  async function recordAndMake(due: DueDrill<DrillTarget>): Promise<void> {
    const { name: target, driver, isolation, dueAt } = due;
    const from = book();
    // Chosen by a book that is not on record any more, it is chosen anew.
    const { before, after } = await recorder.writeFleet(({ drills: now }) =>
      now === from ? { events: [{ type: "drill.begun", by: BY, target, dueAt }] } : null,
    );
    const { begun } = after.drills;
    if (before === after || begun === undefined) return;
    own = { begun, ended: null };
    log.info("a drill is made", { target, driver, isolation });
    try {
      const result = await drills.run({ target, driver, isolation, enter: "term" }, closing.signal);
      if (result === null) {
        own = { begun, ended: "its controller was closed meanwhile" };
        return;
      }
      const { passed, deathMs, rung, evidence } = result;
      if (passed) log.info("a drill ended in proof", { target, deathMs, rung });
      else log.error("a drill failed: the kill is not proven", { target, evidence });
    } catch (error) {
      own = { begun, ended: `it could not be made: ${asFactoryError(error).message}` };
      throw error;
    }
  }

  return {
    tick() {
      const now = clock.now();
      const results = drills.results();
      const news = results !== seen || parts.desired() !== looked.desired;
      if (!news && Math.abs(now - looked.at) < LOOK_MS) return;
      if (!news && quiet?.book === book() && now < quiet.until) return;
      try {
        quiet = null;
        mergeBook(results);
        begin();
        // What is being written down may make the next one due.
        looked = { at: writing === null ? now : Number.NEGATIVE_INFINITY, desired: parts.desired() };
      } catch (error) {
        log.error("drills could not be looked after", { error: String(error) });
      }
    },
    book,
    async close() {
      closing.abort(new Error("the controller is closing"));
      await running;
      await writing;
      try {
        if (own?.ended != null) mergeBook(drills.results());
        await writing;
      } catch (error) {
        log.warn("the end of a drill could not be recorded", { error: String(error) });
      }
    },
  };
}

function factsOf(parts: PlannedDrillParts, calendar: Calendar): Omit<DrillFacts, "results" | "own"> {
  const desired = parts.desired();
  const facts = { obstacle: obstacleIn(parts), now: parts.clock.now(), calendar };
  // A file that cannot be read says nothing about what was planned.
  if (desired === null || desired.broken.has("fleet")) return { ...facts, declared: null };
  const { revision, fleet, clones } = desired;
  const plan = fleet.drills.kill;
  const targets = plan === null ? [] : drillTargets(plan.targets, clones);
  return { ...facts, declared: { plan, revision, targets } };
}

function outboxOf(
  events: readonly FleetEvent[],
  { destinations, recorder }: PlannedDrillParts,
): OutboxChange {
  const declared = destinations() ?? [];
  const changes = events
    .flatMap(noticesOf)
    .map((notice) => rowsFor(notice, declared, recorder.outbox.values()));
  return { ...NO_CHANGE, put: changes.flatMap(({ put }) => put) };
}

/** Nothing starts while everything is to be still. */
function obstacleIn({ killSwitch }: PlannedDrillParts): string | null {
  return killSwitch().some(({ scope }) => scope.type === "fleet")
    ? "the kill switch is engaged for the fleet, so nothing is launched"
    : null;
}

function noticesOf(event: FleetEvent): readonly Notice[] {
  if (event.type === "drill.failed") return [drillFailed(event.result)];
  return event.type === "drill.overdue" ? [drillOverdue(event.overdue)] : [];
}
