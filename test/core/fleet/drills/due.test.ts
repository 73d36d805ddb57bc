import { describe, expect, it } from "vitest";
import {
  drillTargets,
  dueDrills,
  firstDrillDueAt,
  nextDrillAt,
  overdueDrills,
  planText,
} from "../../../../src/core/fleet/drills/due.ts";
import {
  type DrillBook,
  type DrillPlan,
  type DrillResult,
  NO_DRILLS,
} from "../../../../src/core/model/drill.ts";
import { drillItems, drillsView } from "../../../../src/core/status/drills.ts";
import { aClone } from "../../../support/fleet.ts";

const PLAN: DrillPlan = { schedule: "0 4 * * *", timezone: "Europe/Berlin", targets: "canaries" };
const at = (text: string): number => Date.parse(text);
const TARGETS = [
  { name: "a", isolation: "group" },
  { name: "b", isolation: "pidns" },
] as const;

function book(since: string, ...results: readonly DrillResult[]): DrillBook {
  return { ...NO_DRILLS, plan: { text: planText(PLAN), since: at(since) }, results };
}

function result(target: string, when: string, passed = true): DrillResult {
  const proof = passed
    ? { deathMs: 9, containment: "group", rung: "sigkill" }
    : { deathMs: null, containment: null, rung: null };
  return { at: when, target, enter: "term", passed, ...proof, evidence: "seen" } as DrillResult;
}

function due(known: DrillBook, now: string): readonly string[] {
  return dueDrills(PLAN, known, { targets: TARGETS, now: at(now) }).map(
    ({ name, dueAt }) => `${name} ${new Date(dueAt).toISOString()}`,
  );
}

describe("the first time at which anything is due", () => {
  it.each<[name: string, book: DrillBook]>([
    ["of a plan that nothing was made for", book("2026-01-09T12:00:00Z")],
    ["after one target was drilled", book("2026-01-09T12:00:00Z", result("a", "2026-01-11T03:00:02.000Z"))],
    [
      "after all were drilled, one of them later",
      book(
        "2026-01-01T00:00:00Z",
        result("a", "2026-01-12T03:00:02.000Z"),
        result("b", "2026-01-10T03:00:02.000Z"),
      ),
    ],
  ])("%s is the moment from which something is", (_name, known) => {
    const first = firstDrillDueAt(PLAN, known, { targets: TARGETS });
    expect(first).not.toBeNull();
    const dueBy = (now: number) => dueDrills(PLAN, known, { targets: TARGETS, now });
    expect(dueBy((first ?? 0) - 1)).toEqual([]);
    expect(dueBy(0)).toEqual([]);
    expect(dueBy(first ?? 0)).not.toEqual([]);
  });

  it("is that of the fleet where the plan finds no target, and none where no round ever comes", () => {
    const known = book("2026-01-09T12:00:00Z");
    expect(firstDrillDueAt(PLAN, known, { targets: [] })).toBe(at("2026-01-10T03:00:00Z"));
    const never: DrillPlan = { ...PLAN, schedule: "0 4 31 2 *" };
    expect(firstDrillDueAt(never, known, { targets: TARGETS })).toBeNull();
  });
});

describe("what is due", () => {
  it.each<[name: string, book: DrillBook, now: string, due: readonly string[]]>([
    ["nothing of a plan that is new", NO_DRILLS, "2026-01-10T12:00:00Z", []],
    ["nothing before its time", book("2026-01-09T12:00:00Z"), "2026-01-10T02:59:59Z", []],
    [
      "every target at its time, in its own time zone",
      book("2026-01-09T12:00:00Z"),
      "2026-01-10T03:00:00Z",
      ["a 2026-01-10T03:00:00.000Z", "b 2026-01-10T03:00:00.000Z"],
    ],
    [
      "and not the one that was drilled since, whoever did it",
      book("2026-01-09T12:00:00Z", result("a", "2026-01-10T03:00:02.000Z", false)),
      "2026-01-10T03:00:05Z",
      ["b 2026-01-10T03:00:00.000Z"],
    ],
    [
      "several rounds that were missed are one",
      book("2026-01-01T00:00:00Z", result("a", "2026-01-09T03:00:01.000Z")),
      "2026-01-10T12:00:00Z",
      ["a 2026-01-10T03:00:00.000Z", "b 2026-01-01T03:00:00.000Z"],
    ],
    [
      "an hour earlier by the world's clock in summer",
      book("2026-07-01T00:00:00Z"),
      "2026-07-01T02:00:00Z",
      ["a 2026-07-01T02:00:00.000Z", "b 2026-07-01T02:00:00.000Z"],
    ],
    [
      "nothing of another plan's time",
      { ...NO_DRILLS, plan: { text: "another", since: 0 } },
      "2026-07-01T02:00:00Z",
      [],
    ],
  ])("%s", (_name, known, now, wanted) => {
    expect(due(known, now)).toEqual(wanted);
  });
});

