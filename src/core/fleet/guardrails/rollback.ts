import { controllerPart, repositoryAt } from "../../model/actor.ts";
import { sha256Hex } from "../../model/digest.ts";
import { type Breach, GUARDRAILS, type Pin, type RollbackState } from "../../model/guardrail.ts";
import { HOUR_MS, type Instant, MINUTE_MS } from "../../model/time.ts";
import { foldPart } from "../event-rules.ts";
import { GUARDRAIL_EVENTS, type GuardrailEvents } from "./guardrail-events.ts";

/** What the repository says at this moment. */
export interface Said {
  readonly revision: string;
  readonly mode: "normal" | "in_core_only";
  /** The pin that a reviewed change lifts. */
  readonly lift: string | null;
  readonly sustainedMinutes: number;
}

/** A pin that nobody made permanent is looked at again after this. */
export const PIN_MS = 24 * HOUR_MS;

const BY = controllerPart("guardrails");

/** What has happened to the guardrails by now. Asked again at the same moment, after that was recorded, it answers nothing. */
export function guardrailNews(
  before: RollbackState,
  said: Said,
  { breaches, now }: { readonly breaches: readonly Breach[]; readonly now: Instant },
): GuardrailEvents {
  const seen: GuardrailEvents = [
    ...GUARDRAILS.filter(
      (one) => before.since[one] !== undefined && !breaches.some(({ guardrail }) => guardrail === one),
    ).map((guardrail) => ({ type: "guardrail.recovered" as const, by: BY, guardrail })),
    ...breaches
      .filter(({ guardrail }) => before.since[guardrail] === undefined)
      .map((breach) => ({ type: "guardrail.breached" as const, by: BY, breach })),
  ];
  const state = foldPart(GUARDRAIL_EVENTS, before, { events: seen, at: now });
  const { pin } = state;
  return [
    ...seen,
    ...(pin === null ? trip(state, said, { breaches, now }) : follow(pin, said, { breaches, now })),
  ];
}

/** When a look is due by time alone: a breach that has lasted, a pin that runs out. */
export function rollbackDueAt(state: RollbackState, said: Said): Instant | null {
  const times = Object.values(state.since).map((at) => at + said.sustainedMinutes * MINUTE_MS);
  if (state.pin !== null) return state.pin.merged ? null : state.pin.expiresAt;
  return times.length === 0 ? null : Math.min(...times);
}

function trip(
  state: RollbackState,
  said: Said,
  { breaches, now }: { readonly breaches: readonly Breach[]; readonly now: Instant },
): GuardrailEvents {
  const lasting = breaches.filter(({ guardrail }) => {
    const from = state.since[guardrail] ?? now;
    // A clock that was put back does not make a breach begin in the future.
    return now - Math.min(from, now) >= said.sustainedMinutes * MINUTE_MS;
  });
  // The mode is what a trip would ask for already.
  if (lasting.length === 0 || said.mode === "in_core_only") return [];
  const id = `rollback-${sha256Hex(`${said.revision}/${now}`).slice(0, 8)}`;
  const { revision } = said;
  return [{ type: "pin.placed", by: BY, id, expiresAt: now + PIN_MS, breaches: lasting, revision }];
}

/** What becomes of a pin that holds. */
function follow(
  { id, merged, expiresAt }: Pin,
  said: Said,
  { breaches, now }: { readonly breaches: readonly Breach[]; readonly now: Instant },
): GuardrailEvents {
  const by = repositoryAt(said.revision);
  const commit = said.revision.slice(0, 12);
  if (said.lift === id) return [{ type: "pin.lifted", by, id, reason: `lifted by ${commit}` }];
  if (said.mode === "in_core_only")
    return merged ? [] : [{ type: "pin.merged", by, id, reason: `${commit} says in_core_only` }];
  if (merged)
    return [{ type: "pin.lifted", by, id, reason: `${commit} says mode normal again, after review` }];
  if (now < expiresAt) return [];
  return breaches.length === 0
    ? [{ type: "pin.expired", by: BY, id, reason: "no guardrail is breached any longer" }]
    : [{ type: "pin.renewed", by: BY, id, expiresAt: now + PIN_MS, breaches }];
}
