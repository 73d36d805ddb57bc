import type { ObservedApprovals } from "../model/approvals.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { PendingDeletion } from "../model/deletion.ts";
import type { Pin } from "../model/guardrail.ts";
import type { ObservedInstance } from "../model/instance.ts";
import type { SwitchEntry } from "../model/kill-switch.ts";
import type { Rollout } from "../model/rollout.ts";

/** What is, as far as it could be seen. */
export interface ObservedState {
  /** Per driver: whether its listing is complete. A driver that could not list everything proves nobody dead. */
  readonly complete: boolean;
  readonly problem: string | null;
  readonly instances: readonly ObservedInstance[];
  /** The record, by clone. This is the inventory: nothing outside of it is ever deleted. */
  readonly states: ReadonlyMap<string, CloneState>;
  /** What the kill switch covers; absent: nothing. */
  readonly killSwitch?: readonly SwitchEntry[];
  /** A mass deletion that was seen and waits for its confirmation. */
  readonly pendingDeletion: PendingDeletion | null;
  /** A guardrail tripped: the fleet is `in_core_only` whatever its file says. */
  readonly pin: Pin | null;
  /** Rollouts as they are on record, by group; null when every group stands where the desired state wants it. */
  readonly rollouts: ReadonlyMap<string, Rollout> | null;
  /** Why nothing is begun for now; null when something may. */
  readonly doubt: Doubt | null;
  /** What the forge says of approvals; absent: none are asked for. */
  readonly approvals?: ObservedApprovals;
}

/** The record may not be the true one; or nobody knows whether the kill switch is engaged. */
export interface Doubt {
  readonly reason: "RecordDoubtful" | "NoRightToAct" | "KillSwitchUnknown";
  /** What is in the way, and what a person can do. */
  readonly message: string;
}
