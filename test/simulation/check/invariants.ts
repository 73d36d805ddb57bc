import type { Invariant as InvariantOf } from "../../../src/core/check/fact.ts";
import { INVARIANTS as OF_THE_RECORD } from "../../../src/core/check/invariants.ts";
import type { Invariant } from "./fact.ts";
import { ACTION_INVARIANTS } from "./invariants/actions.ts";
import { CALLER_INVARIANTS } from "./invariants/callers.ts";
import { CAUSE_INVARIANTS } from "./invariants/causes.ts";
import { DELETION_INVARIANTS } from "./invariants/deletions.ts";
import { DESTINATION_INVARIANTS } from "./invariants/destinations.ts";
import { DRILL_INVARIANTS } from "./invariants/drills.ts";
import { EFFECT_INVARIANTS } from "./invariants/effects.ts";
import { EPOCH_INVARIANTS } from "./invariants/epochs.ts";
import { EXPIRY_INVARIANTS } from "./invariants/expiries.ts";
import { GUARDRAIL_INVARIANTS } from "./invariants/guardrails.ts";
import { HOLD_INVARIANTS } from "./invariants/holds.ts";
import { KILL_SWITCH_INVARIANTS } from "./invariants/kill-switch.ts";
import { LIVENESS_INVARIANTS } from "./invariants/liveness.ts";
import { LOSS_INVARIANTS } from "./invariants/loss.ts";
import { METER_INVARIANTS } from "./invariants/meters.ts";
import { MISTAKE_INVARIANTS } from "./invariants/mistakes.ts";
import { NOTICE_INVARIANTS } from "./invariants/notices.ts";
import { ORDER_INVARIANTS } from "./invariants/orders.ts";
import { PROOF_INVARIANTS } from "./invariants/proof.ts";
import { REPORT_INVARIANTS } from "./invariants/reports.ts";
import { CANARY_INVARIANTS } from "./invariants/rollouts.ts";
import { SPENDING_INVARIANTS } from "./invariants/spending.ts";
import { START_INVARIANTS } from "./invariants/starts.ts";
import { STATUS_INVARIANTS } from "./invariants/status.ts";
import { SWITCH_PEOPLE_INVARIANTS } from "./invariants/switch-people.ts";
import { TERM_INVARIANTS } from "./invariants/terms.ts";
import { THROTTLE_INVARIANTS } from "./invariants/throttle.ts";

/** Those that need a witness. One that has the name of one of the record's asks what that one asks, and more. */
const WITNESSED: readonly Invariant[] = [
  ...EPOCH_INVARIANTS,
  ...LOSS_INVARIANTS,
  ...START_INVARIANTS,
  ...MISTAKE_INVARIANTS,
  ...PROOF_INVARIANTS,
  ...REPORT_INVARIANTS,
  ...HOLD_INVARIANTS,
  ...METER_INVARIANTS,
  ...SPENDING_INVARIANTS,
  ...ORDER_INVARIANTS,
  ...EXPIRY_INVARIANTS,
  ...CALLER_INVARIANTS,
  ...CAUSE_INVARIANTS,
  ...EFFECT_INVARIANTS,
  ...ACTION_INVARIANTS,
  ...KILL_SWITCH_INVARIANTS,
  ...SWITCH_PEOPLE_INVARIANTS,
  ...CANARY_INVARIANTS,
  ...DELETION_INVARIANTS,
  ...DESTINATION_INVARIANTS,
  ...GUARDRAIL_INVARIANTS,
  ...TERM_INVARIANTS,
  ...DRILL_INVARIANTS,
  ...NOTICE_INVARIANTS,
  ...STATUS_INVARIANTS,
  ...LIVENESS_INVARIANTS,
  ...THROTTLE_INVARIANTS,
];
const NAMES: ReadonlySet<string> = new Set(WITNESSED.map(({ name }) => name));

/** It is told of nothing that it does not name, so what it can be asked is what the record says. */
function asOurs(invariant: InvariantOf): Invariant {
  return invariant as unknown as Invariant;
}

/** Every promise that is watched. Each has once caught a bug that was planted for it (`test/simulation/mutants`). */
export const INVARIANTS: readonly Invariant[] = [
  ...OF_THE_RECORD.filter(({ name }) => !NAMES.has(name)).map(asOurs),
  ...WITNESSED,
];
