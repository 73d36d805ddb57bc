import type { Invariant } from "./fact.ts";
import { ACTION_INVARIANTS } from "./invariants/actions.ts";
import { BUDGET_INVARIANTS } from "./invariants/budget.ts";
import { CLOSURE_INVARIANTS } from "./invariants/closure.ts";
import { CONDUCT_INVARIANTS } from "./invariants/conduct.ts";
import { EFFECT_INVARIANTS } from "./invariants/effects.ts";
import { EPOCH_INVARIANTS } from "./invariants/epochs.ts";
import { HOLD_INVARIANTS } from "./invariants/holds.ts";
import { LANE_INVARIANTS } from "./invariants/lanes.ts";
import { METER_INVARIANTS } from "./invariants/meters.ts";
import { MISTAKE_INVARIANTS } from "./invariants/mistakes.ts";
import { POSTMORTEM_INVARIANTS } from "./invariants/postmortem.ts";
import { PROOF_INVARIANTS } from "./invariants/proof.ts";
import { RECORD_INVARIANTS } from "./invariants/record.ts";
import { RECOVERY_INVARIANTS } from "./invariants/recovery.ts";
import { REPORT_INVARIANTS } from "./invariants/reports.ts";
import { ROLLOUT_INVARIANTS } from "./invariants/rollouts.ts";
import { START_INVARIANTS } from "./invariants/starts.ts";
import { THROTTLE_INVARIANTS } from "./invariants/throttle.ts";

/**
 * Every promise that a record alone can show to be broken. The simulator watches more (`test/simulation/check`), and each
 * has once caught a bug that was planted for it (`test/simulation/mutants`).
 */
export const INVARIANTS: readonly Invariant[] = [
  ...EPOCH_INVARIANTS,
  ...START_INVARIANTS,
  ...MISTAKE_INVARIANTS,
  ...PROOF_INVARIANTS,
  ...RECORD_INVARIANTS,
  ...REPORT_INVARIANTS,
  ...CLOSURE_INVARIANTS,
  ...HOLD_INVARIANTS,
  ...BUDGET_INVARIANTS,
  ...METER_INVARIANTS,
  ...CONDUCT_INVARIANTS,
  ...EFFECT_INVARIANTS,
  ...ACTION_INVARIANTS,
  ...POSTMORTEM_INVARIANTS,
  ...ROLLOUT_INVARIANTS,
  ...RECOVERY_INVARIANTS,
  ...THROTTLE_INVARIANTS,
  ...LANE_INVARIANTS,
];
