/**
 * The shim's own eye on the limits of its mission: they hold also while no controller listens, and while it is slow.
 * The rule is the controller's (`core/model/budget-rule.ts`); what is done is told by an event in the outbox, so that
 * the controller records it when it comes back.
 *
 *   below ──► told (notify, warn) ──► paused ──► ended
 *                  ▲                     │
 *                  └── a higher limit ◄──┘
 *
 * A pause of ours ends by a higher limit alone: neither by `resume` nor by a controller that comes back.
 */
import {
  type Crossing,
  consequenceOf,
  crossingsOf,
  type HeldLimits,
  LIMIT_OF,
  levelOf,
  type Meters,
  metersOfSpending,
  percentOf,
  raisedMeters,
} from "../../core/model/budget-rule.ts";
import { type BudgetLevel, METERS, type MeterName } from "../../core/model/event.ts";
import type { ReportCadence } from "../../core/model/mission.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import { writeHeldLimits } from "../../instance/held-limits.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { Graces } from "../agents/ending.ts";
import type { Reporter } from "../callback/reporter.ts";
import type { Clocks } from "./clocks.ts";
import { BY_LIMIT } from "./graces.ts";
import type { Life } from "./life.ts";
import type { Pauses } from "./pauses.ts";

export interface LimitWatch {
  /** From now on. What is not whole, or another mission's, changes nothing; false then. */
  hold(limits: HeldLimits | null): boolean;
  /** Something may have been used: an agent said so, or began to run. */
  look(): void;
  /** Why its mission has no room for another call of a model, with so many under way; null: it has. */
  fullFor(underWay: number): string | null;
  /** As it is in force now; null where nobody has told. */
  reportCadence(): ReportCadence | null;
  stop(): void;
}

/** Time that is used up while nobody says anything is noticed this soon. */
const LOOK_MS_MAX = 1_000;
/** A look that came a little too early is repeated after this. */
const LOOK_MS_MIN = 20;

export interface LimitWatchParts {
  readonly life: Life;
  readonly clocks: Clocks;
  readonly pauses: Pauses;
  readonly reporter: Reporter;
  readonly transcript: Transcript;
  readonly end: (reason: string, graces: Graces) => void;
  /** It stands still, and whoever listens should hear of that. */
  readonly onPaused: () => void;
  /** Runs it once that time is over, unless it is taken back. Default: the clock of this process. */
  readonly after?: (ms: number, work: () => void) => () => void;
}

export function createLimitWatch(parts: LimitWatchParts): LimitWatch {
  const { life, clocks, pauses, after = afterTime } = parts;
  let limits: HeldLimits | null = null;
  /** The highest level of each meter that was told. */
  let known: { readonly [Meter in MeterName]?: BudgetLevel | undefined } = {};
  let takeBack: (() => void) | null = null;
  let over = false;

  /** Whether there is a mission under way that these limits are of. */
  function isHeld(held: HeldLimits | null): held is HeldLimits {
    const { run, envelope, phase } = life;
    if (held === null || over || life.over || run === null || run.terminal()) return false;
    return phase !== "stopping" && phase !== "exited" && envelope?.mission_id === held.missionId;
  }

  /** Measures, takes the steepest step that the meters ask for, and then tells of each level that is new: what was done is part of it. */
  function measure(held: HeldLimits): void {
    const meters = usedUnder(held, clocks);
    const crossings = crossingsOf(meters, held, known);
    for (const { meter, level } of crossings) known = { ...known, [meter]: level };
    const due = METERS.map((meter) =>
      consequenceOf(levelOf(meters[meter], held.budget[LIMIT_OF[meter]], held.thresholds)),
    );
    const pausedMs = pauses.frozenMs();
    const still = due.includes("ended") || pauses.byLimit(due.includes("paused"), held.pauseGraceMs);
    for (const crossing of crossings) tell(crossing, { held, parts, pausedMs, still });
    const why = crossings.find(({ level }) => level === "stop");
    if (why !== undefined) parts.end(`it has used all of a limit: ${factsOf(why)}`, BY_LIMIT);
    else if (still && crossings.some(({ level }) => level === "pause")) parts.onPaused();
  }

  /** Looks, and plans the next look. */
  function look(): void {
    if (isHeld(limits)) measure(limits);
    takeBack?.();
    // Without an agent nothing is used; its start looks again.
    takeBack = over || life.agent === null ? null : after(waitMs(), look);
  }

  function waitMs(): number {
    const nextMs = isHeld(limits) ? nextLevelMs(limits, clocks) : LOOK_MS_MAX;
    return Math.max(LOOK_MS_MIN, Math.min(LOOK_MS_MAX, nextMs));
  }

  /** In the place of those before. Measured anew under a higher limit, as the controller does. */
  function replace(next: HeldLimits): void {
    for (const meter of limits === null ? [] : raisedMeters(limits.budget, next.budget))
      known = { ...known, [meter]: undefined };
    limits = next;
  }

  return {
    hold(next) {
      if (next === null || (life.envelope !== null && life.envelope.mission_id !== next.missionId))
        return false;
      if (limits !== null && JSON.stringify(next) === JSON.stringify(limits)) return true;
      writeDown(next, parts);
      replace(next);
      look();
      return true;
    },
    look,
    fullFor(underWay) {
      if (limits === null) return null;
      const { max_llm_calls: calls, max_cost_usd: cost } = limits.budget;
      const used = usedUnder(limits, clocks);
      if (calls != null && used.llm_calls + underWay >= calls)
        return `its mission may make ${calls} model calls`;
      return cost != null && used.cost_usd >= cost ? `its mission may cost ${cost} USD` : null;
    },
    reportCadence: () => limits?.reportCadence ?? null,
    stop() {
      over = true;
      takeBack?.();
    },
  };
}

