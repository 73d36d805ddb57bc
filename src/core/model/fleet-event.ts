import type { Actor } from "./actor.ts";
import type { ApprovalsInForce } from "./approvals.ts";
import type { DesiredClone } from "./clone.ts";
import type { PendingDeletion } from "./deletion.ts";
import type { DrillPlan, DrillResult, OverdueDrill } from "./drill.ts";
import type { FleetSnapshot, JournalHead } from "./fleet-state.ts";
import type { Breach, Guardrail } from "./guardrail.ts";
import type { ReleasedEntry, SwitchEntry } from "./kill-switch.ts";
import type { Destination } from "./notice.ts";
import type { ShownThread } from "./thread.ts";
import type { Instant } from "./time.ts";

/**
 * Something that happened to the fleet as a whole. The record keeps it in one chain with the events of clones;
 * `decideFleet` says what it means. Every fact that decides something is one of these; what can be worked out
 * from them, from clones and from the repository is not.
 */
export type FleetEvent = { readonly by: Actor } & (
  | RecordEvent
  | StatusEvent
  | KillSwitchEvent
  | GuardrailEvent
  | RolloutEvent
  | DrillEvent
  | DeletionEvent
  | DestinationEvent
  | ApprovalsEvent
  | ThreadEvent
);

export type RecordEvent =
  /** What the status branch knows is given up: somebody said `--fresh`. */
  | { readonly type: "record.begun_anew"; readonly replaces: JournalHead }
  /** The first event of a record that is being rebuilt; it may be used from `fleet.restored` on. */
  | { readonly type: "record.rebuilding"; readonly replaces: JournalHead | null }
  /** The last event of a rebuilding. `snapshot: null`: the status branch knows nothing of the fleet. */
  | {
      readonly type: "fleet.restored";
      readonly snapshot: FleetSnapshot | null;
      /** Head of the journal with which that was published. */
      readonly anchor: JournalHead | null;
      readonly evidence: string;
    }
  /** What an older program kept beside the chain. */
  | {
      readonly type: "fleet.upgraded";
      readonly snapshot: FleetSnapshot;
      readonly replaces: JournalHead | null;
      readonly evidence: string;
    };

/** What others did to the status branch, as it was found. */
export type StatusEvent =
  /** A commit without a key that is believed. */
  | {
      readonly type: "status.overwritten";
      readonly commit: string;
      /** As the commit says. */
      readonly author: string;
      readonly files: readonly string[];
    }
  /** What was published last was not in its history any more. `to: null`: it was deleted. */
  | { readonly type: "status.rewound"; readonly from: string; readonly to: string | null };

/**
 * How the record came to know: by a command to the controller, which a signal gives as well, by the file that others write, too,
 * or by a commit of the repository.
 */
export type SwitchSource = "command" | "file" | "repository";

export type KillSwitchEvent =
  | { readonly type: "switch.engaged"; readonly entry: SwitchEntry; readonly from: SwitchSource }
  | { readonly type: "switch.released"; readonly entry: ReleasedEntry; readonly from: SwitchSource };

export type GuardrailEvent =
  | { readonly type: "guardrail.breached"; readonly breach: Breach }
  | { readonly type: "guardrail.recovered"; readonly guardrail: Guardrail }
  | {
      readonly type: "pin.placed";
      readonly id: string;
      readonly expiresAt: Instant;
      readonly breaches: readonly Breach[];
      readonly revision: string;
    }
  | {
      readonly type: "pin.renewed";
      readonly id: string;
      readonly expiresAt: Instant;
      readonly breaches: readonly Breach[];
    }
  | {
      readonly type: "pin.proposed";
      readonly id: string;
      readonly proposal: { readonly branch: string; readonly commit: string };
    }
  | { readonly type: "pin.merged"; readonly id: string; readonly reason: string }
  | { readonly type: "pin.expired"; readonly id: string; readonly reason: string }
  | { readonly type: "pin.lifted"; readonly id: string; readonly reason: string };

export type RolloutEvent =
  /** No clone of the group is declared any longer. */
  | { readonly type: "rollout.group_gone"; readonly group: string }
  | ({ readonly group: string; readonly digest: string } & (
      | {
          readonly type: "rollout.begun";
          readonly revision: string;
          /** What the group is known to work with. */
          readonly stable: string | null;
        }
      | {
          readonly type: "rollout.canaries_chosen";
          /** By clone: what it was before, so that it can go back. */
          readonly canaries: Readonly<Record<string, DesiredClone>>;
        }
      | { readonly type: "rollout.promoted"; readonly reason: string }
      | {
          readonly type: "rollout.refused";
          readonly reason: string;
          /** Its canaries go back to what they were. */
          readonly revert: boolean;
        }
      /** The repository asks for something else while it is being tried. */
      | { readonly type: "rollout.superseded" }
      /** The repository asks for something else after it was refused. */
      | { readonly type: "rollout.withdrawn" }
    ));

export type DrillEvent =
  /** `fleet.yaml` plans drills, or others; null: none. */
  | { readonly type: "drill.planned"; readonly plan: DrillPlan | null }
  /** A controller is about to launch one. A second controller that reads this waits for what becomes of it. */
  | { readonly type: "drill.begun"; readonly target: string; readonly dueAt: Instant }
  /** It left no result, so nothing is proven and nothing disproved; `begunAt` is when it was recorded. */
  | {
      readonly type: "drill.cut_off";
      readonly target: string;
      readonly begunAt: Instant;
      readonly reason: string;
    }
  | { readonly type: "drill.passed"; readonly result: DrillResult }
  | { readonly type: "drill.failed"; readonly result: DrillResult }
  | { readonly type: "drill.overdue"; readonly overdue: OverdueDrill }
  /** Nobody waits for it any longer, although it was not made. */
  | { readonly type: "drill.dropped"; readonly target: string; readonly dueAt: Instant };

export type DeletionEvent = { readonly pending: PendingDeletion } & (
  | { readonly type: "deletion.held" }
  | { readonly type: "deletion.confirmed" }
  | { readonly type: "deletion.withdrawn" }
);

export type DestinationEvent =
  | { readonly type: "destinations.declared"; readonly destinations: readonly Destination[] }
  /** It said that it wants nothing more; `declaration`: the digest under which it was asked. */
  | {
      readonly type: "destination.gone";
      readonly destination: string;
      readonly declaration: string;
      readonly reason: string;
    }
  /** A person wants it to be tried again. */
  | { readonly type: "destination.asked_again"; readonly destination: string }
  | {
      readonly type: "destination.down";
      readonly destination: string;
      readonly since: Instant;
      readonly reason: string;
    }
  | { readonly type: "destination.up"; readonly destination: string };

/** Rules of a revision take the place of those before: nobody had to be asked, or whoever had to be has agreed. */
export type ApprovalsEvent = { readonly type: "approvals.adopted"; readonly inForce: ApprovalsInForce };

export type ThreadEvent =
  /** What people write in comments is obeyed from here on; what they wrote before is not. */
  | { readonly type: "threads.begun" }
  /** What stands in a thread on the forge, as it was answered there. */
  | { readonly type: "thread.shown"; readonly key: string; readonly thread: ShownThread };

export type FleetEventType = FleetEvent["type"];
/** One kind of event, by its type. */
export type FleetEventOf<Type extends FleetEventType> = Extract<FleetEvent, { readonly type: Type }>;