describe("what is overdue", () => {
  const overdue = (now: string, targets: typeof TARGETS | readonly [], reason: string | null = null) =>
    overdueDrills(PLAN, book("2026-01-09T12:00:00Z"), { targets, now: at(now), reason });

  it("is told after an hour, with what is in the way", () => {
    expect(overdue("2026-01-10T03:59:59Z", TARGETS)).toEqual([]);
    expect(overdue("2026-01-10T04:00:00Z", TARGETS, "the switch is engaged")).toEqual([
      { target: "a", dueAt: at("2026-01-10T03:00:00Z"), reason: "the switch is engaged" },
      { target: "b", dueAt: at("2026-01-10T03:00:00Z"), reason: "the switch is engaged" },
    ]);
  });

  it("a plan that finds no clone proves nothing", () => {
    expect(overdue("2026-01-10T04:00:00Z", [])).toEqual([
      { target: "fleet", dueAt: at("2026-01-10T03:00:00Z"), reason: "the plan finds no clone to drill on" },
    ]);
  });
});

describe("on whom", () => {
  const clones = new Map(
    [
      aClone("plain"),
      { ...aClone("canary"), labels: { canary: "true" } },
      { ...aClone("retired", { state: "retired" }), labels: { canary: "true" } },
    ].map((clone) => [clone.name, clone]),
  );
  it.each<[targets: DrillPlan["targets"], names: readonly string[]]>([
    ["canaries", ["canary"]],
    ["all", ["canary", "plain"]],
    [["plain", "nobody"], ["plain"]],
  ])("%j", (targets, names) => {
    expect(drillTargets(targets, clones).map(({ name }) => name)).toEqual(names);
  });
});

describe("a target", () => {
  it.each([
    ["group", "group"],
    ["pidns", "pidns"],
    ["cgroup", "cgroup"],
  ] as const)("is drilled in the isolation %s of its clone", (isolation, wanted) => {
    const runtime = { driver: "process" as const, isolation };
    const clones = new Map(["b", "a"].map((name) => [name, aClone(name, { runtime })]));
    expect(drillTargets("all", clones)).toEqual([
      { name: "a", driver: "process", isolation: wanted },
      { name: "b", driver: "process", isolation: wanted },
    ]);
  });

  it("comes in the order of its name", () => {
    const clones = new Map(["a", "c", "b"].map((name) => [name, aClone(name)]));
    expect(drillTargets("all", clones).map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });
});

describe("the next time", () => {
  it("is told of each plan by itself, however often and in which order it is asked", () => {
    const noon: DrillPlan = { ...PLAN, schedule: "0 12 * * *" };
    const tokyo: DrillPlan = { ...PLAN, timezone: "Asia/Tokyo" };
    const from = at("2026-01-10T00:00:00Z");
    for (const _ of [1, 2]) {
      expect(nextDrillAt(PLAN, from)).toBe(at("2026-01-10T03:00:00Z"));
      expect(nextDrillAt(PLAN, at("2026-01-10T03:00:00Z"))).toBe(at("2026-01-11T03:00:00Z"));
      expect(nextDrillAt(noon, from)).toBe(at("2026-01-10T11:00:00Z"));
      expect(nextDrillAt(tokyo, from)).toBe(at("2026-01-10T19:00:00Z"));
    }
    for (let minute = 0; minute < 40; minute++)
      expect(nextDrillAt({ ...PLAN, timezone: "UTC", schedule: `${minute} 4 * * *` }, from)).toBe(
        at("2026-01-10T04:00:00Z") + minute * 60_000,
      );
    expect(nextDrillAt(PLAN, from)).toBe(at("2026-01-10T03:00:00Z"));
  });

  it("of a day that never comes is none", () => {
    const never: DrillPlan = { ...PLAN, schedule: "0 4 31 2 *" };
    expect(nextDrillAt(never, 0)).toBeNull();
    const known = { ...NO_DRILLS, plan: { text: planText(never), since: 0 } };
    expect(dueDrills(never, known, { targets: TARGETS, now: at("2026-01-10T12:00:00Z") })).toEqual([]);
  });
});

describe("what people see", () => {
  it("a failed drill waits for a person until one passes", () => {
    const failed = result("a", "2026-01-10T03:00:02.000Z", false);
    const passed = result("a", "2026-01-10T05:00:00.000Z");
    expect(drillItems(book("2026-01-09T12:00:00Z", failed))).toMatchObject([
      { kind: "drill_failed", subject: "a", severity: "critical" },
    ]);
    expect(drillItems(book("2026-01-09T12:00:00Z", failed, passed))).toEqual([]);
  });

  it("the newest of each, and when the next one is", () => {
    const known = book(
      "2026-01-09T12:00:00Z",
      result("b", "2026-01-10T03:00:09.000Z"),
      result("a", "2026-01-10T03:00:02.000Z"),
    );
    const view = drillsView(PLAN, known);
    expect(view.newest.map(({ target }) => target)).toEqual(["a", "b"]);
    expect(view.plan?.nextAt).toBe(at("2026-01-11T03:00:00Z"));
    expect(drillsView(null, known).plan).toBeNull();
  });
});
