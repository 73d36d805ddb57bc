/** Meters, budgets and days: each event of it, what it does and how it reads. */

import type { EventRules } from "../event-rules.ts";
import { onUsed } from "./budget.ts";
import { onBudget } from "./crossed.ts";
import { onDayBegan } from "./day-caps.ts";
import { onRunaway, onSettled } from "./overspend.ts";
import { onRaiseEnded } from "./raise.ts";

export const SPENDING_EVENTS: EventRules<
  "budget.crossed" | "instance.used" | "instance.settled" | "runaway.detected" | "raise.ended" | "day.began"
> = {
  "budget.crossed": {
    on: onBudget,
    describe: (event) => `${event.meter} passed ${event.level}: ${event.used} of ${event.limit}`,
  },
  "instance.used": {
    on: onUsed,
    describe: (event) => `epoch ${event.epoch} has used ${usage(event)}`,
  },
  "instance.settled": {
    on: onSettled,
    describe: (event) => `epoch ${event.epoch} stands still, having used ${usage(event)}`,
  },
  "runaway.detected": {
    on: onRunaway,
    describe: (event) =>
      `runaway: ${event.meter} is at ${event.used} of ${event.limit ?? "no limit"} while paused; ${event.evidence}`,
  },
  "raise.ended": {
    on: onRaiseEnded,
    describe: (event) => `the raised ${event.field} is over: ${event.reason}`,
  },
  "day.began": {
    on: onDayBegan,
    describe: (event) => `${event.day} began`,
  },
};

function usage({ llmCalls, costMicros }: { llmCalls: number | null; costMicros: number | null }): string {
  const cost = costMicros === null ? "unknown cost" : `${costMicros / 1_000_000} USD`;
  return `${cost}, ${llmCalls ?? "unknown"} LLM calls`;
}
