/** Each line of the runbook that is shown as a condition: when it is met, when not, when nobody knows. */
import { describe, expect, test } from "vitest";
import { conditionsOf } from "../../../src/core/clone/conditions.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { ConditionType } from "../../../src/core/model/condition.ts";
import { CONDITION_TYPES } from "../../../src/core/model/condition.ts";
import { MINUTE_MS } from "../../../src/core/model/time.ts";
import { Life, T0 } from "../../support/fleet.ts";

const shown = (life: Life, type: ConditionType): string => {
  const found = life.state.conditions.find((one) => one.type === type);
  return `${found?.status} ${found?.reason}`;
};
const launched = () => new Life().declared().assigned().planned().prepared().launched();
const window = (from: number, to: number) => ({
  limits: { autonomy_window: { type: "fixed" as const, startAt: T0 + from, endAt: T0 + to } },
});
const ready = (life: Life, callbackMs: number | null, exitCode: number) =>
  life.reports("instance.ready", {
    detail: {
      ...(callbackMs === null ? {} : { callback_ms: callbackMs }),
      checks: [{ name: "disk", exit_code: exitCode, timed_out: false, duration_ms: 4, tail: "" }],
    },
  });
const health = (life: Life, value: "suspect" | "degraded" | "healthy" | "lost") =>
  life.on({ type: "health.changed", epoch: 1, health: value, evidence: "silent for 20 s" });

describe("a condition", () => {
  test("stands there for every line, from the first event on", () => {
    const types = new Life().declared().state.conditions.map(({ type }) => type);
    expect(types).toEqual(CONDITION_TYPES);
  });

  test.each<[line: string, type: ConditionType, expected: string, life: () => Life]>([
    ["3.1 a declared name", "Identified", "True NamePatternMatches", () => new Life().declared()],
    ["3.1 without a declaration", "Identified", "False NotDeclared", () => new Life().assigned()],
    ["3.5 a round trip", "CallbackReachable", "True RoundTripMade", () => ready(launched(), 3, 0)],
    ["3.5 none was made", "CallbackReachable", "False NoRoundTrip", () => ready(launched(), null, 0)],
    ["3.5 before it is ready", "CallbackReachable", "Unknown NotCheckedYet", launched],
    ["3.6 checks that pass", "Healthy", "True ChecksPassed", () => ready(launched(), 3, 0)],
    ["3.6 one that fails", "Healthy", "False CheckFailed", () => ready(launched(), 3, 1)],
    ["4.2 inside of the window", "WithinWindow", "True Open", () => new Life().running(window(-9, 9e9))],
    ["4.2 before it", "WithinWindow", "False Closed", () => new Life().running(window(8e9, 9e9))],
    ["4.2 after it", "WithinWindow", "False Ended", () => new Life().running(window(-9, -5))],
    ["4.2 below the budget", "WithinBudget", "True BelowThreshold", () => new Life().running()],
    ["5.2 at its threshold", "WithinBudget", "False BudgetThreshold", atThreshold],
    ["4.3 a kill handle", "KillSwitchArmed", "True HandleOnRecord", launched],
    ["4.4 accepted", "Accepted", "True MissionAccepted", () => new Life().running()],
    ["4.4 not yet", "Accepted", "Unknown NotAcceptedYet", () => ready(launched(), 3, 0).dispatched()],
    ["4.5 beats in time", "HeartbeatFresh", "True Fresh", () => health(new Life().running(), "healthy")],
    ["5.1 a missed beat", "HeartbeatFresh", "False Late", () => health(new Life().running(), "degraded")],
    ["5.1 lost", "HeartbeatFresh", "False Lost", () => health(new Life().running(), "lost")],
  ])("%s", (_line, type, expected, life) => {
    expect(shown(life(), type)).toBe(expected);
  });

  test("that is not met keeps an instance from being handed its mission", () => {
    for (const life of [ready(launched(), null, 0), ready(launched(), 3, 1)]) {
      expect(life.effects).toEqual(["stop"]);
      expect(life.dead().state).toMatchObject({ phase: "BackingOff", mission: { dispatchedAt: null } });
    }
  });
});

function atThreshold(): Life {
  return new Life()
    .running()
    .on({ type: "budget.crossed", meter: "runtime_minutes", level: "pause", used: 9, limit: 10 });
}

test("what a budget has passed is said in one order, whatever was passed first", () => {
  const { state } = new Life().running();
  const { mission } = state;
  if (mission === null) throw new Error("it has no mission");
  const said = (crossed: NonNullable<CloneState["mission"]>["crossed"]) =>
    conditionsOf({ ...state, mission: { ...mission, crossed } }, T0).find(
      ({ type }) => type === "WithinBudget",
    )?.message;
  const [one, other] = [
    said({ runtime_minutes: "notify", llm_calls: "warn" }),
    said({ llm_calls: "warn", runtime_minutes: "notify" }),
  ];
  expect(one).toBe("passed llm_calls: warn, runtime_minutes: notify");
  expect(other).toBe(one);
});

test("a condition that says the same stays the same object, and one that does not keeps when its status began", () => {
  const { state } = new Life().running();
  const later = conditionsOf({ ...state, phase: "Stopping" }, T0 + MINUTE_MS);
  expect(later.map(({ type }) => type)).toEqual(state.conditions.map(({ type }) => type));
  for (const [index, now] of later.entries()) {
    const before = state.conditions[index];
    const { status, reason, message } = before ?? now;
    const same = now.status === status && now.reason === reason && now.message === message;
    expect(now === before, now.type).toBe(same);
    expect(now.since, now.type).toBe(now.status === status ? before?.since : T0 + MINUTE_MS);
  }
  expect(later.some((now, index) => now === state.conditions[index])).toBe(true);
  expect(later.some((now, index) => now !== state.conditions[index])).toBe(true);
  const backwards = { ...state, conditions: [...state.conditions].reverse() };
  expect(conditionsOf(backwards, T0 + MINUTE_MS)).toEqual(state.conditions);
  const next = conditionsOf({ ...state, generation: state.generation + 1 }, T0);
  expect(new Set(next.map(({ observedGeneration }) => observedGeneration))).toEqual(
    new Set([state.generation + 1]),
  );
});
