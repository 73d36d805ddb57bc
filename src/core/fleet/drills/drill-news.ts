/** What has happened to drills by now, as events for the record. */
import { controllerPart, repositoryAt } from "../../model/actor.ts";
import { type Calendar, createCalendar } from "../../model/calendar.ts";
import {
  type BegunDrill,
  DRILL_MS_MAX,
  type DrillBook,
  type DrillPlan,
  type DrillResult,
} from "../../model/drill.ts";
import type { Instant } from "../../model/time.ts";
import { foldPart } from "../event-rules.ts";
import { DRILL_EVENTS, type DrillEvents } from "./drill-events.ts";
import { type DrillTarget, overdueDrills, planText } from "./due.ts";

export interface DrillFacts {
  /** What `fleet.yaml` says; null: it cannot be read, which says nothing about what is planned. */
  readonly declared: {
    readonly plan: DrillPlan | null;
    readonly revision: string;
    readonly targets: readonly DrillTarget[];
  } | null;
  /** Everything that is known of drills that were made, oldest first. */
  readonly results: readonly DrillResult[];
  /** The newest that this controller began itself; null: none. */
  readonly own: OwnDrill | null;
  /** Why none can be made now; null: nothing is in the way. */
  readonly obstacle: string | null;
  readonly now: Instant;
  /** One that is kept answers sooner. */
  readonly calendar?: Calendar;
}

export interface OwnDrill {
  readonly begun: BegunDrill;
  /** Why it left no result; null while it is under way. */
  readonly ended: string | null;
}

const BY = controllerPart("drills");

/** Asked again after that was recorded, it answers nothing. */
export function drillNews(book: DrillBook, facts: DrillFacts): DrillEvents {
  const events: DrillEvents[number][] = [];
  let next = book;
  const take = (event: DrillEvents[number]): void => {
    events.push(event);
    next = foldPart(DRILL_EVENTS, next, { events: [event], at: facts.now });
  };
  const { declared } = facts;
  if (declared !== null) {
    const { plan, revision } = declared;
    if ((plan === null ? null : planText(plan)) !== (book.plan?.text ?? null))
      take({ type: "drill.planned", by: repositoryAt(revision), plan });
  }
  for (const result of freshIn(facts.results, book))
    take({ type: result.passed ? "drill.passed" : "drill.failed", by: BY, result });
  const cutOff = next.begun === undefined ? null : noResultOf(next.begun, facts);
  if (next.begun !== undefined && cutOff !== null) {
    const { target, at: begunAt } = next.begun;
    take({ type: "drill.cut_off", by: BY, target, begunAt, reason: cutOff });
  }
  if (declared === null || declared.plan === null) return events;
  const { targets } = declared;
  const { now, obstacle: reason, calendar = createCalendar() } = facts;
  const overdue = overdueDrills(declared.plan, next, { targets, now, reason, calendar });
  const due = new Map(overdue.map((one) => [one.target, one]));
  for (const { target, dueAt } of next.overdue)
    if (!due.has(target)) take({ type: "drill.dropped", by: BY, target, dueAt });
  const told = new Set(next.overdue.map(({ target, dueAt }) => `${target} ${dueAt}`));
  for (const one of overdue)
    if (!told.has(`${one.target} ${one.dueAt}`)) take({ type: "drill.overdue", by: BY, overdue: one });
  return events;
}

/** Why nothing is to be expected of it any longer; null while its result may come. */
function noResultOf(begun: BegunDrill, { own, now }: DrillFacts): string | null {
  if (own?.begun.target === begun.target && own.begun.at === begun.at) return own.ended;
  return Math.abs(now - begun.at) < DRILL_MS_MAX ? null : "the controller that began it is gone";
}

/** What came after the last one that the book knows: by its place and not by its time, since clocks are set. */
function freshIn(results: readonly DrillResult[], book: DrillBook): readonly DrillResult[] {
  if (results.length === 0) return results;
  const known = new Set(book.results.map(({ target, at }) => `${target} ${at}`));
  return results.slice(results.findLastIndex(({ target, at }) => known.has(`${target} ${at}`)) + 1);
}
