/** What was made of drills, brought into the book on record; and what of it has still to be told. */
import { drillNews, type OwnDrill } from "../../core/fleet/drills/drill-news.ts";
import { firstDrillDueAt } from "../../core/fleet/drills/due.ts";
import type { DrillBook, DrillResult } from "../../core/model/drill.ts";
import type { FleetEvent } from "../../core/model/fleet-event.ts";
import type { Notice } from "../../core/model/notice.ts";
import type { Instant } from "../../core/model/time.ts";
import { drillFailed, drillOverdue } from "../../core/notify/drills.ts";
import { NO_CHANGE, type OutboxChange, rowsFor } from "../../core/notify/route.ts";
import { factsOf, type PlannedDrillParts } from "./drill-facts.ts";

/**
 *   due ──► writing ──► due, until there is nothing new
 *    └──► quiet: the book says all, and nothing falls due before a moment that is known
 */
export interface DrillRecords {
  /** Begins to record what the results say and the book does not. One at a time: the next tick finds what is left. */
  merge(results: readonly DrillResult[], own: OwnDrill | null): void;
  /** Something is being recorded, which may make the next drill due. */
  writing(): Promise<void> | null;
  /** There are results that were not looked through. */
  isNews(results: readonly DrillResult[]): boolean;
  /** Nothing is left to record, and nothing is due yet. */
  isQuiet(now: Instant): boolean;
  /** Somebody looks again. */
  stir(): void;
}

export function createDrillRecords(parts: PlannedDrillParts): DrillRecords {
  const { recorder, log } = parts;
  const book = (): DrillBook => recorder.fleet.drills;
  let seen: readonly DrillResult[] | null = null;
  /** Nothing was left to record of this book, and before `until` nothing of it falls due. */
  let quiet: { readonly book: DrillBook; readonly until: Instant } | null = null;
  let writing: Promise<void> | null = null;

  function merge(results: readonly DrillResult[], own: OwnDrill | null): void {
    if (writing !== null || !parts.mayRecord()) return;
    // Looking through old results for new ones costs more than to see that there are none.
    const facts = { ...factsOf(parts), own, results: results === seen ? [] : results };
    seen = results;
    if (drillNews(book(), facts).length > 0) write(facts);
    // One that is under way may be given up at any moment.
    else if (book().begun === undefined) quiet = { book: book(), until: quietUntil() };
  }

  /** With its notices in one transaction; what could not be written is found again by the next tick. */
  function write(facts: Parameters<typeof drillNews>[1]): void {
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
    const { declared } = factsOf(parts);
    if (declared === null || declared.plan === null) return Number.POSITIVE_INFINITY;
    const { plan, targets } = declared;
    return firstDrillDueAt(plan, book(), { targets, calendar: parts.calendar }) ?? Number.POSITIVE_INFINITY;
  }

  return {
    merge,
    writing: () => writing,
    isNews: (results) => results !== seen,
    isQuiet: (now) => quiet !== null && quiet.book === book() && now < quiet.until,
    stir() {
      quiet = null;
    },
  };
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

function noticesOf(event: FleetEvent): readonly Notice[] {
  if (event.type === "drill.failed") return [drillFailed(event.result)];
  return event.type === "drill.overdue" ? [drillOverdue(event.overdue)] : [];
}
