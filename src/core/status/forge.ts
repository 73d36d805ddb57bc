import type { Instant } from "../model/time.ts";

/** How the forge is reached, and what was told there. */
export interface ForgeView {
  /** `github acme/fleet` */
  readonly name: string;
  readonly condition: ForgeCondition;
  /** How problems are shown: as checks, or as statuses where checks are not allowed. Null: nothing was shown yet. */
  readonly shownAs: "check" | "status" | null;
  readonly remaining: number | null;
  readonly pulls: readonly ReviewedPull[];
  /** Closures that people are asked about there. */
  readonly closures: readonly AskedClosure[];
  /** There are more open pull requests than are looked at. */
  readonly complete: boolean;
}

/** Reviews wait for a forge, and what needs approvals: while it is not reached, everything else is carried out as always. */
export interface ForgeCondition {
  readonly type: "ForgeReachable";
  readonly status: "True" | "False" | "Unknown";
  readonly reason: ForgeReason;
  readonly message: string;
  readonly since: Instant;
}

export type ForgeReason =
  | "NotAskedYet"
  | "Reached"
  | "Unreachable"
  /** The credential is not there, not accepted, or may not do this. */
  | "CredentialRefused"
  | "NotFound"
  | "Limited"
  | "Rejected";

/** A closure that nobody has decided, and its pull request. */
export interface AskedClosure {
  readonly clone: string;
  readonly mission: string;
  readonly run: number;
  /** `open`: people can merge it. `waiting`: it is not open yet. `failed`: it cannot be, and `message` says why. */
  readonly state: "open" | "waiting" | "failed";
  readonly message: string;
  /** Null: there is none yet. */
  readonly url: string | null;
}

export interface ReviewedPull {
  readonly number: number;
  readonly head: string;
  readonly state: "waiting" | "reviewed" | "ignored" | "failed";
  readonly message: string;
  /** Pull requests that change the same and go first. */
  readonly waitsFor: readonly number[];
}
