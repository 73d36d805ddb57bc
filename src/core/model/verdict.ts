import type { Actor } from "./actor.ts";
import type { Instant } from "./time.ts";

/** What the judge found: facts with evidence, from which the outcome follows. */
export interface Verdict {
  readonly outputs: readonly OutputEvidence[];
  readonly criteria: readonly CriterionEvidence[];
  /** Where the outputs were kept, outside of the workspace. */
  readonly keptAt: string;
}

export interface OutputEvidence {
  readonly path: string;
  readonly ok: boolean;
  readonly sha256: string | null;
  readonly bytes: number | null;
  readonly schema: string | null;
  /** Why it is not ok, one sentence each; capped. */
  readonly problems: readonly string[];
}

export interface CriterionEvidence {
  readonly id: string;
  readonly text: string;
  /** `pending`: waits for a person. `unmet` also when the check could not run. */
  readonly state: "met" | "unmet" | "pending";
  readonly check: {
    readonly command: readonly string[];
    readonly exitCode: number | null;
    readonly timedOut: boolean;
    readonly durationMs: number;
    readonly logSha256: string;
    /** Last lines of what it printed. */
    readonly tail: string;
    /** Absent from what was judged before it was said. */
    readonly hold?: CheckHold;
  } | null;
  /** Why its check says nothing, so that a person has to: it could not be shut in, or its end is not proven. */
  readonly unproven?: string;
  /** The word of the person who judged it, where a person did. */
  readonly review?: { readonly by: Actor; readonly at: Instant; readonly note: string };
}

/** What held a check, and what it was kept from. */
export interface CheckHold {
  /** `sandbox`: shut in. The others: it could read and reach what the controller can. */
  readonly kind: "sandbox" | "pidns" | "group";
  /** Its own user; null: the judge's. */
  readonly user: number | null;
  readonly network: boolean;
  /** Whether it could write to what it was run in. */
  readonly writes: boolean;
  /** Null: none but its time. */
  readonly limits: {
    readonly by: "prlimit";
    /** Of each process by itself. */
    readonly memoryMbEach: number;
    /** Null: not counted, since it ran as root. */
    readonly processes: number | null;
    readonly fileMb: number;
  } | null;
  /** Limits that ended it, as far as that can be told. */
  readonly hit: readonly ("time" | "file")[];
  /** Whether nothing of it can still be alive. */
  readonly death: "proven" | "unproven";
}
