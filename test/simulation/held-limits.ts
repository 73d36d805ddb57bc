/** The part of the real shim that holds the limits of a mission by itself, on the clock of a simulation. */
import type { WireEventType } from "../../src/api/event.ts";
import type { HeldLimits } from "../../src/core/model/budget-rule.ts";
import type { Clocks } from "../../src/shim/session/clocks.ts";
import type { Life } from "../../src/shim/session/life.ts";
import { createLimitWatch, type LimitWatch } from "../../src/shim/session/limit-watch.ts";
import type { Pauses } from "../../src/shim/session/pauses.ts";
import type { Timeline } from "./timeline.ts";

/** The real one looks once a second; what it finds later it would have found as well. */
const LOOK_MS_MIN = 15_000;

/** What it has to know of the shim that it is a part of. */
export interface Holder {
  readonly missionId: () => string | null;
  /** Its agent runs and has not said that it is done. */
  readonly works: () => boolean;
  readonly used: () => {
    readonly activeMs: number;
    readonly llmCalls: number | null;
    readonly costUsd: number | null;
  };
  /** It is to stand still for this, or no longer. */
  readonly freeze: (reached: boolean) => void;
  readonly frozenMs: () => number;
  readonly report: (type: WireEventType, detail: Record<string, unknown>, summary: string) => void;
  readonly end: (reason: string) => void;
}

/** Only what it asks of its session is there; the rest of a session has processes. */
export function holdLimits(
  timeline: Timeline,
  holder: Holder,
): LimitWatch & { hold(limits: HeldLimits | null): boolean } {
  const life = {
    get phase() {
      return holder.works() ? "running" : "exited";
    },
    get envelope() {
      const mission_id = holder.missionId();
      return mission_id === null ? null : { mission_id };
    },
    get agent() {
      return holder.works() ? {} : null;
    },
    over: false,
    // Nowhere: what cannot be written down is told again by the next controller.
    instanceDirectory: "/nonexistent/simulated",
    run: { terminal: () => !holder.works() },
  } as unknown as Life;
  const clocks = {
    activeMs: () => Math.round(holder.used().activeMs),
    heartbeatPart: () => {
      const { llmCalls, costUsd } = holder.used();
      return { usage: { llm_calls: llmCalls, estimated_cost_usd: costUsd } };
    },
  } as unknown as Clocks;
  const pauses = {
    byLimit(reached: boolean) {
      holder.freeze(reached);
      return true;
    },
    frozenMs: holder.frozenMs,
  } as unknown as Pauses;
  return createLimitWatch({
    life,
    clocks,
    pauses,
    reporter: {
      report: ({
        type,
        detail,
        summary,
      }: {
        type: WireEventType;
        detail: Record<string, unknown>;
        summary: string;
      }) => holder.report(type, detail, summary),
    } as never,
    transcript: { note: () => {} } as never,
    end: holder.end,
    onPaused: () => {},
    after: (ms, work) => timeline.after(Math.max(ms, LOOK_MS_MIN), work),
  });
}
