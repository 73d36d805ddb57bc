import { sha256Hex } from "../../model/digest.ts";
import type { Breach, Guardrail, Pin, RollbackState, Turn } from "../../model/guardrail.ts";
import { HOUR_MS, type Instant, MINUTE_MS } from "../../model/time.ts";

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
const TURNS_MAX = 50;

/** One look at the guardrails. Asked twice at the same moment it answers the same. */
export function lookAtGuardrails(
  before: RollbackState,
  said: Said,
  breaches: readonly Breach[],
  now: Instant,
): RollbackState {
  const since: Partial<Record<Guardrail, Instant>> = {};
  for (const { guardrail } of breaches) since[guardrail] = before.since[guardrail] ?? now;
  const state = sameSince(before.since, since) ? before : { ...before, since };
  const { pin } = state;
  if (pin === null) return trip(state, said, breaches, now);
  if (said.lift === pin.id) return lift(state, pin, now, `lifted by ${short(said.revision)}`);
  if (said.mode === "in_core_only") {
    if (pin.merged) return state;
    return turn(
      { ...state, pin: { ...pin, merged: true } },
      { at: now, type: "merged", pin: pin.id, message: `${short(said.revision)} says in_core_only` },
    );
  }
  if (pin.merged)
    return lift(state, pin, now, `${short(said.revision)} says mode normal again, after review`);
  if (now < pin.expiresAt) return state;
  if (breaches.length === 0) {
    return turn(
      { ...state, pin: null },
      { at: now, type: "expired", pin: pin.id, message: "no guardrail is breached any longer" },
    );
  }
  return turn(
    { ...state, pin: { ...pin, expiresAt: now + PIN_MS, breaches } },
    { at: now, type: "renewed", pin: pin.id, message: text(breaches) },
  );
}

/** When a look is due by time alone: a breach that has lasted, a pin that runs out. */
export function rollbackDueAt(state: RollbackState, said: Said): Instant | null {
  const times = Object.values(state.since).map((at) => at + said.sustainedMinutes * MINUTE_MS);
  if (state.pin !== null) return state.pin.merged ? null : state.pin.expiresAt;
  return times.length === 0 ? null : Math.min(...times);
}

function trip(state: RollbackState, said: Said, breaches: readonly Breach[], now: Instant): RollbackState {
  const lasting = breaches.filter(({ guardrail }) => {
    const from = state.since[guardrail] ?? now;
    // A clock that was put back does not make a breach begin in the future.
    return now - Math.min(from, now) >= said.sustainedMinutes * MINUTE_MS;
  });
  // The mode is what a trip would ask for already.
  if (lasting.length === 0 || said.mode === "in_core_only") return state;
  const id = `rollback-${sha256Hex(`${said.revision}/${now}`).slice(0, 8)}`;
  const pin: Pin = {
    id,
    at: now,
    expiresAt: now + PIN_MS,
    breaches: lasting,
    revision: said.revision,
    proposal: null,
    merged: false,
  };
  return turn({ ...state, pin }, { at: now, type: "tripped", pin: id, message: text(lasting) });
}

function lift(state: RollbackState, pin: Pin, now: Instant, message: string): RollbackState {
  return turn(
    { ...state, pin: null, since: {}, countFrom: now },
    { at: now, type: "lifted", pin: pin.id, message },
  );
}

function turn(state: RollbackState, made: Turn): RollbackState {
  return { ...state, turns: [...state.turns, made].slice(-TURNS_MAX) };
}

function sameSince(a: RollbackState["since"], b: RollbackState["since"]): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<Guardrail>;
  return [...keys].every((key) => a[key] === b[key]);
}

function text(breaches: readonly Breach[]): string {
  return breaches.map(({ message }) => message).join("; ");
}

function short(revision: string): string {
  return revision.slice(0, 12);
}
