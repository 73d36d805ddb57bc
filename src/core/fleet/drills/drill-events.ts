import { type DrillBook, type DrillResult, keptDrills } from "../../model/drill.ts";
import type { DrillEvent, FleetEventOf } from "../../model/fleet-event.ts";
import { type Instant, iso } from "../../model/time.ts";
import { type FleetRules, type Ignored, ignored } from "../event-rules.ts";
import { planText } from "./due.ts";

export type DrillEvents = readonly FleetEventOf<DrillEvent["type"]>[];

export const DRILL_EVENTS: FleetRules<DrillBook, DrillEvent["type"]> = {
  "drill.planned": {
    on(book, { plan }, at) {
      const text = plan === null ? null : planText(plan);
      if (text === (book.plan?.text ?? null)) return ignored("it is planned like this already");
      return text === null ? { ...book, plan: null, overdue: [] } : { ...book, plan: { text, since: at } };
    },
    describe: ({ plan }) =>
      plan === null
        ? "no drills are planned any longer"
        : `drills are planned by ${plan.schedule} (${plan.timezone}) on ${targetText(plan.targets)}`,
  },
  "drill.begun": {
    on(book, { target, dueAt }, at) {
      if (book.begun !== undefined) return ignored(`one on ${book.begun.target} is under way`);
      return { ...book, begun: { target, dueAt, at } };
    },
    describe: ({ target, dueAt }) => `the drill of ${iso(dueAt)} on ${target} begins`,
  },
  "drill.cut_off": {
    on(book, { target, begunAt }) {
      if (book.begun?.target !== target || book.begun.at !== begunAt)
        return ignored(`none that was begun on ${target} at ${iso(begunAt)} is under way`);
      return withoutBegun(book);
    },
    describe: ({ target, begunAt, reason }) =>
      `the drill on ${target} that began at ${iso(begunAt)} left no result: ${reason}; nothing is proven, and it is due again`,
  },
  "drill.passed": {
    on: (book, { result }) => onResult(book, result),
    describe: ({ result: { target, deathMs, rung } }) =>
      `the kill is proven on ${target}: dead after ${deathMs} ms by ${rung}`,
  },
  "drill.failed": {
    on: (book, { result }) => onResult(book, result),
    describe: ({ result: { target, evidence } }) => `the kill is not proven on ${target}: ${evidence}`,
  },
  "drill.overdue": {
    on(book, { overdue }) {
      if (book.overdue.some((one) => isSame(one, overdue))) return ignored("people were told already");
      // One that was overdue before is part of the newer one.
      return {
        ...book,
        overdue: [...book.overdue.filter(({ target }) => target !== overdue.target), overdue],
      };
    },
    describe: ({ overdue: { target, dueAt, reason } }) =>
      `the drill of ${iso(dueAt)} was not made on ${target}: ${reason}`,
  },
  "drill.dropped": {
    on(book, dropped) {
      const overdue = book.overdue.filter((one) => !isSame(one, dropped));
      return overdue.length === book.overdue.length ? ignored("it is not overdue") : { ...book, overdue };
    },
    describe: ({ target, dueAt }) => `nobody waits any longer for the drill of ${iso(dueAt)} on ${target}`,
  },
};

function onResult(book: DrillBook, result: DrillResult): DrillBook | Ignored {
  if (book.results.some(({ target, at }) => target === result.target && at === result.at))
    return ignored("its result is on record already");
  return {
    ...(book.begun?.target === result.target ? withoutBegun(book) : book),
    results: keptDrills([...book.results, result]),
    overdue: book.overdue.filter(
      ({ target, dueAt }) => target !== result.target || dueAt > Date.parse(result.at),
    ),
  };
}

function withoutBegun({ begun: _begun, ...book }: DrillBook): DrillBook {
  return book;
}

function isSame(
  a: { readonly target: string; readonly dueAt: Instant },
  b: { readonly target: string; readonly dueAt: Instant },
): boolean {
  return a.target === b.target && a.dueAt === b.dueAt;
}

function targetText(targets: "canaries" | "all" | readonly string[]): string {
  return typeof targets === "string" ? targets : targets.join(", ");
}
