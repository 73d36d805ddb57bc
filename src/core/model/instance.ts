import type { SwitchSubject } from "./kill-switch.ts";
import type { ProcessFact } from "./liveness.ts";
import type { MeterOrigin } from "./mission.ts";
import type { Instant } from "./time.ts";

/**
 * What holds an instance's processes together, weakest first.
 *
 * - `group`: process group and a sweep; an agent that calls setsid and clears its environment can escape.
 * - `pidns`: a PID namespace whose first process dies with the shim; nothing escapes.
 * - `cgroup`: a cgroup with `cgroup.kill` as well; nothing escapes, and it can be frozen and listed.
 */
export const CONTAINMENTS = ["group", "pidns", "cgroup"] as const;
export type Containment = (typeof CONTAINMENTS)[number];

/** What a driver needs to find an instance again after our restart. Opaque to everyone but the driver. */
export interface InstanceHandle {
  readonly driver: string;
  readonly clone: string;
  readonly epoch: number;
  /** Random per launch; tells our instance from somebody else's process with the same number. */
  readonly nonce: string;
  readonly containment: Containment;
  /** What else shuts its agent in, in words; absent from older drivers, and where there is nothing. */
  readonly layers?: readonly string[];
  /** Driver's own facts: paths, pids with start times. JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** One line of a driver's listing: what really lives, by ownership label, never by process name. */
export interface ObservedInstance {
  readonly handle: InstanceHandle;
  /** `launching`: intent on disk, not claimed yet. `dead`: claimed and proven gone. */
  readonly state: "launching" | "live" | "dead";
  /** What the kill switch knows it by, as it was said at its launch; absent where that was not said. */
  readonly subject?: SwitchSubject;
}

/** What a heartbeat says. Ages instead of timestamps: no common clock is needed. */
export interface Heartbeat {
  readonly missionId: string | null;
  readonly clone: string;
  readonly epoch: number;
  /** Rises by one with every heartbeat of the instance. */
  readonly seq: number;
  /** Highest `seq` of the event outbox when this was sent; a receiver that has less has a gap. */
  readonly lastEventSeq: number;
  readonly phase: AgentPhase;
  readonly lastEventAgeMs: number;
  readonly lastProgressAgeMs: number;
  readonly openToolCalls: readonly {
    readonly id: string;
    readonly ageMs: number;
    readonly deadlineMs: number | null;
  }[];
  readonly usage: MeterOrigin & {
    readonly llmCalls: number | null;
    readonly costMicros: number | null;
    readonly activeMs: number;
  };
  /** The agent's main program as the operating system sees it; null while there is none, absent from older shims. */
  readonly process?: ProcessFact | null;
  /** For how much longer the agent's provider makes it wait; absent when it does not. */
  readonly throttledMs?: number;
}

export type AgentPhase = "standby" | "starting" | "running" | "paused" | "throttled" | "stopping" | "exited";

/** The newest heartbeat of an instance and when it reached us, by our clock. */
export interface Signal {
  readonly heartbeat: Heartbeat;
  readonly receivedAt: Instant;
}

/** What proves that nothing of an instance lives any more; with `unproven`, what was looked at without being a proof. */
export interface DeathProof {
  readonly containment: Containment;
  /** Which rung of the ladder ended it: `already`, `cancel`, `stdin` (the end of its input), `sigterm`, `sigkill`, `containment`, `sweep`. */
  readonly rung: string;
  /** Scans that found nothing, one after the other; two are asked for. */
  readonly emptyScans: number;
  readonly durationMs: number;
  /** Every rung that was tried, with the time from the beginning at which it was. */
  readonly rungs?: readonly { readonly rung: string; readonly atMs: number }[];
  /** What was looked at, as a sentence. */
  readonly evidence: string;
  /** Why something of it may live all the same although nothing was found. Absent: it is dead. */
  readonly unproven?: string;
}
