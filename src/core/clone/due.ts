import { SUPERVISOR } from "../model/actor.ts";
import type { Calendar } from "../model/calendar.ts";
import type { ClonePhase, CloneState } from "../model/clone-state.ts";
import type { CloneEvent, DeadlineName } from "../model/event.ts";
import type { Signal } from "../model/instance.ts";
import { type Instant, iso } from "../model/time.ts";
import { dueBlockers } from "./conduct/blocked.ts";
import { dueProgress } from "./conduct/stuck.ts";
import { dueCallback } from "./health/callback.ts";
import { type Liveness, livenessOf, type Watch } from "./health/liveness.ts";
import { isOpen } from "./health/recovery-ladder.ts";
import { AMNESTY_MIN_MS, hasExpired, isStretched, pastOf } from "./limits.ts";
import { dueRequests } from "./questions/requests.ts";
import { dueBudget } from "./spending/budget.ts";
import { dueDay, type FleetDay } from "./spending/day-caps.ts";
import { dueRunaway } from "./spending/overspend.ts";
import { turnBoundary } from "./start/drift.ts";
import { type WindowState, windowAt } from "./start/window.ts";
import { duePause } from "./stop/pause.ts";

/**
 * What fell due for one clone: deadlines, silence, windows, budgets. Schedules
 * are a question — what has become true by now? — so a tick that comes late,
 * twice, or after a pause of hours misses nothing and repeats nothing.
 */
export function due(
  state: CloneState,
  signal: Signal | undefined,
  now: Instant,
  watch: Watch & { readonly day?: FleetDay | null; readonly calendar?: Calendar },
): readonly CloneEvent[] {
  const wordsMayWait = lastWordsMayWait(state, signal, now, watch);
  const seen = livenessOf(state, signal, now, watch);
  const found: readonly (readonly CloneEvent[])[] = [
    deadlines(state, now, watch),
    health(state, seen),
    recovery(state, { now, seen }, watch),
    dueCallback(state, signal, now, watch),
    dueWindow(state, { now, wordsMayWait }, watch.calendar),
    dueSpending(state, signal, { now, wordsMayWait, watchingSince: watch.watchingSince }),
    duePause(state, signal, now),
    watch.day === undefined ? NOTHING_DUE : dueDay(state, signal, { at: watch.day, now }),
    dueProgress(state, signal),
    turnBoundary(state, signal, now),
    dueBlockers(state, now),
    dueRequests(state, now),
  ];
  // Of nearly every clone at nearly every tick nothing has fallen due.
  return found.some(({ length }) => length > 0) ? found.flat() : NOTHING_DUE;
}

const NOTHING_DUE: readonly CloneEvent[] = [];

/** What an instance spends: for a heartbeat that tells of more, which must not wait for the next tick. */
export function dueOfUsage(
  state: CloneState,
  signal: Signal | undefined,
  now: Instant,
  watch: Watch,
): readonly CloneEvent[] {
  const wordsMayWait = lastWordsMayWait(state, signal, now, watch);
  return dueSpending(state, signal, { now, wordsMayWait, watchingSince: watch.watchingSince });
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
    const begun = pastOf(state.phaseSince, now, watch.watchingSince);
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
  if (state.holds.some((hold) => hasExpired(hold, now))) {
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
function recovery(
  state: CloneState,
  { now, seen }: { readonly now: Instant; readonly seen: Liveness | null },
  watch: Watch,
): CloneEvent[] {
  const { instance, recovery: open } = state;
  if (!isOpen(open) || open.until === null || instance === null || instance.stopping !== null) return [];
  const away = watch.lagMs + Math.max(0, watch.watchingSince - open.rungAt);
  if (now < open.until + away && !isStretched(open.until, now)) return [];
  const passed = { type: "deadline.passed", deadline: "recovery", epoch: instance.epoch } as const;
  const evidence = `${open.rung} did not bring it back`;
  return seen?.health === "degraded" && seen.cause !== open.cause
    ? [{ ...passed, evidence: `${evidence}: ${seen.evidence}`, cause: seen.cause }]
    : [{ ...passed, evidence }];
}

function dueWindow(
  state: CloneState,
  { now, wordsMayWait }: { readonly now: Instant; readonly wordsMayWait: boolean },
  calendar: Calendar | undefined,
): readonly CloneEvent[] {
  const { mission } = state;
  if (mission === null || mission.terminal !== null) return NOTHING_DUE;
  const held = state.holds.find((hold) => hold.kind === "window");
  const declared = mission.limits.autonomy_window;
  const seen = declared === null ? ALWAYS_OPEN : windowAt(declared, now, calendar);
  if (seen.open) return held === undefined ? NOTHING_DUE : [WINDOW_OPENS];
  if (seen.ended) {
    return wordsMayWait ? NOTHING_DUE : [{ type: "window.ended", evidence: "the autonomy window is over" }];
  }
  const { changesAt } = seen;
  if (held !== undefined && held.until === (changesAt ?? undefined)) return NOTHING_DUE;
  const message = `outside of the autonomy window; opens at ${changesAt === null ? "no time" : iso(changesAt)}`;
  return [
    {
      type: "hold.placed",
      by: SUPERVISOR,
      hold: {
        kind: "window",
        owner: "supervisor",
        since: now,
        reason: "OutsideWindow",
        message,
        clearBy: "repository",
        ...(changesAt === null ? {} : { until: changesAt }),
      },
    },
  ];
}

const ALWAYS_OPEN: WindowState = { open: true, changesAt: null, ended: false };
const WINDOW_OPENS: CloneEvent = {
  type: "hold.released",
  kind: "window",
  owner: "*",
  by: SUPERVISOR,
  reason: "the window is open",
};

/** Budgets and runaways read the same meters; a sample is recorded once. */
function dueSpending(
  state: CloneState,
  signal: Signal | undefined,
  at: { readonly now: Instant; readonly wordsMayWait: boolean; readonly watchingSince: Instant },
): readonly CloneEvent[] {
  const budget = dueBudget(state, signal, at);
  const runaway = dueRunaway(state, signal, at);
  if (runaway.length === 0) return budget;
  const sampled = budget.some(({ type }) => type === "instance.used");
  return [...budget, ...runaway.filter(({ type }) => !sampled || type !== "instance.used")];
}
