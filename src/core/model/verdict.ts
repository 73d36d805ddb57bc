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
  } | null;
  /** The word of the person who judged it, where a person did. */
  readonly review?: { readonly by: Actor; readonly at: Instant; readonly note: string };
}
