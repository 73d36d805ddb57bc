/** Which drills fell due: a question, asked as often as anybody likes. */
import { type Calendar, createCalendar } from "../../model/calendar.ts";
import type { DesiredClone } from "../../model/clone.ts";
import {
  type DrillBook,
  type DrillPlan,
  type DrillResult,
  newestDrills,
  type OverdueDrill,
} from "../../model/drill.ts";
import { CONTAINMENTS, type Containment } from "../../model/instance.ts";
import { HOUR_MS, type Instant } from "../../model/time.ts";

/** A drill takes seconds. Whoever has not got to it by now has a reason that people should hear. */
export const OVERDUE_MS = HOUR_MS;
export const WHOLE_FLEET = "fleet";

export interface DrillTarget {
  readonly name: string;
  /** The driver that runs the clone: the kill is proven on that one. */
  readonly driver: string;
  readonly isolation: Containment;
}

export type DueDrill<T = DrillTarget> = T & { readonly dueAt: Instant };

/** Clones in the order of their names. Canaries are those whose file says `labels: {canary: "true"}`; a retired one is never started, so nothing is proven on it. */
export function drillTargets(
  targets: DrillPlan["targets"],
  clones: ReadonlyMap<string, DesiredClone>,
): readonly DrillTarget[] {
  const chosen = [...clones.values()].filter((clone) => {
    if (clone.state === "retired") return false;
    if (targets === "all") return true;
    return targets === "canaries" ? clone.labels?.["canary"] === "true" : targets.includes(clone.name);
  });
  return chosen
    .map(({ name, runtime }) => ({
      name,
      driver: runtime.driver,
      isolation: CONTAINMENTS.find((one) => one === runtime.isolation) ?? "group",
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Equal for equal plans. */
export function planText({ schedule, timezone, targets }: DrillPlan): string {
  return JSON.stringify([schedule, timezone, targets]);
}

/**
 * Every target for which the schedule has come round since its last drill, whoever made that. A plan that is
 * new asks for nothing of the time before it was seen; several rounds that were missed are one drill.
 */
export function dueDrills<T extends Pick<DrillTarget, "name">>(
  plan: DrillPlan,
  book: DrillBook,
  facts: { readonly targets: readonly T[]; readonly now: Instant; readonly calendar?: Calendar },
): readonly DueDrill<T>[] {
  const { calendar = createCalendar() } = facts;
  const since = book.plan?.text === planText(plan) ? book.plan.since : facts.now;
  const newest = newestDrills(book.results);
  const due: DueDrill<T>[] = [];
  for (const target of facts.targets) {
    const dueAt = dueAfter(plan, { since, last: newest.get(target.name), calendar });
    if (dueAt !== null && dueAt <= facts.now) due.push({ ...target, dueAt });
  }
  return due;
}

/** Before this moment no target of the plan is due, whatever the clock says meanwhile; null: none ever will be. */
export function firstDrillDueAt(
  plan: DrillPlan,
  book: DrillBook,
  facts: { readonly targets: readonly Pick<DrillTarget, "name">[]; readonly calendar?: Calendar },
): Instant | null {
  const { calendar = createCalendar() } = facts;
  const newest = newestDrills(book.results);
  const since = book.plan?.since ?? 0;
  const targets = facts.targets.length === 0 ? [{ name: WHOLE_FLEET }] : facts.targets;
  let first: Instant | null = null;
  for (const { name } of targets) {
    const dueAt = dueAfter(plan, { since, last: newest.get(name), calendar });
    if (dueAt !== null && (first === null || dueAt < first)) first = dueAt;
  }
  return first;
}

function dueAfter(
  plan: DrillPlan,
  {
    since,
    last,
    calendar,
  }: { readonly since: Instant; readonly last: DrillResult | undefined; readonly calendar: Calendar },
): Instant | null {
  return nextDrillAt(plan, Math.max(since, last === undefined ? 0 : Date.parse(last.at)), calendar);
}

/** Those that people should hear of. A plan that finds no clone proves nothing, which is told as well. */
export function overdueDrills(
  plan: DrillPlan,
  book: DrillBook,
  facts: {
    readonly targets: readonly Pick<DrillTarget, "name">[];
    readonly now: Instant;
    readonly reason: string | null;
    readonly calendar?: Calendar;
  },
): readonly OverdueDrill[] {
  const nobody = facts.targets.length === 0;
  const targets = nobody ? [{ name: WHOLE_FLEET }] : facts.targets;
  return dueDrills(plan, book, { ...facts, targets })
    .filter(({ dueAt }) => facts.now - dueAt >= OVERDUE_MS)
    .map(({ name, dueAt }) => ({
      target: name,
      dueAt,
      reason: nobody
        ? "the plan finds no clone to drill on"
        : (facts.reason ?? "it was not made within an hour"),
    }));
}

/** The first time after an instant at which the schedule comes round; null when it never does. */
export function nextDrillAt(
  { schedule, timezone }: DrillPlan,
  after: Instant,
  calendar: Calendar = createCalendar(),
): Instant | null {
  return calendar.roundsAt({ cron: schedule, timezone }, after).next;
}
