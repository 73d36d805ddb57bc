/** Spending that a pause does not end. */

import { partOf, rounded } from "../../model/budget-rule.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { CloneEvent, MeterName } from "../../model/event.ts";
import type { Signal } from "../../model/instance.ts";
import { type Instant, iso, SECOND_MS } from "../../model/time.ts";
import { pastOf, SETTLE_MS } from "../limits.ts";
import { type Step, stay, withInstance } from "../step.ts";
import { floorOf, isMore, type Used, usedByInstance } from "./budget.ts";
import { limitsInForce } from "./raise.ts";
import { runAway } from "./runaway.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** A shim that was passed over does not know of the pause, and says `running`: its heartbeats count when none from before can still be on its way. */
export const UNKNOWING_MS = 5 * SECOND_MS;
/** A pause that nobody has confirmed by then is not going to be: the driver tries for 10 s, then signals itself. */
export const UNCONFIRMED_MS = 30 * SECOND_MS;
/** One rise may be a line that had waited longer than we think; the second one was written by somebody who works. */
export const RISES_MAX = 1;

/** Meters that an agent moves by itself. Time passes for those who wait, too. */
const SPENT = ["llm_calls", "cost_usd"] as const satisfies readonly MeterName[];

/**
 * A paused agent spends nothing. The first heartbeat after the pause has settled is what
 * it had used; when that rises twice, somebody spends who was not paused. A pause that was never
 * confirmed counts from when it should have been, and only beyond the hard stop: then nothing else is left to keep the limit.
 * Neither a clock that was set nor an absence of ours makes a pause older than it is: since then it counts from our first look.
 */
export function dueRunaway(
  state: CloneState,
  signal: Signal | undefined,
  { now, watchingSince }: { readonly now: Instant; readonly watchingSince: Instant },
): CloneEvent[] {
  const { instance, mission } = state;
  if (instance === null || mission === null || mission.terminal !== null) return [];
  if (state.phase !== "Running" || instance.stopping !== null || instance.pauseAskedAt === null) return [];
  // Within a grace it may spend; what it has used is taken down when it is over.
  if (instance.grace !== null) return [];
  const confirmed = instance.pausedAt !== null;
  const begun = instance.pausedAt ?? instance.pauseAskedAt;
  const from = Math.max(pastOf(begun, now, watchingSince), watchingSince);
  if (signal?.heartbeat.epoch !== instance.epoch) return [];
  const knows = signal.heartbeat.phase === "paused";
  const settleMs = !confirmed ? UNCONFIRMED_MS : knows ? SETTLE_MS : UNKNOWING_MS;
  if (signal.receivedAt < from + settleMs) return [];
  const used = usedByInstance(instance, signal);
  const { epoch } = instance;
  if (instance.settled === null) return [{ type: "instance.settled", epoch, ...used }];
  if (!isMore(used, instance.settled)) return [];
  const news = isMore(used, instance);
  const sample: CloneEvent[] = news ? [{ type: "instance.used", epoch, ...used }] : [];
  const floor = floorOf(state, mission, { used, activeMs: mission.activeMs });
  const { budget } = limitsInForce(mission);
  const beyond = SPENT.find((meter) => {
    const limit = budget[`max_${meter}`];
    return limit !== null && partOf(floor[meter], limit) >= 1;
  });
  const again = instance.settled.rises + (news ? 1 : 0) > RISES_MAX;
  if (!again || (!confirmed && beyond === undefined)) return sample;
  const meter = beyond ?? risen(used, instance.settled);
  return [
    ...sample,
    {
      type: "runaway.detected",
      epoch,
      meter,
      used: rounded(floor[meter]),
      limit: budget[`max_${meter}`],
      evidence: evidenceOf({ confirmed, from: begun, before: instance.settled, used }),
    },
  ];
}

/** What it had used when the pause had settled. */
export function onSettled(state: CloneState, event: Of<"instance.settled">): Step {
  const { instance } = state;
  if (instance?.epoch !== event.epoch || instance.pauseAskedAt === null)
    return stay(state, "it is not paused");
  const { llmCalls, costMicros } = event;
  return stay(withInstance(state, { llmCalls, costMicros, settled: { llmCalls, costMicros, rises: 0 } }));
}

/** The one thing that is ended for spending. It had its pause and its question. */
export function onRunaway(state: CloneState, event: Of<"runaway.detected">, at: Instant): Step {
  const { instance, mission } = state;
  if (instance?.epoch !== event.epoch) return stay(state, `epoch ${event.epoch} is over`);
  if (mission === null || mission.terminal !== null) return stay(state, "there is no mission");
  const of = event.limit === null ? "without a limit" : `of ${event.limit}`;
  const message = `spends on while paused: ${event.meter} is at ${event.used} ${of}`;
  return runAway(state, at, {
    message,
    startedAt: instance.pausedAt ?? instance.pauseAskedAt ?? at,
    evidence: event.evidence,
  });
}

function risen(used: Used, before: Used): (typeof SPENT)[number] {
  return (used.costMicros ?? 0) > (before.costMicros ?? 0) ? "cost_usd" : "llm_calls";
}

function evidenceOf({
  confirmed,
  from,
  before,
  used,
}: {
  confirmed: boolean;
  from: Instant;
  before: Used;
  used: Used;
}): string {
  const since = confirmed
    ? `the pause was confirmed at ${iso(from)}`
    : `a pause was asked for at ${iso(from)} and never confirmed`;
  const usd = (micros: number | null): string =>
    micros === null ? "unknown" : String(rounded(micros / 1_000_000));
  return `${since}; then cost_usd went from ${usd(before.costMicros)} to ${usd(used.costMicros)}, llm_calls from ${before.llmCalls ?? "unknown"} to ${used.llmCalls ?? "unknown"}`;
}
