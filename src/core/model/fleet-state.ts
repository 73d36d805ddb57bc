import type { ApprovalsInForce } from "./approvals.ts";
import type { PendingDeletion } from "./deletion.ts";
import { type DrillBook, NO_DRILLS } from "./drill.ts";
import { NO_ROLLBACK, type RollbackState } from "./guardrail.ts";
import { NOTHING_ENGAGED, type SwitchEntry, type SwitchState } from "./kill-switch.ts";
import type { Destination } from "./notice.ts";
import type { Rollout } from "./rollout.ts";
import type { ThreadsState } from "./thread.ts";
import type { Instant } from "./time.ts";

/**
 * What holds for the whole fleet and not for one clone: the fold of the fleet's events (`core/fleet/decide.ts`).
 * A part in which nothing changed keeps its object.
 */
export interface FleetState {
  /** Number of the fleet's events. */
  readonly version: number;
  readonly record: RecordOrigin;
  readonly killSwitch: RecordedSwitch;
  readonly guardrails: RollbackState;
  /** By group; a group of which nothing was ever tried is not in it. */
  readonly rollouts: Readonly<Record<string, Rollout>>;
  readonly drills: DrillBook;
  readonly pendingDeletion: PendingDeletion | null;
  readonly destinations: DestinationsState;
  /** Who has to approve; absent: nobody ever was to. */
  readonly approvals?: ApprovalsInForce;
  /** Where people are asked on the forge; absent: they never were. */
  readonly threads?: ThreadsState;
}

/** Where this record comes from. */
export interface RecordOrigin {
  /** It is being rebuilt after a loss: with only some of its clones it is worse than an empty one. */
  readonly rebuilding: boolean;
  /** Head of the published journal that this one takes the place of; null for one that is the first. */
  readonly replaces: JournalHead | null;
  /** What others did to the status branch that it is published on; the newest last. Absent: nothing. */
  readonly touched?: readonly StatusTouch[];
}

/** A stranger's commit, or history that was pushed away. */
export interface StatusTouch {
  readonly id: string;
  readonly at: Instant;
  readonly message: string;
}

export interface JournalHead {
  readonly seq: number;
  readonly hash: string;
}

/** The kill switch as the record has it; the file is what decides while the record is behind (decision 12). */
export interface RecordedSwitch extends SwitchState {
  /** What `fleet.yaml` engaged when it could last be read; `at` says by which commit. */
  readonly declared: readonly SwitchEntry[];
}

export interface DestinationsState {
  /** What `fleet.yaml` said when it could last be read; null when it never was. */
  readonly declared: readonly Destination[] | null;
  /** Destinations that said that they want nothing more, by name: the digest of the declaration under which they said it. */
  readonly gone: Readonly<Record<string, string>>;
  /** Since when destinations fail of which people were told, by name. */
  readonly down: Readonly<Record<string, Instant>>;
}

/** The parts that a lost record gets back: everything but the count of its events and where it comes from. */
export type FleetSnapshot = Omit<FleetState, "version" | "record">;

export const NO_DESTINATIONS: DestinationsState = { declared: null, gone: {}, down: {} };

/** Before the first event. */
export const INITIAL_FLEET: FleetState = {
  version: 0,
  record: { rebuilding: false, replaces: null },
  killSwitch: { ...NOTHING_ENGAGED, declared: [] },
  guardrails: NO_ROLLBACK,
  rollouts: {},
  drills: NO_DRILLS,
  pendingDeletion: null,
  destinations: NO_DESTINATIONS,
};
