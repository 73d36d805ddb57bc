import { nextDrillAt } from "../fleet/drills/due.ts";
import type { Calendar } from "../model/calendar.ts";
import { type DrillBook, type DrillPlan, type DrillResult, newestDrills } from "../model/drill.ts";
import { type Instant, iso } from "../model/time.ts";
import type { InboxItem } from "./view.ts";

/** Whether the kill is proven, by target. */
export interface DrillsView {
  /** Null: nothing is planned. */
  readonly plan: {
    readonly schedule: string;
    readonly timezone: string;
    /** The first round after the plan or the newest drill; it may be over. */
    readonly nextAt: Instant | null;
  } | null;
  /** The newest of each target. */
  readonly newest: readonly DrillResult[];
  readonly overdue: DrillBook["overdue"];
}

/** From the record alone, so that it says the same whenever it is asked. */
export function drillsView(plan: DrillPlan | null, book: DrillBook, calendar?: Calendar): DrillsView {
  const newest = [...newestDrills(book.results).values()];
  const last = Math.max(book.plan?.since ?? 0, ...newest.map(({ at }) => Date.parse(at)));
  return {
    plan:
      plan === null || book.plan === null
        ? null
        : { schedule: plan.schedule, timezone: plan.timezone, nextAt: nextDrillAt(plan, last, calendar) },
    newest,
    overdue: book.overdue,
  };
}

/** `dead after 210 ms by sigkill, containment cgroup` */
export function drillText({ passed, deathMs, rung, containment, evidence }: DrillResult): string {
  return passed ? `dead after ${deathMs} ms by ${rung}, containment ${containment}` : `FAILED: ${evidence}`;
}

/** A kill that is not proven to work is nothing to rely on. */
export function drillItems(book: DrillBook): readonly InboxItem[] {
  const failed = [...newestDrills(book.results).values()].filter(({ passed }) => !passed);
  return [
    ...failed.map(({ target, at, evidence }) => ({
      id: `${target}/drill_failed`,
      severity: "critical" as const,
      kind: "drill_failed",
      subject: target,
      since: Date.parse(at),
      message: `the kill is not proven: ${evidence}`,
      answers: [`factory drill kill ${target}`, "factory drills", "factory doctor"],
    })),
    ...book.overdue.map(({ target, dueAt, reason }) => ({
      id: `${target}/drill_overdue`,
      severity: "warning" as const,
      kind: "drill_overdue",
      subject: target,
      since: dueAt,
      message: `the drill of ${iso(dueAt)} was not made: ${reason}`,
      answers: [`factory drill kill ${target === "fleet" ? "--all-canaries" : target}`, "factory drills"],
    })),
  ];
}
