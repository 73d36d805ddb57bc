/** What a file says about a mission that lives: its limits, and its stop. */
import { loosened, tightestOf } from "../approvals/loosened.ts";
import { raisesBeyond } from "../clone/spending/raise.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState, FleetPolicy } from "../model/desired.ts";
import type { DesiredMission, MissionLimits } from "../model/mission.ts";
import { sameValue } from "../model/same.ts";
import type { ApprovalGate } from "./approval-gate.ts";
import { differingFields } from "./diff.ts";
import { recordedRuns } from "./runs.ts";
import { type Held, type PlanStepDraft, stepOn } from "./step.ts";

export interface LimitSteps {
  readonly stop: readonly PlanStepDraft[];
  readonly limit: readonly PlanStepDraft[];
  readonly held: readonly Held[];
  /** Declared missions whose run is neither on a lane nor over: nothing of a plan but an assignment gives them one. */
  readonly withoutLane: readonly DesiredMission[];
}

interface Steps {
  readonly stop: PlanStepDraft[];
  readonly limit: PlanStepDraft[];
  readonly held: Held[];
  readonly withoutLane: DesiredMission[];
  readonly approvals: ApprovalGate;
}

export function planLimits(
  desired: DesiredState | null,
  states: ReadonlyMap<string, CloneState>,
  approvals: ApprovalGate,
): LimitSteps {
  const steps: Steps = { stop: [], limit: [], held: [], withoutLane: [], approvals };
  if (desired === null) return steps;
  const whereIs = recordedRuns(states);
  for (const mission of desired.missions.values()) {
    const found = whereIs(mission);
    if (found.type === "lives") planSameRun(mission, { home: found.home, caps: desired.fleet.caps }, steps);
    else if (found.type !== "closed") steps.withoutLane.push(mission);
    if (found.type === "earlier") planEarlierRun(mission, found.home, steps);
  }
  planStopsOfBrokenFiles(desired, states, steps);
  return steps;
}

function planSameRun(
  mission: DesiredMission,
  { home, caps }: { readonly home: CloneState; readonly caps: FleetPolicy["caps"] },
  steps: Steps,
): void {
  const current = home.mission;
  if (current === null || current.terminal !== null) return;
  for (const event of raisesBeyond(current, { caps, revision: mission.revision }))
    steps.limit.push(stepOn(home, { type: "limit", why: { trigger: event.reason }, event }));
  if (current.contractHash !== mission.contractHash) {
    steps.held.push({
      subject: `mission/${mission.name}`,
      step: "assign",
      reason: "ContractFixed",
      message: "its contract changed after dispatch; raise `spec.run` to dispatch the changed contract",
    });
  }
  changeLimits(mission, { home, from: current.limits, to: mission.limits }, steps);
}

/** The file speaks of the next run already, but its pause and its stop reach the one that lives: stop passes every gate. */
function planEarlierRun(mission: DesiredMission, home: CloneState, steps: Steps): void {
  const current = home.mission;
  if (current === null || current.terminal !== null) return;
  const { state, kill_switch } = mission.limits;
  changeLimits(mission, { home, from: current.limits, to: { ...current.limits, state, kill_switch } }, steps);
}

function changeLimits(
  mission: DesiredMission,
  change: { readonly home: CloneState; readonly from: MissionLimits; readonly to: MissionLimits },
  steps: Steps,
): void {
  const { home, from } = change;
  const to = approved(mission, change, steps);
  if (sameValue(from, to)) return;
  const type = to.kill_switch.engaged || to.state === "cancelled" ? "stop" : "limit";
  steps[type].push(
    stepOn(home, {
      type,
      why: { trigger: `commit ${mission.revision.slice(0, 12)}`, fields: differingFields(from, to) },
      event: { type: "mission.limits_changed", limits: to, revision: mission.revision },
    }),
  );
}

/** Tighter applies at once; what is looser, once it was approved like the contract. */
function approved(
  mission: DesiredMission,
  { from, to }: { readonly from: MissionLimits; readonly to: MissionLimits },
  { held, approvals }: Pick<Steps, "held" | "approvals">,
): MissionLimits {
  const looser = loosened(from, to);
  const obstacle = looser.length === 0 ? null : approvals.obstacle(mission);
  if (obstacle === null) return to;
  const message = `its ${looser.join(", ")} would be looser: ${obstacle.message}`;
  held.push({ subject: `mission/${mission.name}`, step: "limit", reason: obstacle.reason, message });
  return tightestOf(from, to);
}

/** A file that cannot be used may still say stop, and stop is obeyed. */
function planStopsOfBrokenFiles(
  desired: DesiredState,
  states: ReadonlyMap<string, CloneState>,
  { stop }: Steps,
): void {
  if (desired.stops.size === 0) return;
  for (const state of states.values()) {
    const { mission } = state;
    const said = mission === null ? undefined : desired.stops.get(mission.name);
    if (mission === null || said === undefined || mission.terminal !== null) continue;
    const limits: MissionLimits = {
      ...mission.limits,
      state: said.state,
      kill_switch: { engaged: said.killSwitch || mission.limits.kill_switch.engaged },
    };
    if (sameValue(limits, mission.limits)) continue;
    stop.push(
      stepOn(state, {
        type: "stop",
        why: { trigger: "its file is broken but asks for a stop" },
        event: { type: "mission.limits_changed", limits, revision: desired.revision },
      }),
    );
  }
}
