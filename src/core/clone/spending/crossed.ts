/**
 * A meter that reached a level of its limit: noticed here, or by the shim while nobody listened. Both come to the
 * same place, so what follows is decided once.
 */

import { SUPERVISOR } from "../../model/actor.ts";
import { type Crossing, isAbove, LIMIT_OF, levelOf, percentOf } from "../../model/budget-rule.ts";
import type { CloneState, MissionState } from "../../model/clone-state.ts";
import {
  BUDGET_LEVELS,
  type BudgetLevel,
  type CloneEvent,
  METERS,
  type MeterName,
} from "../../model/event.ts";
import type { Report } from "../../model/report.ts";
import type { Instant } from "../../model/time.ts";
import { SETTLE_MS } from "../limits.ts";
import { withRequest } from "../questions/requests.ts";
import { beginStop, type Step, stay, withHold, withIncident, withInstance, withMission } from "../step.ts";
import { endMission } from "../stop/end-mission.ts";
import { onPauseFailed } from "../stop/pause.ts";
import { meterLines } from "./budget.ts";
import { RISES_MAX } from "./overspend.ts";
import { limitsInForce } from "./raise.ts";
import { runAway } from "./runaway.ts";

export function onBudget(
  state: CloneState,
  event: Extract<CloneEvent, { type: "budget.crossed" }>,
  at: Instant,
): Step {
  const { instance } = state;
  const whilePaused = instance?.settled != null && instance.settled.rises > RISES_MAX;
  return cross(state, event, { whilePaused, at });
}

/**
 * Its shim has seen it and done what the rule says. Told once: what is known already changes nothing. A shim that
 * does not know the limits which are in force now is told them, and lets its agent go by itself.
 */
export function onLimitReported(state: CloneState, report: Report, at: Instant): Step {
  const { mission } = state;
  if (mission === null || mission.terminal !== null) return stay(state, "there is no mission");
  const said = saidIn(report);
  if (said === null) return stay(state, "it does not say which limit was reached");
  const crossing = asInForce(mission, said);
  if (crossing === null) return stay(withInstance(state, { limitsTold: null }), "that limit was raised");
  const isNew = isAbove(crossing.level, mission.crossed[crossing.meter]);
  const step = isNew
    ? cross(state, crossing, { whilePaused: said.pausedMs >= SETTLE_MS, at })
    : stay(state, "it is known already");
  if (report.detail["did"] !== "restless" || state.instance === null || state.instance.stopping !== null)
    return step;
  // Its shim ends it. Told as a pause of ours that failed would be.
  const failed = onPauseFailed(
    step.state,
    { type: "pause.failed", epoch: state.instance.epoch, message: report.summary },
    at,
  );
  return { ...failed, effects: [...step.effects, ...failed.effects] };
}

interface Said extends Crossing {
  readonly percent: number;
  readonly pausedMs: number;
}

function saidIn({ detail }: Report): Said | null {
  const { meter, level, used, limit, percent, paused_ms: pausedMs } = detail;
  const known =
    METERS.includes(meter as MeterName) &&
    BUDGET_LEVELS.includes(level as BudgetLevel) &&
    [used, limit, percent].every((number) => typeof number === "number" && Number.isFinite(number));
  if (!known) return null;
  return {
    meter: meter as MeterName,
    level: level as BudgetLevel,
    used: used as number,
    limit: limit as number,
    percent: percent as number,
    pausedMs: typeof pausedMs === "number" ? pausedMs : 0,
  };
}

/** The shim's word where it knew the numbers of now; otherwise what its meter means under those. */
function asInForce(mission: MissionState, said: Said): Crossing | null {
  const { budget, budget_thresholds: thresholds } = limitsInForce(mission);
  const limit = budget[LIMIT_OF[said.meter]];
  const { meter, level, used, percent } = said;
  if (limit === null) return null;
  if (limit === said.limit && percentOf(level, thresholds) === percent) return { meter, level, used, limit };
  const now = levelOf(used, limit, thresholds);
  return now === null ? null : { meter, level: now, used, limit };
}

/**
 * Thresholds are noted. At `pause` the mission is held until a person changes the number or stops it. At all of
 * its limit the agent is ended: calls and money are asked about and may be raised, after which another instance goes
 * on; time is over when it is over. Whoever reached it while it stood still was not held by that, and is a runaway.
 */
function cross(
  state: CloneState,
  { meter, level, used, limit }: Crossing,
  { whilePaused, at }: { readonly whilePaused: boolean; readonly at: Instant },
): Step {
  const { mission } = state;
  if (mission === null || mission.terminal !== null) return stay(state, "there is no mission");
  const crossed = withMission(state, { crossed: { ...mission.crossed, [meter]: level } });
  const facts = `${meter} is at ${used} of ${limit}`;
  if (level === "notify" || level === "warn") return stay(crossed);
  if (level === "pause") return stay(askAboutBudget(crossed, facts, at));
  if (whilePaused && meter !== "runtime_minutes")
    return runAway(crossed, at, { message: `spends on while paused: ${facts}` });
  const told = withIncident(crossed, {
    class: "overspent",
    at,
    message: facts,
    over: state.instance === null,
  });
  if (meter === "runtime_minutes") {
    const reason = `budget exhausted: ${facts}`;
    return endMission(told, at, { status: "timed_out", by: SUPERVISOR, reason, enter: "term" });
  }
  const asked = askAboutBudget(told, facts, at);
  if (state.instance === null) return stay(asked);
  const message = `ended at its limit: ${facts}`;
  return beginStop(asked, at, { reason: { type: "spent", message }, enter: "term", text: message });
}

/** One hold and one question, whatever number of meters is concerned. */
function askAboutBudget(state: CloneState, facts: string, at: Instant): CloneState {
  const held = withHold(state, {
    kind: "budget",
    owner: "supervisor",
    since: at,
    reason: "BudgetThreshold",
    message: `${facts}; goes on when the limit is raised, by decision or in the file`,
    evidence: meterLines(state, at).join("; "),
    clearBy: "decision",
  });
  return withRequest(
    held,
    {
      kind: "budget",
      severity: "medium",
      summary: `${facts}; raise it or stop`,
      evidence: meterLines(state, at),
      answers: ["raise", "stop"],
      hold: { kind: "budget", owner: "supervisor" },
    },
    at,
  );
}
