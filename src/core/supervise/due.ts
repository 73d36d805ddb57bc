import type { BudgetLevel, CloneEvent, DeadlineName, MeterName } from "../model/event.ts";
import { BUDGET_LEVELS } from "../model/event.ts";
import type { Signal } from "../model/instance.ts";
import { type Instant, iso, MINUTE_MS } from "../model/time.ts";
import { activeMsOf } from "./active.ts";
import { dueBlockers } from "./blocked.ts";
import { dueCallback } from "./callback.ts";
import { AMNESTY_MIN_MS, isOver, isStretched } from "./limits.ts";
import { type Liveness, livenessOf, type Watch } from "./liveness.ts";
import { isOpen } from "./recover.ts";
import { totalUsage } from "./report.ts";
import { dueRequests } from "./requests.ts";
import type { ClonePhase, CloneState } from "./state.ts";
import { dueProgress } from "./stuck.ts";
import { turnBoundary } from "./update.ts";
import { windowAt } from "./window.ts";

/**
 * What fell due for one clone: deadlines, silence, windows, budgets. Schedules
 * are a question — what has become true by now? — so a tick that comes late,
 * twice, or after a pause of hours misses nothing and repeats nothing.
 */
export function due(
  state: CloneState,
  signal: Signal | undefined,
  now: Instant,
  watch: Watch,
): readonly CloneEvent[] {
  const wordsMayWait = lastWordsMayWait(state, signal, now, watch);
  return [
    ...deadlines(state, now, watch),
    ...health(state, livenessOf(state, signal, now, watch)),
    ...recovery(state, now, watch),
    ...dueCallback(state, signal, now, watch),
    ...window(state, now).filter((event) => event.type !== "window.ended" || !wordsMayWait),
    ...budget(state, signal, now, wordsMayWait),
    ...dueProgress(state, signal),
    ...turnBoundary(state, signal, now),
    ...dueBlockers(state, now),
    ...dueRequests(state, now),
  ];
}

/**
 * Whether an instance may have ended, well and in time, while nobody listened: its last
 * words are on their way, and time that ran out meanwhile must not be quicker than they are. For as
 * long as the amnesty lasts, and only until the instance is heard to run on with nothing left to tell.
 */
function lastWordsMayWait(
  state: CloneState,
  signal: Signal | undefined,
  now: Instant,
  watch: Watch,
): boolean {
  const { instance } = state;
  if (instance === null || now >= watch.watchingSince + AMNESTY_MIN_MS) return false;
  if (instance.plannedAt >= watch.watchingSince) return false;
  if (signal === undefined || signal.heartbeat.epoch !== instance.epoch) return true;
  const { lastEventSeq, phase } = signal.heartbeat;
  return signal.receivedAt < watch.watchingSince || lastEventSeq > instance.lastSeq || phase === "exited";
}

/** Thresholds as parts of a limit (design section 7). */
export const BUDGET_THRESHOLDS: Readonly<Record<BudgetLevel, number>> = {
  notify: 0.5,
  warn: 0.8,
  pause: 0.9,
  stop: 1,
};

const DEADLINE_OF: Partial<Record<ClonePhase, { name: DeadlineName; text: string; lagCounts: boolean }>> = {
  Starting: { name: "start", text: "the instance did not become ready in time", lagCounts: true },
  Dispatching: { name: "accept", text: "the mission was not accepted in time", lagCounts: true },
  BackingOff: { name: "backoff", text: "the backoff is over", lagCounts: false },
  Stopping: { name: "stop", text: "the last stop gave no proof", lagCounts: false },
  Judging: { name: "judge", text: "judging is tried again", lagCounts: false },
};

function deadlines(state: CloneState, now: Instant, watch: Watch): CloneEvent[] {
  const events: CloneEvent[] = [];
  const epoch = state.instance?.epoch ?? state.epoch;
  const expected = DEADLINE_OF[state.phase];
  if (state.deadlineAt !== null && expected !== undefined) {
    // A deadline that someone else has to meet waits for us when we were away or slow.
    // A phase that lies ahead of us began before the clock was put back: at the latest when we noticed that.
    const begun = state.phaseSince > now ? watch.watchingSince : state.phaseSince;
    const away = expected.lagCounts ? watch.lagMs + Math.max(0, watch.watchingSince - begun) : 0;
    const deadlineAt = expected.lagCounts ? begun + (state.deadlineAt - state.phaseSince) : state.deadlineAt;
    const stretched =
      !expected.lagCounts && isStretched(state.deadlineAt, now, state.spec?.restart.backoffMaxMs);
    if (now >= deadlineAt + away || stretched) {
      events.push({
        type: "deadline.passed",
        deadline: expected.name,
        epoch,
        evidence: `${expected.text} (${iso(state.deadlineAt)})`,
      });
    }
  }
  if (
    state.holds.some(
      (hold) => hold.clearBy === "supervisor" && hold.until !== undefined && isOver(hold.until, now),
    )
  ) {
    events.push({ type: "deadline.passed", deadline: "hold", epoch, evidence: "a hold is looked at again" });
  }
  return events;
}

