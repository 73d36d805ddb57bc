/** One look at the whole fleet: what has happened, and the state after that was recorded. */
import { foldPart } from "../../src/core/fleet/event-rules.ts";
import { GUARDRAIL_EVENTS } from "../../src/core/fleet/guardrails/guardrail-events.ts";
import { guardrailNews, type Said } from "../../src/core/fleet/guardrails/rollback.ts";
import type { Breach, RollbackState } from "../../src/core/model/guardrail.ts";
import type { Instant } from "../../src/core/model/time.ts";

/** What was recorded is not found once more at the same moment. */
export function lookAtGuardrails(
  before: RollbackState,
  said: Said,
  breaches: readonly Breach[],
  now: Instant,
): RollbackState {
  const events = guardrailNews(before, said, { breaches, now });
  return foldPart(GUARDRAIL_EVENTS, before, { events, at: now });
}
