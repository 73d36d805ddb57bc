/** Every type of event in the life of a clone, by topic. A new one is an entry in its topic's table and its type in the model. */
import { assertNever } from "../model/error.ts";
import type { CloneEvent } from "../model/event.ts";
import { CLOSING_EVENTS } from "./closing/closing-events.ts";
import { CONDUCT_EVENTS } from "./conduct/conduct-events.ts";
import { DECLARATION_EVENTS } from "./declaration-events.ts";
import type { EventRule, EventRules } from "./event-rules.ts";
import { HEALTH_EVENTS } from "./health/health-events.ts";
import { QUESTION_EVENTS } from "./questions/question-events.ts";
import { SPENDING_EVENTS } from "./spending/spending-events.ts";
import { START_EVENTS } from "./start/start-events.ts";
import { STOP_EVENTS } from "./stop/stop-events.ts";

const RULES: EventRules<CloneEvent["type"]> = {
  ...DECLARATION_EVENTS,
  ...START_EVENTS,
  ...STOP_EVENTS,
  ...HEALTH_EVENTS,
  ...SPENDING_EVENTS,
  ...CONDUCT_EVENTS,
  ...QUESTION_EVENTS,
  ...CLOSING_EVENTS,
};

/** Throws for a type that this program does not know: a record of a newer program is not guessed at. */
export function ruleOf<E extends CloneEvent>(event: E): EventRule<E> {
  if (!Object.hasOwn(RULES, event.type)) return assertNever(event as never);
  // The table is typed by its keys; that the rule of an event's own type takes that event is lost on a union.
  return RULES[event.type] as unknown as EventRule<E>;
}

/** One event as one line for people. */
export function describe(event: CloneEvent): string {
  return ruleOf(event).describe(event);
}