function health(state: CloneState, seen: Liveness | null): CloneEvent[] {
  const { instance } = state;
  if (instance === null || seen === null || seen.health === instance.health || seen.health === "starting")
    return [];
  const { health: now, evidence, cause, sinceMs } = seen;
  const wrong = now === "degraded" || now === "lost" ? { cause, sinceMs: Math.round(sinceMs) } : {};
  return [{ type: "health.changed", epoch: instance.epoch, health: now, evidence, ...wrong }];
}

/** A rung that had its time. What should have shown while we were away gets its time again. */
function recovery(state: CloneState, now: Instant, watch: Watch): CloneEvent[] {
  const { instance, recovery: open } = state;
  if (!isOpen(open) || open.until === null || instance === null || instance.stopping !== null) return [];
  const away = watch.lagMs + Math.max(0, watch.watchingSince - open.rungAt);
  if (now < open.until + away && !isStretched(open.until, now)) return [];
  const evidence = `${open.rung} did not bring it back`;
  return [{ type: "deadline.passed", deadline: "recovery", epoch: instance.epoch, evidence }];
}

function window(state: CloneState, now: Instant): CloneEvent[] {
  const { mission } = state;
  if (mission === null || mission.terminal !== null) return [];
  const held = state.holds.some((hold) => hold.kind === "window");
  const declared = mission.limits.autonomy_window;
  const seen = declared === null ? { open: true, changesAt: null, ended: false } : windowAt(declared, now);
  if (seen.open) {
    return held
      ? [
          {
            type: "hold.released",
            kind: "window",
            owner: "*",
            by: "supervisor",
            reason: "the window is open",
          },
        ]
      : [];
  }
  if (seen.ended) return [{ type: "window.ended", evidence: "the autonomy window is over" }];
  if (held) return [];
  const message = `outside of the autonomy window; opens at ${seen.changesAt === null ? "no time" : iso(seen.changesAt)}`;
  return [
    {
      type: "hold.placed",
      by: "supervisor",
      hold: {
        kind: "window",
        owner: "supervisor",
        since: now,
        reason: "OutsideWindow",
        message,
        clearBy: "repository",
      },
    },
  ];
}

function budget(
  state: CloneState,
  signal: Signal | undefined,
  now: Instant,
  wordsMayWait: boolean,
): CloneEvent[] {
  const { mission, instance } = state;
  if (mission === null || mission.terminal !== null) return [];
  const { budget: limits } = mission.limits;
  const fresh =
    instance !== null && signal !== undefined && signal.heartbeat.epoch === instance.epoch
      ? {
          ...instance,
          llmCalls: higher(instance.llmCalls, signal.heartbeat.usage.llmCalls),
          costMicros: higher(instance.costMicros, signal.heartbeat.usage.costMicros),
        }
      : instance;
  const used = totalUsage(mission, fresh);
  const activeMs = activeMsOf(state, signal, now);
  return [
    ...(wordsMayWait
      ? []
      : crossing(state, "runtime_minutes", activeMs / MINUTE_MS, limits.max_runtime_minutes)),
    ...crossing(state, "llm_calls", used.llmCalls, limits.max_llm_calls),
    ...crossing(
      state,
      "cost_usd",
      used.costMicros === null ? null : used.costMicros / 1_000_000,
      limits.max_cost_usd,
    ),
  ];
}

function crossing(
  state: CloneState,
  meter: MeterName,
  used: number | null,
  limit: number | null,
): CloneEvent[] {
  if (used === null || limit === null) return [];
  const reached = BUDGET_LEVELS.filter((level) => used >= BUDGET_THRESHOLDS[level] * limit).at(-1);
  const before = state.mission?.crossed[meter];
  if (reached === undefined) return [];
  if (before !== undefined && BUDGET_LEVELS.indexOf(reached) <= BUDGET_LEVELS.indexOf(before)) return [];
  return [{ type: "budget.crossed", meter, level: reached, used: Math.round(used * 1000) / 1000, limit }];
}

function higher(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
