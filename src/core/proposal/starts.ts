/** What a reviewer reads of a mission that begins: what for, by what means, judged how, at which price, and when. */
import { windowText } from "../meaning/window.ts";
import type { DesiredClone } from "../model/clone.ts";
import type { DesiredState } from "../model/desired.ts";
import type { DesiredMission, MissionContract } from "../model/mission.ts";
import { RESOURCE_FIELDS, RESOURCE_NAMES } from "../model/resources.ts";
import type { Beginning } from "./beginnings.ts";
import type { CloneFacts, CostCeiling, PlannedStart } from "./explanation.ts";

interface Sides {
  readonly base: DesiredState | null;
  readonly head: DesiredState;
  /** Whether anybody says that the run before has ended. */
  readonly worldKnown: boolean;
}

/** Null where the head has no such clone: then nothing starts. */
export function plannedStart(beginning: Beginning, { base, head, worldKnown }: Sides): PlannedStart | null {
  const { mission, obstacle, lane, resumes } = beginning;
  const { contract, limits, missionId, contractHash, name } = mission;
  const clone = head.clones.get(contract.clone) ?? base?.clones.get(contract.clone);
  if (clone === undefined) return null;
  const before = base?.missions.get(name) ?? null;
  return {
    ...cloneFacts(clone),
    mission: name,
    missionId,
    run: contract.run,
    runBefore: before?.contract.run ?? null,
    type: contract.mission_type,
    contractHash,
    objective: contract.objective.trim(),
    criteria: contract.success_criteria,
    outputs: contract.artifact_policy.required_outputs,
    storageScope: contract.artifact_policy.storage_scope,
    inputs: contract.inputs.map(({ path }) => path),
    budget: limits.budget,
    acceptsUnmetered: contract.accept_unmetered === true,
    allowedTools: contract.constraints.allowed_tools,
    forbiddenTools: contract.constraints.forbidden_tools,
    approvalRequired: approvalsOf(mission, clone),
    judging: judgingOf(contract),
    window: windowText(limits.autonomy_window),
    heartbeatSeconds: limits.heartbeat_interval_seconds,
    lane,
    resumes,
    when: whenOf(beginning, { head, clone, runBefore: before?.contract.run ?? null, worldKnown }),
    held: obstacle === null ? null : { reason: obstacle.reason, message: obstacle.message },
  };
}

export function cloneFacts(clone: DesiredClone): CloneFacts {
  const { runtime, agent, baseline } = clone;
  return {
    clone: clone.name,
    baseline: `${baseline.name}@${baseline.version}`,
    overlays: clone.overlays,
    driver: runtime.driver,
    isolation: runtime.isolation,
    resources: RESOURCE_NAMES.flatMap((name) => {
      const limit = runtime.resources?.[name];
      return limit === undefined ? [] : [`${RESOURCE_FIELDS[name].replace("_", " ")} ${limit}`];
    }),
    command: agent.command,
    variables: Object.keys(agent.env).sort(),
    secrets: clone.secrets,
    afterClosure: clone.afterClosure,
  };
}

/** The contract's word on what a reviewer has to weigh: who decides what judges the clone. */
function judgingOf({ artifact_policy, success_criteria }: MissionContract): string[] {
  return [
    ...artifact_policy.required_outputs
      .filter(({ replaces }) => replaces === true)
      .map(({ path }) => `output ${path} may replace what checks load`),
    ...success_criteria
      .filter(({ check }) => check?.network === true)
      .map(({ id }) => `check ${id} has the machine's network`),
    ...success_criteria
      .filter(({ check }) => check?.writes === true)
      .map(({ id }) => `check ${id} writes to its copy of the checkout`),
  ];
}

interface Around {
  readonly head: DesiredState;
  readonly clone: DesiredClone;
  readonly runBefore: number | null;
  readonly worldKnown: boolean;
}

/** What it waits for, without a clock: a plan that is read later says the same. */
function whenOf({ obstacle, how, lane, mission }: Beginning, around: Around): string {
  if (how === "parked") return "not before its file says `state: active`";
  if (lane === "in_core") return "in Simone's own runtime: the fleet is in_core_only";
  const windowed = mission.limits.autonomy_window !== null;
  // Who takes up the places is not known then, and so is not said.
  if (!around.worldKnown && (obstacle === null || SOON.has(obstacle.reason)))
    return `${windowed ? "in its window, " : ""}when a place is free: ${placesText(around.head, around.clone)}`;
  if (obstacle === null) return windowed ? "as soon as it is in its window" : "now";
  return reasonText(obstacle.reason, around) ?? `later: ${obstacle.message}`;
}

/** What is over within minutes, or at the next opening of a window. */
const SOON: ReadonlySet<string> = new Set(["OutsideWindow", "CapacityReached", "StartingInTurn"]);

function reasonText(reason: string, { head, clone, runBefore, worldKnown }: Around): string | null {
  switch (reason) {
    case "OutsideWindow":
      return "as soon as it is in its window";
    case "CapacityReached":
      return `when a place is free: ${placesText(head, clone)}`;
    case "StartingInTurn":
      return "in its turn: a few clones come up at once";
    case "EarlierRunLives": {
      const run = runBefore === null ? "the run before" : `run ${runBefore}`;
      return worldKnown ? `when ${run} has ended` : `when ${run} has ended, if it has not yet`;
    }
    default:
      return null;
  }
}

function placesText({ fleet }: DesiredState, { parallelCaps = [] }: DesiredClone): string {
  const caps = parallelCaps.map(({ overlay, max }) => `${max} with overlay ${overlay}`);
  return [`at most ${fleet.caps.maxParallelMissions} at once in the fleet`, ...caps].join(", ");
}

function approvalsOf(mission: DesiredMission, clone: DesiredClone): string[] {
  return [...new Set([...clone.approvalRequired, ...mission.contract.constraints.approval_required])].sort();
}

/** `raised`: of missions that stand already, by how much their limit on cost rises; null: it is taken away. */
export function costOf(
  starts: readonly PlannedStart[],
  raised: readonly { readonly mission: string; readonly usd: number | null }[],
): CostCeiling {
  const sum = (values: readonly (number | null)[]): number | null =>
    values.reduce<number | null>(
      (total, value) => (total === null || value === null ? null : plus(total, value)),
      0,
    );
  return {
    missions: starts.length,
    runtimeMinutes: sum(starts.map((start) => start.budget.max_runtime_minutes)) ?? 0,
    llmCalls: sum(starts.map((start) => start.budget.max_llm_calls)),
    costUsd: sum(starts.map((start) => start.budget.max_cost_usd)),
    withoutCostLimit: [
      ...starts.filter((start) => start.budget.max_cost_usd === null).map((start) => start.mission),
      ...raised.filter(({ usd }) => usd === null).map(({ mission }) => mission),
    ].sort(),
    raisedUsd: sum(raised.map(({ usd }) => usd)),
  };
}

/** Sums of dollars to the millionth, as they are metered: 0.1 and 0.2 are 0.3. */
function plus(a: number, b: number): number {
  return Math.round((a + b) * 1_000_000) / 1_000_000;
}
