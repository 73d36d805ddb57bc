/** What may go, how much of it at once, and what a broken file may still say. */

import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import { createCalendar } from "../../../src/core/model/calendar.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { PLAN_STEP_TYPES } from "../../../src/core/plan/buckets.ts";
import { createForecast } from "../../../src/core/plan/forecast.ts";
import { fleetOf, guardDeletions } from "../../../src/core/plan/guard.ts";
import { aClone, aDesired, aMission, anObserved, Life } from "../../support/fleet.ts";
import { kinds, onlyStep, planned, reasons, working } from "./plans.ts";

const REMOVED = "0123456789abcdef".repeat(3).slice(0, 40);
const LATER = "f".repeat(40);
const idle = (name: string) => new Life(name).declared();

describe("the fleet that a deletion is measured against", () => {
  test("has the clones that are wanted and not put away, by name", () => {
    const withdrawn = idle("gone").on({ type: "clone.withdrawn", revision: "b", reason: "" });
    const lives = [
      idle("b"),
      idle("a"),
      new Life("never-declared"),
      idle("old").declared({ state: "retired" }),
      withdrawn,
    ];
    expect(fleetOf(new Map(lives.map(({ state }) => [state.name, state])))).toEqual(["a", "b"]);
  });

  test("does not grow by what is put away: one of two is half of it", () => {
    const retired = ["r1", "r2", "r3", "r4", "r5", "r6"].map((name) =>
      idle(name).declared({ state: "retired" }),
    );
    const lives = [idle("a"), idle("b"), ...retired];
    const desired = aDesired({
      clones: retired.map(({ state }) => aClone(state.name, { state: "retired" })),
    });
    expect(
      reasons(
        planned(
          desired,
          lives.map(({ state }) => state),
        ),
      ),
    ).toEqual(["clone/a prune MassDeleteGuard", "clone/b prune MassDeleteGuard"]);
  });
});

describe("a mass deletion", () => {
  const lives = ["a", "b", "c", "d"].map(idle);
  const left = (revision: string, confirmDeletion: string | null = null) =>
    aDesired({ clones: [aClone("c"), aClone("d")], revision, confirmDeletion });
  const look = (
    desired: ReturnType<typeof left>,
    pendingDeletion = planned(left(REMOVED), states).pendingDeletion,
  ) => planned(desired, states, { pendingDeletion });
  const states: readonly CloneState[] = lives.map(({ state }) => state);

  test("says what is asked for, and how it is confirmed", () => {
    const { held } = planned(left(REMOVED), states);
    expect(held[0]?.message).toMatch(
      /^commit 0123456789ab removes 2 of 4 clones; 1 may go without confirmation/,
    );
    expect(held[0]?.message).toContain(REMOVED);
  });

  test.each<[string, string | null, boolean]>([
    ["by nothing", null, false],
    ["by its whole name", REMOVED, true],
    ["by twelve characters of it", REMOVED.slice(0, 12), true],
    ["by eleven", REMOVED.slice(0, 11), false],
    ["by its end", REMOVED.slice(-12), false],
    ["by another name", LATER, false],
  ])("is confirmed %s: %s", (_, confirmation, passes) => {
    const made = look(left(LATER, confirmation));
    expect(kinds(made)).toEqual(passes ? ["prune a", "prune b"] : []);
    expect(made.held).toHaveLength(passes ? 0 : 2);
    expect(made.pendingDeletion === null).toBe(passes);
  });

  test("stays known while the repository cannot be read", () => {
    const { pendingDeletion } = look(left(REMOVED));
    expect(planned(null, states, { pendingDeletion }).pendingDeletion).toEqual(pendingDeletion);
    const desired = left(REMOVED);
    expect(guardDeletions([], { desired, states: new Map(), pendingDeletion })).toEqual({
      steps: [],
      held: [],
      pendingDeletion: null,
    });
  });

  test("is not made small by clones that come with it, nor by those that come while it is held", () => {
    const added = Array.from({ length: 20 }, (_, index) => `n${index}`);
    const swapped = (revision: string) =>
      aDesired({ clones: ["c", "d", ...added].map((name) => aClone(name)), revision });
    const first = planned(swapped(REMOVED), states);
    expect(kinds(first).filter((kind) => kind.startsWith("prune"))).toEqual([]);
    expect(first.pendingDeletion).toMatchObject({ revision: REMOVED, clones: 4 });
    const grown = [...states, ...added.map((name) => idle(name).state)];
    const second = planned(swapped(LATER), grown, { pendingDeletion: first.pendingDeletion });
    expect(reasons(second)).toEqual(["clone/a prune MassDeleteGuard", "clone/b prune MassDeleteGuard"]);
    expect(second.pendingDeletion).toEqual(first.pendingDeletion);
  });

  test("of everything asks also where everything is one clone", () => {
    const only = idle("a").state;
    const made = planned(aDesired({ clones: [] }), [only]);
    expect(reasons(made)).toEqual(["clone/a prune MassDeleteGuard"]);
    expect(planned(aDesired({ clones: [] }), []).pendingDeletion).toBeNull();
  });
});

