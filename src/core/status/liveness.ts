/** The clocks of an instance, and the way back of one that is degraded, as people see them. */

import { degradedAfterMs } from "../clone/health/liveness.ts";
import { CAUSE_TEXT, isOpen, RUNG_TEXT } from "../clone/health/recovery-ladder.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { Signal } from "../model/instance.ts";
import type { DegradedCause, ProcessFact, Rung } from "../model/liveness.ts";
import type { Instant } from "../model/time.ts";
import type { FleetSnapshot } from "./fleet.ts";
import type { InboxItem, WhyStep } from "./view.ts";

export interface LivenessView {
  /** What the operating system says of the agent's program. */
  readonly process: ProcessFact | null;
  /** Since the agent said something, or its shim was heard. */
  readonly protocolAgeMs: number | null;
  /** Since its work had an effect. */
  readonly progressAgeMs: number | null;
  /** Open tool calls that declared a deadline, the latest first: they excuse silence until then. */
  readonly openTools: readonly { readonly id: string; readonly leftMs: number }[];
  /** How unusual the present silence is (φ); null while too little is known. For ranking alone. */
  readonly suspicion: number | null;
  /** The way back while it lasts. */
  readonly recovery: {
    readonly cause: DegradedCause;
    readonly rung: Rung;
    readonly since: Instant;
    readonly tries: number;
    readonly text: string;
  } | null;
  /** Until when its provider makes it wait. */
  readonly throttledUntil: Instant | null;
}

export function livenessView(
  state: CloneState,
  signal: Signal | undefined,
  fleetSnapshot: FleetSnapshot,
): LivenessView {
  const { now } = fleetSnapshot;
  const age = signal === undefined ? null : Math.max(0, now - signal.receivedAt);
  const heard = (ms: number): number | null => (age === null ? null : ms + age);
  const answered = state.instance?.answeredAt ?? null;
  const ages = [age, answered === null ? null : Math.max(0, now - answered)].filter((ms) => ms !== null);
  return {
    process: signal?.heartbeat.process ?? null,
    protocolAgeMs: ages.length === 0 ? null : Math.min(...ages),
    progressAgeMs: signal === undefined ? null : heard(signal.heartbeat.lastProgressAgeMs),
    openTools: (signal?.heartbeat.openToolCalls ?? [])
      .flatMap(({ id, ageMs, deadlineMs }) =>
        deadlineMs === null ? [] : [{ id, leftMs: Math.max(0, deadlineMs - ageMs - (age ?? 0)) }],
      )
      .filter(({ leftMs }) => leftMs > 0)
      .sort((a, b) => b.leftMs - a.leftMs),
    suspicion: fleetSnapshot.suspicion?.(state) ?? null,
    recovery: recoveryView(state),
    throttledUntil: state.throttle !== null && state.throttle.until > now ? state.throttle.until : null,
  };
}

function recoveryView({ recovery }: CloneState): LivenessView["recovery"] {
  if (!isOpen(recovery)) return null;
  const { cause, rung, detectedAt, tries, evidence } = recovery;
  const made = tries.filter((one) => one.rung === rung && one.cause === cause).length;
  const text = `${CAUSE_TEXT[cause]}; tried: ${RUNG_TEXT[rung]}${made > 1 ? ` (${made} times)` : ""}; ${evidence}`;
  return { cause, rung, since: detectedAt, tries: made, text };
}

/** How far a silence has gone, for order: φ where it is known, else its part of the way to *degraded*. Healthy ones come last. */
export function suspicionRank(state: CloneState, fleetSnapshot: FleetSnapshot): number {
  const { instance } = state;
  if (instance === null || instance.stopping !== null) return 0;
  const wrong = WORSE[instance.health] ?? 0;
  const signal = fleetSnapshot.signals.get(state.name);
  const silentMs = signal === undefined ? 0 : Math.max(0, fleetSnapshot.now - signal.receivedAt);
  const part = Math.min(1, silentMs / degradedAfterMs(instance.heartbeatIntervalMs));
  return wrong * RANK_STEP + (fleetSnapshot.suspicion?.(state) ?? part);
}

const WORSE: Readonly<Record<string, number>> = { suspect: 1, recovering: 2, degraded: 3, lost: 4 };
/** More than any φ, so that health comes first and φ only orders what is equally ill. */
const RANK_STEP = 1_000;

/** Why a degraded instance is not left alone, and what is under way. */
export function livenessStep(state: CloneState): WhyStep | null {
  const view = recoveryView(state);
  if (view === null) return null;
  const reason = `Recovering${view.rung[0]?.toUpperCase()}${view.rung.slice(1)}`;
  const next = "nothing: the next rung is taken by itself; `factory logs` shows what its agent printed";
  return { step: "5.1", name: "recovery", ok: false, reason, evidence: view.text, since: view.since, next };
}

/** Degraded instances, most suspicious first: nobody has to do anything, but somebody may want to look. */
export function degradedItems(fleetSnapshot: FleetSnapshot): readonly InboxItem[] {
  return [...fleetSnapshot.states.values()]
    .filter((state) => isOpen(state.recovery) && state.instance !== null)
    .sort(
      (a, b) =>
        suspicionRank(b, fleetSnapshot) - suspicionRank(a, fleetSnapshot) || (a.name < b.name ? -1 : 1),
    )
    .map((state): InboxItem => {
      const subject = state.mission?.name ?? state.name;
      const view = recoveryView(state);
      return {
        id: `${subject}/degraded`,
        severity: "info",
        kind: "degraded",
        subject,
        since: view?.since ?? state.phaseSince,
        message: `degraded: ${view?.text ?? ""}; recovery goes on by itself`,
        answers: [`factory why ${subject}`, `factory logs ${subject}`, `factory kill ${subject}`],
      };
    });
}
