import type { Actor } from "./actor.ts";
import type { Instant } from "./time.ts";

/** How a mission's agent behaves: what blocks it, whether it goes in circles, and what was said to it. */
export interface Conduct {
  /** Every reason that it was ever blocked for, oldest first, at most `BLOCKED_REASONS_MAX`. */
  readonly blocked: readonly BlockedReason[];
  /** The last nudge, until a person has spoken; what comes soon after it is no longer nudged. */
  readonly nudge: Nudge | null;
  /** Nudges so far. */
  readonly nudges: number;
  /** What people said to the agent, newest last, at most `MESSAGES_MAX`. Told again to every new instance, which knows nothing of it. */
  readonly messages: readonly Message[];
  /** Words to the agent so far, ours and people's: the number in the next one's id. */
  readonly wordsMade: number;
}

export interface BlockedReason {
  /** Equal keys are the same reason: ids, times and numbers aside. */
  readonly key: string;
  /** As it was last said. */
  readonly reason: string;
  /** What would help, as it was last said. */
  readonly needs: string | null;
  readonly firstAt: Instant;
  readonly lastAt: Instant;
  /** Reports in all. */
  readonly times: number;
  /** Reports that count towards an escalation: since the last one, within its window. At most `BLOCKED_RECENT_MAX`. */
  readonly recent: readonly Instant[];
}

export interface Nudge {
  readonly epoch: number;
  readonly at: Instant;
  readonly pattern: StuckPattern;
  readonly evidence: string;
}

/** The loops that the shim sees, and the one that the clock shows. */
export type StuckPattern = "repeated_result" | "repeated_error" | "alternation" | "monologue" | "no_progress";

export interface Message {
  /** `<mission id>/<n>`: an agent that got it twice would know. */
  readonly id: string;
  readonly by: Actor;
  readonly text: string;
  readonly at: Instant;
  /** The newest epoch whose agent has it; null: none yet. */
  readonly toldEpoch: number | null;
}

export const NO_CONDUCT: Conduct = { blocked: [], nudge: null, nudges: 0, messages: [], wordsMade: 0 };

export const BLOCKED_REASONS_MAX = 20;
/** More reports of one reason than anybody sets as a threshold. */
export const BLOCKED_RECENT_MAX = 20;
export const MESSAGES_MAX = 20;
