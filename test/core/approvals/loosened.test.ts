import { expect, test } from "vitest";
import { loosened, tightestOf } from "../../../src/core/approvals/loosened.ts";
import type { MissionLimits } from "../../../src/core/model/mission.ts";
import { aMission } from "../../support/fleet.ts";

const LIMITS: MissionLimits = {
  ...aMission("audit", "clone").limits,
  budget: { max_runtime_minutes: 10, max_llm_calls: 100, max_cost_usd: null },
  budget_thresholds: { notify_percent: 50, warn_percent: 80, pause_percent: 90 },
  autonomy_window: { type: "fixed", startAt: 1_000, endAt: 2_000 },
  mission_progress_interval_seconds: 600,
  pause_grace_seconds: 30,
};
const budget = (change: Partial<MissionLimits["budget"]>) => ({ budget: { ...LIMITS.budget, ...change } });
const recurring = { type: "recurring", cron: "0 1 * * *", durationMinutes: 60, timezone: "UTC" } as const;

test.each<readonly [string, Partial<MissionLimits>, readonly string[]]>([
  ["nothing", {}, []],
  ["more minutes", budget({ max_runtime_minutes: 11 }), ["budget"]],
  ["fewer minutes", budget({ max_runtime_minutes: 9 }), []],
  ["no limit on calls", budget({ max_llm_calls: null }), ["budget"]],
  ["a first limit on cost", budget({ max_cost_usd: 5 }), []],
  ["fewer minutes and more calls", budget({ max_runtime_minutes: 9, max_llm_calls: 101 }), ["budget"]],
  ["a pause", { state: "paused" }, []],
  ["the kill switch", { kill_switch: { engaged: true } }, []],
  ["no window", { autonomy_window: null }, ["autonomy_window"]],
  ["a shorter window", { autonomy_window: { type: "fixed", startAt: 1_100, endAt: 1_900 } }, []],
  [
    "an earlier window",
    { autonomy_window: { type: "fixed", startAt: 900, endAt: 1_900 } },
    ["autonomy_window"],
  ],
  [
    "a window without end",
    { autonomy_window: { type: "fixed", startAt: 1_000, endAt: null } },
    ["autonomy_window"],
  ],
  ["a window of another kind", { autonomy_window: recurring }, ["autonomy_window"]],
  ["slower heartbeats", { heartbeat_interval_seconds: 11 }, ["heartbeat_interval_seconds"]],
  ["faster heartbeats", { heartbeat_interval_seconds: 9 }, []],
  ["another cadence of reports", { report_cadence: "interval" }, []],
  [
    "nobody who watches progress",
    { mission_progress_interval_seconds: null },
    ["mission_progress_interval_seconds"],
  ],
  ["a longer grace", { pause_grace_seconds: 31 }, ["pause_grace_seconds"]],
  ["a later question", { blocked: { ...LIMITS.blocked, escalate_after: 9 } }, ["blocked"]],
  [
    "a later pause",
    { budget_thresholds: { notify_percent: 50, warn_percent: 80, pause_percent: 95 } },
    ["budget_thresholds"],
  ],
])("%s", (_, change, looser) => {
  expect(loosened(LIMITS, { ...LIMITS, ...change })).toEqual(looser);
});

test("going on after a pause and a released kill switch are looser", () => {
  const paused: MissionLimits = { ...LIMITS, state: "paused", kill_switch: { engaged: true } };
  expect(loosened(paused, LIMITS)).toEqual(["state", "kill_switch"]);
});

test("what is tighter is applied beside what is looser, number by number", () => {
  const { pause_grace_seconds: _, ...without } = LIMITS;
  const wanted: MissionLimits = {
    ...without,
    state: "paused",
    heartbeat_interval_seconds: 60,
    budget: { max_runtime_minutes: 5, max_llm_calls: 500, max_cost_usd: 3 },
  };
  expect(tightestOf(LIMITS, wanted)).toEqual({
    ...LIMITS,
    state: "paused",
    budget: { max_runtime_minutes: 5, max_llm_calls: 100, max_cost_usd: 3 },
  });
  expect(loosened(LIMITS, tightestOf(LIMITS, wanted))).toEqual([]);
});
