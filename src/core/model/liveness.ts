/** Words for what is seen of a body, and for the ladder that leads back to health. */
import type { Instant } from "./time.ts";

/** What the operating system says of a process. `stopped`: by a signal. `zombie`: dead, not collected. */
export type ProcessState = "running" | "stopped" | "zombie" | "gone";

/** The process clock of an instance: its agent's main program, as its shim sees it. */
export interface ProcessFact {
  readonly state: ProcessState;
  readonly pid: number | null;
  /** Clock ticks between boot and its start: with pid and boot it cannot be mistaken for another. */
  readonly startTicks: number | null;
  readonly bootId: string;
  /** For how long it has been seen in this state; 0 at first sight. */
  readonly sinceMs: number;
}

/** What a driver finds when it looks at one instance from outside. */
export interface Probed {
  readonly shim: ProcessState;
  /** `none`: it has no agent yet, or no longer. */
  readonly agent: ProcessState | "none";
  /** Whether the shim answered a call. A shim that is not running is not called. */
  readonly answers: boolean;
  /** How long its agent has worked by its shim's clock; where the shim answered and said so. */
  readonly activeMs?: number;
  /** For how long its shim has tried to reach the controller in vain, by its own word; 0 where its newest try got through. */
  readonly unreachedMs?: number;
  /** What was looked at, as a sentence. */
  readonly evidence: string;
}

/** Why an instance is degraded. Attempts to bring it back are counted per cause. */
export type DegradedCause =
  | "silent" // its heartbeats do not come
  | "shim_stopped" // its shim is stopped by a signal
  | "agent_stopped" // its agent is stopped, and we did not ask for that
  | "agent_gone"; // its shim lives and its agent's program does not

/** In the order in which they are tried. */
export const RUNGS = ["probe", "reconnect", "resume", "restart"] as const;
export type Rung = (typeof RUNGS)[number];

/** The way back of a degraded instance; once it is `over` it only remembers what was tried. */
export interface Recovery {
  readonly epoch: number;
  readonly cause: DegradedCause;
  readonly evidence: string;
  /** Since when something was wrong, as far as that can be told, and when it was noticed. */
  readonly startedAt: Instant;
  readonly detectedAt: Instant;
  readonly rung: Rung;
  /** `asked`: its effect is under way. `waiting`: done, or refused; what it brought shows until `until`. */
  readonly stage: "asked" | "waiting" | "over";
  readonly rungAt: Instant;
  /** When the next step is taken, if nothing happens. */
  readonly until: Instant | null;
  /** What the last probe found. */
  readonly found: Probed | null;
  /** Attempts, oldest first, over as many recoveries as fall into the window that bounds them. */
  readonly tries: readonly { readonly rung: Rung; readonly cause: DegradedCause; readonly at: Instant }[];
  /** Which rung it was, and when; null while it lasts, and where the mission ended first. */
  readonly recoveredBy: Rung | null;
  readonly recoveredAt: Instant | null;
}
