/** Missions that have no lane yet, against the lanes. */
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import { coveringEntry, entryText } from "../model/kill-switch.ts";
import type { DesiredMission } from "../model/mission.ts";
import type { ApprovalGate } from "./approval-gate.ts";
import { inCoreReason, isInCoreOnly } from "./in-core.ts";
import type { ObservedState } from "./observed.ts";
import { recordedRuns } from "./runs.ts";
import type { Held, Obstacle, PlanStepDraft } from "./step.ts";

/** Gives lanes to missions without one, in the order of their names, and says of each that gets none why. */
export function planAssignments(
  missions: readonly DesiredMission[],
  around: {
    readonly desired: DesiredState | null;
    readonly observed: ObservedState;
    readonly approvals: ApprovalGate;
    readonly states: ReadonlyMap<string, CloneState>;
  },
): { readonly assign: readonly PlanStepDraft[]; readonly held: readonly Held[] } {
  const { desired, observed, approvals, states } = around;
  const given = new Map<string, PlanStepDraft>();
  const held: Held[] = [];
  if (desired === null) return { assign: [], held };
  for (const { mission, earlier } of withoutLane(missions, states)) {
    const { clone } = mission.contract;
    const step = assigning(mission);
    const givenTo = given.get(clone)?.mission ?? null;
    const obstacle =
      stopOf(mission, observed) ??
      obstacleOfFleet(mission, { desired, observed, earlier }) ??
      approvals.obstacle(mission) ??
      obstacleOfClone(clone, { state: states.get(clone), givenTo });
    if (obstacle === null) {
      given.set(clone, step);
      continue;
    }
    const waits = WAITS_FOR_ITS_TURN.has(obstacle.reason) ? { waiting: step } : {};
    held.push({ subject: `mission/${mission.name}`, step: "assign", ...obstacle, ...waits });
  }
  return { assign: [...given.values()], held: [...held, ...unusable(desired, states)] };
}

/** Missions that were never on record, and whose files cannot be used: nothing else would speak of them. */
function unusable({ broken }: DesiredState, states: ReadonlyMap<string, CloneState>): readonly Held[] {
  const recorded = new Set(
    [...states.values()].flatMap(({ mission, past, forgottenRuns }) => [
      ...(mission === null ? [] : [mission.name]),
      ...past.map(({ name }) => name),
      ...Object.keys(forgottenRuns),
    ]),
  );
  const because = broken.has("fleet")
    ? "its file cannot be used, or fleet.yaml cannot and no earlier one is known: without its caps nothing is started; see the issues of both"
    : "its file cannot be used: see the issues of its files";
  return [...broken]
    .filter((subject) => subject.startsWith("mission/") && !recorded.has(subject.slice("mission/".length)))
    .sort()
    .map((subject) => ({ subject, step: "assign", reason: "SpecInvalid", message: because }));
}

/** Reasons that pass by themselves when another mission ends, or the record is known to be ours. */
const WAITS_FOR_ITS_TURN: ReadonlySet<string> = new Set([
  "LaneTaken",
  "EarlierRunLives",
  "RecordDoubtful",
  "NoRightToAct",
  "KillSwitchUnknown",
]);

interface WithoutLane {
  readonly mission: DesiredMission;
  /** The lane on which another run of it lives. */
  readonly earlier: CloneState | null;
}

/** By the name of the mission. A step of the same plan may have ended the earlier run, or this one. */
function withoutLane(
  missions: readonly DesiredMission[],
  states: ReadonlyMap<string, CloneState>,
): readonly WithoutLane[] {
  const whereIs = recordedRuns(states);
  const found: WithoutLane[] = [];
  for (const mission of missions) {
    const where = whereIs(mission);
    if (where.type === "nowhere") found.push({ mission, earlier: null });
    else if (where.type === "earlier") found.push({ mission, earlier: where.home });
  }
  return found.sort((a, b) => (a.mission.name < b.mission.name ? -1 : 1));
}

function assigning(mission: DesiredMission): PlanStepDraft {
  return {
    type: "assign",
    clone: mission.contract.clone,
    mission: mission.name,
    why: {
      trigger: `commit ${mission.revision.slice(0, 12)}`,
      fields: [],
      from: null,
      to: mission.contractHash,
    },
    event: { type: "mission.assigned", mission },
  };
}

/** People have stopped it before it began. */
function stopOf(mission: DesiredMission, { killSwitch = [] }: ObservedState): Obstacle | null {
  const { limits } = mission;
  const engaged = coveringEntry(killSwitch, {
    clone: mission.contract.clone,
    mission: mission.name,
    labels: mission.labels,
  });
  if (engaged !== null) return because("KillSwitchEngaged", `${entryText(engaged)}; it is not dispatched`);
  if (limits.kill_switch.engaged)
    return because("KillSwitchEngaged", "its kill switch is engaged, so it is not dispatched");
  return limits.state === "cancelled"
    ? because("Cancelled", "its file says `state: cancelled`, so it is not dispatched")
    : null;
}

/** What the repository, the fleet's mode and the record say against it. */
function obstacleOfFleet(
  mission: DesiredMission,
  around: {
    readonly desired: DesiredState;
    readonly observed: ObservedState;
    readonly earlier: CloneState | null;
  },
): Obstacle | null {
  const { desired, observed, earlier } = around;
  const { clone } = mission.contract;
  if (earlier !== null) {
    const run = earlier.mission?.contract.run;
    return because("EarlierRunLives", `run ${run} of it lives on ${earlier.name}; runs follow each other`);
  }
  // With an in-core lane it gets its place all the same, and goes there from it.
  if (isInCoreOnly(desired, observed) && desired.fleet.simone.inCore === null) {
    return because(
      "InCoreOnly",
      `${inCoreReason(observed)}; parked: run it by hand, or name the in-core lane in fleet.yaml at \`spec.simone.in_core\``,
    );
  }
  const spec = desired.clones.get(clone);
  if (spec === undefined) {
    return desired.broken.has(`clone/${clone}`)
      ? because("CloneBroken", `its clone ${clone} cannot be used: see the issues of its files`)
      : because("CloneMissing", `its clone ${clone} is not declared`);
  }
  if (spec.state === "retired") return because("CloneRetired", `its clone ${clone} is declared retired`);
  return observed.doubt === null ? null : because(observed.doubt.reason, observed.doubt.message);
}

function obstacleOfClone(
  clone: string,
  { state, givenTo }: { readonly state: CloneState | undefined; readonly givenTo: string | null },
): Obstacle | null {
  // Its declaration is held back.
  if (state === undefined || state.spec === null)
    return because("CloneNotDeclaredYet", `its clone ${clone} is taken up first`);
  if (state.phase === "Retired") {
    return because(
      "CloneRetired",
      `its clone ${clone} was retired after its last mission; declare a new clone or change this one`,
    );
  }
  const busyWith = state.mission?.name ?? givenTo;
  return busyWith === null ? null : because("LaneTaken", `its clone ${clone} is busy with ${busyWith}`);
}

function because(reason: string, message: string): Obstacle {
  return { reason, message };
}
