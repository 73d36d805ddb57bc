import type { Approvals } from "../approvals/approvals.ts";
import { createPlannedDrills, type PlannedDrills } from "../fleet/drills.ts";
import { createKillSwitch, type KillSwitch } from "../fleet/kill-switch.ts";
import { createRollback, type Rollback } from "../fleet/rollback.ts";
import { createRollouts, type Rollouts } from "../fleet/rollouts.ts";
import { createReconciler, type Reconciler } from "../loop/reconcile.ts";
import type { Ground } from "./ground.ts";

/** What looks at the whole fleet. */
export interface FleetParts {
  readonly killSwitch: KillSwitch;
  readonly rollback: Rollback;
  readonly rollouts: Rollouts;
  readonly reconciler: Reconciler;
  readonly drills: PlannedDrills;
}

export function assembleFleet(ground: Ground, approvals: Approvals): FleetParts {
  const { parts, hub, recorder, guard, fleetRight, repository, declared, calendar } = ground;
  const { drivers, clock, log } = parts;
  const killSwitch = createKillSwitch({
    recorder,
    drivers,
    file: parts.killSwitch,
    path: parts.killSwitch.path,
    declared: declared.killSwitch,
    mayRecord: () => guard.mayRecord(),
    clock,
    log,
    onChange() {
      hub.wake("fleet");
      hub.show(true);
    },
  });
  const rollback = createRollback({
    recorder,
    source: parts.source,
    proposals: parts.proposals,
    clock,
    log,
  });
  const rollouts = createRollouts({ recorder, log });
  const reconciler = createReconciler({
    repository,
    drivers,
    recorder,
    rollback,
    rollouts,
    approvals,
    clock,
    log,
    doubt() {
      const message = guard.obstacle();
      if (message !== null) return { reason: "RecordDoubtful", message };
      const right = fleetRight.obstacle();
      if (right !== null) return { reason: "NoRightToAct", message: right };
      const unknown = killSwitch.unknown();
      return unknown === null ? null : { reason: "KillSwitchUnknown", message: unknown.message };
    },
    killSwitch: () => killSwitch.readEngaged(),
    calendar,
  });
  const drills = createPlannedDrills({
    recorder,
    drills: parts.drills,
    desired: () => repository.desired(),
    destinations: declared.destinations,
    killSwitch: () => killSwitch.readEngaged(),
    killSwitchUnknown: () => killSwitch.unknown()?.message ?? null,
    mayRecord: () => guard.mayRecord(),
    clock,
    calendar,
    log,
    onChange: () => hub.show(true),
  });
  return { killSwitch, rollback, rollouts, reconciler, drills };
}
