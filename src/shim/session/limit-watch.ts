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
  /** As it is in force now; null where nobody has told. */
  reportCadence(): ReportCadence | null;
  stop(): void;
}

/** Time that is used up while nobody says anything is noticed this soon. */
const LOOK_MS_MAX = 1_000;
/** A look that came a little too early is repeated after this. */
const LOOK_MS_MIN = 20;

export function createLimitWatch(parts: {
  readonly life: Life;
  readonly clocks: Clocks;
  readonly pauses: Pauses;
  readonly reporter: Reporter;
  readonly transcript: Transcript;
  readonly end: (reason: string, graces: Graces) => void;
  /** It stands still, and whoever listens should hear of that. */
  readonly onPaused: () => void;
}): LimitWatch {
  const { life, clocks, pauses } = parts;
  let limits: HeldLimits | null = null;
  let known: { readonly [Meter in MeterName]?: BudgetLevel | undefined } = {};
  let timer: NodeJS.Timeout | null = null;
  let over = false;

  function used({ before }: HeldLimits): Meters {
    const { llm_calls, estimated_cost_usd } = clocks.heartbeatPart().usage;
    return metersOfSpending(before, {
      activeMs: clocks.activeMs(),
      llmCalls: llm_calls ?? 0,
      costMicros: Math.round((estimated_cost_usd ?? 0) * 1_000_000),
    });
  }

  function isHeld(held: HeldLimits | null): held is HeldLimits {
    const { run, envelope, phase } = life;
    if (held === null || over || life.over || run === null || run.terminal()) return false;
    return phase !== "stopping" && phase !== "exited" && envelope?.mission_id === held.missionId;
  }

  function look(): void {
    if (!isHeld(limits)) return;
    const held = limits;
    const meters = used(held);
    const crossings = crossingsOf(meters, held, known);
    for (const { meter, level } of crossings) known = { ...known, [meter]: level };
    const standing = METERS.map((meter) =>
      consequenceOf(levelOf(meters[meter], held.budget[LIMIT_OF[meter]], held.thresholds)),
    );
    const ended = standing.includes("ended");
    const pausedMs = pauses.frozenMs();
    const still = ended || pauses.byLimit(standing.includes("paused"), held.pauseGraceMs);
    for (const crossing of crossings) tell(crossing, held, { pausedMs, still });
    const why = crossings.find(({ level }) => level === "stop");
    if (why !== undefined) parts.end(`it has used all of a limit: ${factsOf(why)}`, BY_LIMIT);
    else if (still && crossings.some(({ level }) => level === "pause")) parts.onPaused();
  }

  function tell(
    crossing: Crossing,
    { thresholds }: HeldLimits,
    { pausedMs, still }: { readonly pausedMs: number; readonly still: boolean },
  ): void {
    const due = consequenceOf(crossing.level);
    const did = due === "paused" && !still ? "restless" : due;
    parts.transcript.note(`${factsOf(crossing)}: ${did}`);
    parts.reporter.report({
      type: "mission.limit_reached",
      status: "running",
      summary: `${factsOf(crossing)}; ${SAID[did]}`,
      detail: { ...crossing, percent: percentOf(crossing.level, thresholds), did, paused_ms: pausedMs },
    });
  }

  function plan(): void {
    if (timer !== null) clearTimeout(timer);
    // Without an agent nothing is used; its start looks again.
    timer =
      over || life.agent === null
        ? null
        : setTimeout(again, Math.max(LOOK_MS_MIN, Math.min(LOOK_MS_MAX, nextMs())));
  }

  function again(): void {
    look();
    plan();
  }

  /** Until the next level of the runtime, if it runs on. */
  function nextMs(): number {
    if (!isHeld(limits)) return LOOK_MS_MAX;
    const limitMs = limits.budget.max_runtime_minutes * MINUTE_MS;
    const usedMs = limits.before.activeMs + clocks.activeMs();
    const { thresholds } = limits;
    const levels = (["notify", "warn", "pause", "stop"] as const).map(
      (level) => (limitMs * percentOf(level, thresholds)) / 100 - usedMs,
    );
    return Math.min(LOOK_MS_MAX, ...levels.filter((ms) => ms > 0));
  }

  /** They hold also where the disk refuses: what it forgets is told again by the next controller. */
  function keep(next: HeldLimits): void {
    try {
      writeHeldLimits(life.instanceDirectory, next);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      parts.transcript.note(`the limits could not be written down: ${why}`);
    }
  }

  return {
    hold(next) {
      if (next === null || (life.envelope !== null && life.envelope.mission_id !== next.missionId))
        return false;
      const same = limits !== null && JSON.stringify(next) === JSON.stringify(limits);
      if (same) return true;
      keep(next);
      // Measured anew under a higher limit, as the controller does.
      for (const meter of limits === null ? [] : raisedMeters(limits.budget, next.budget))
        known = { ...known, [meter]: undefined };
      limits = next;
      again();
      return true;
    },
    look: again,
    reportCadence: () => limits?.reportCadence ?? null,
    stop() {
      over = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
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