/** What the mission has used: before this instance, and by it. */
function usedUnder({ before }: HeldLimits, clocks: Clocks): Meters {
  const { llm_calls, estimated_cost_usd } = clocks.heartbeatPart().usage;
  return metersOfSpending(before, {
    activeMs: clocks.activeMs(),
    llmCalls: llm_calls ?? 0,
    costMicros: Math.round((estimated_cost_usd ?? 0) * 1_000_000),
  });
}

/** Until the next level of the runtime, if it runs on. */
function nextLevelMs({ budget, before, thresholds }: HeldLimits, clocks: Clocks): number {
  const limitMs = budget.max_runtime_minutes * MINUTE_MS;
  const usedMs = before.activeMs + clocks.activeMs();
  const levels = (["notify", "warn", "pause", "stop"] as const).map(
    (level) => (limitMs * percentOf(level, thresholds)) / 100 - usedMs,
  );
  return Math.min(LOOK_MS_MAX, ...levels.filter((ms) => ms > 0));
}

/** They hold also where the disk refuses: what it forgets is told again by the next controller. */
function writeDown(limits: HeldLimits, { life, transcript }: LimitWatchParts): void {
  try {
    writeHeldLimits(life.instanceDirectory, limits);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    transcript.note(`the limits could not be written down: ${why}`);
  }
}

function tell(
  crossing: Crossing,
  of: {
    readonly held: HeldLimits;
    readonly parts: LimitWatchParts;
    readonly pausedMs: number;
    readonly still: boolean;
  },
): void {
  const { held, parts, pausedMs, still } = of;
  const due = consequenceOf(crossing.level);
  const did = due === "paused" && !still ? "restless" : due;
  parts.transcript.note(`${factsOf(crossing)}: ${did}`);
  parts.reporter.report({
    type: "mission.limit_reached",
    status: "running",
    summary: `${factsOf(crossing)}; ${SAID[did]}`,
    detail: { ...crossing, percent: percentOf(crossing.level, held.thresholds), did, paused_ms: pausedMs },
  });
}

function afterTime(ms: number, work: () => void): () => void {
  const timer = setTimeout(work, ms);
  return () => clearTimeout(timer);
}

const SAID = {
  none: "nothing follows",
  told: "it goes on",
  paused: "its shim has paused it",
  restless: "its shim could not make it stand still, and ends it",
  ended: "its shim ends it",
} as const;

function factsOf({ meter, used, limit }: Crossing): string {
  return `${meter} is at ${used} of ${limit}`;
}