describe("a file that was removed", () => {
  const others = ["b", "c", "d", "e", "f"].map(idle);
  const wanted = others.map(({ state }) => aClone(state.name));
  const states = (life: Life) => [life.state, ...others.map(({ state }) => state)];

  test("withdraws the mission and the clone, each with what was removed", () => {
    const made = planned(aDesired({ clones: wanted }), states(working("a", "audit")));
    expect(made.steps).toMatchObject([
      {
        type: "withdraw",
        mission: "audit",
        event: { type: "mission.withdrawn", reason: "missions/audit.yaml was removed" },
      },
      { type: "prune", clone: "a", event: { type: "clone.withdrawn", reason: "clones/a.yaml was removed" } },
    ]);
  });

  test.each<[string, Life]>([
    ["a mission that is over", working("a").reports("mission.failed")],
    ["a lane that has none", idle("a")],
  ])("withdraws nothing of %s", (_, life) => {
    expect(kinds(planned(aDesired({ clones: [...wanted, aClone("a")] }), states(life)))).toEqual([]);
  });

  test("is removed once: what is on its way is not asked for again", () => {
    const going = working("a", "audit").on({ type: "clone.withdrawn", revision: "b", reason: "" });
    expect(kinds(planned(aDesired({ clones: wanted }), states(going)))).toEqual([]);
    expect(kinds(planned(aDesired({ clones: wanted }), states(going.dead())))).toEqual([]);
    const retired = idle("a").declared({ state: "retired" });
    expect(kinds(planned(aDesired({ clones: wanted }), states(retired)))).toEqual([]);
    expect(kinds(planned(aDesired({ clones: wanted }), states(new Life("a"))))).toEqual([]);
  });
});

describe("a file that is broken and says stop", () => {
  const broken = (state: "active" | "paused" | "cancelled", killSwitch: boolean, name = "audit") =>
    aDesired({
      clones: [aClone("scribe")],
      broken: new Set([`mission/${name}`]),
      stops: new Map([[name, { state, killSwitch }]]),
    });

  test.each([
    ["active", true],
    ["paused", false],
    ["cancelled", false],
  ] as const)(
    "as %s, kill switch %s, reaches its mission and changes nothing else of it",
    (state, engaged) => {
      const life = working("scribe", "audit");
      const { limits } = aMission("audit", "scribe");
      expect(onlyStep(planned(broken(state, engaged), [life.state]))).toMatchObject({
        type: "stop",
        clone: "scribe",
        mission: "audit",
        event: { type: "mission.limits_changed", limits: { ...limits, state, kill_switch: { engaged } } },
      });
    },
  );

  test("does not let go of a switch that was engaged, and is said once", () => {
    const switched = working("scribe", "audit");
    const limits = { ...aMission("audit", "scribe").limits, kill_switch: { engaged: true } };
    const state = {
      ...switched.state,
      mission: { ...(switched.state.mission as never as object), limits },
    } as CloneState;
    expect(kinds(planned(broken("active", false), [state]))).toEqual([]);
    expect(onlyStep(planned(broken("paused", false), [state])).event).toMatchObject({
      limits: { state: "paused", kill_switch: { engaged: true } },
    });
  });

  test.each<[string, Life, string]>([
    ["another mission", working("scribe", "audit"), "other"],
    ["a lane without a mission", idle("scribe"), "audit"],
    ["one that is over", working("scribe", "audit").reports("mission.failed"), "audit"],
  ])("does nothing to %s", (_, life, name) => {
    expect(kinds(planned(broken("cancelled", true, name), [life.state]))).toEqual([]);
  });
});

test("what ends comes before what begins, and within that it goes by name", () => {
  expect(PLAN_STEP_TYPES).toEqual([
    "stop",
    "pause",
    "resume",
    "limit",
    "adopt",
    "gone",
    "declare",
    "withdraw",
    "prune",
    "close",
    "update",
    "replace",
    "assign",
    "handOver",
    "start",
  ]);
  const live = ["c", "a", "b"].map((name) => working(name));
  const idlers = ["e", "d"].map(idle);
  const names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "k", "l", "m"];
  const desired = aDesired({
    clones: names.map((name) => aClone(name, name === "d" ? { workspaceDigest: "sha256:new" } : {})),
    missions: [
      aMission("m-a", "a", { limits: { state: "cancelled" } }),
      aMission("m-b", "b", { limits: { state: "paused" } }),
      aMission("m-d", "d"),
      aMission("m-g", "g"),
      aMission("m-f", "f"),
    ],
  });
  // The other five: two removals are more than a fifth of a smaller fleet.
  const others = names.slice(-5).map(idle);
  const states = [...live, ...idlers, ...others, working("o")].map(({ state }) => state);
  const instances = anObserved(states).instances.filter(({ handle }) => handle.clone !== "c");
  const made = planned(desired, states, { instances });
  expect(kinds(made)).toEqual([
    "stop a",
    "limit b",
    "gone c",
    "declare f",
    "declare g",
    "withdraw c",
    "withdraw o",
    "prune o",
    "update d",
    "assign d",
    "assign f",
    "assign g",
    "start d",
    "start f",
    "start g",
  ]);
  const ranks = made.steps.map(({ type }) => PLAN_STEP_TYPES.indexOf(type));
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
  expect(PLAN_STEP_TYPES.flatMap((type) => made[type])).toEqual(made.steps);
});

test("two steps of one clone and kind stay in the order in which they were found", () => {
  const forecast = createForecast(new Map(), { now: 0, calendar: createCalendar() });
  const stop = (clone: string, trigger: string) => ({
    type: "stop" as const,
    clone,
    mission: null,
    why: { trigger, fields: [], from: null, to: null },
    event: { type: "kill.requested" as const, by: operator("test"), reason: trigger, now: false },
  });
  forecast.take([stop("b", "first"), stop("a", "third"), stop("b", "second")]);
  expect(forecast.steps.map(({ clone, why, version }) => `${clone} ${why.trigger} ${version}`)).toEqual([
    "a third 0",
    "b first 0",
    "b second 1",
  ]);
});
