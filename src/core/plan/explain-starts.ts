/** What a plan starts, when, and what all of it may cost. */
import { windowAt } from "../clone/start/window.ts";
import type { DesiredClone } from "../model/clone.ts";
import type { DesiredState } from "../model/desired.ts";
import type { AutonomyWindow, Budget, DesiredMission, MissionContract } from "../model/mission.ts";
import { type Instant, iso } from "../model/time.ts";
import type { Plan } from "./plan.ts";
import type { Held, Obstacle } from "./step.ts";

export interface PlannedStart {
  readonly mission: string;
  readonly missionId: string;
  readonly run: number;
  readonly clone: string;
  readonly contractHash: string;
  readonly objective: string;
  readonly budget: Budget;
  readonly isolation: string;
  readonly forbiddenTools: readonly string[];
  readonly approvalRequired: readonly string[];
  /** What its checks are not kept from, in words: an output that may replace what judges it, a network, a checkout to write to. */
  readonly judging: readonly string[];
  /** `now`, or when its window opens, or what it waits for. */
  readonly when: string;
  /** What holds it for now: its window, a place, its turn, its lane. It is started all the same as soon as that is over. */
  readonly held: Obstacle | null;
}

/** Sums over everything that would be started. Null: at least one mission has no such limit. */
export interface CostCeiling {
  readonly missions: number;
  readonly runtimeMinutes: number;
  readonly llmCalls: number | null;
  readonly costUsd: number | null;
  /** Missions without a limit on cost. */
  readonly withoutCostLimit: readonly string[];
}

interface Sides {
  readonly base: DesiredState | null;
  readonly head: DesiredState;
  readonly now: Instant;
}

/**
 * By the name of their mission: what starts at once, and what starts when time or capacity allow it. `waiting`: which
 * of the plan's `held` stand among the starts.
 */
export function startsOf(
  plan: Plan,
  sides: Sides,
): { readonly starts: readonly PlannedStart[]; readonly waiting: ReadonlySet<Held> } {
  const waiting = new Set(plan.held.filter((held) => startsLater(held, sides)));
  const starts = [
    ...plan.start.flatMap(({ mission }) => startOf(mission, null, sides)),
    ...[...waiting].flatMap((held) => startOf(held.waiting?.mission ?? null, held, sides)),
  ];
  return { starts: starts.sort((a, b) => (a.mission < b.mission ? -1 : 1)), waiting };
}

/** A mission of the base that waited for a place before waits still: nothing that this change starts. */
function startsLater({ waiting, reason }: Held, { base, head }: Sides): boolean {
  if (waiting?.type !== "start" && waiting?.type !== "assign") return false;
  if (waiting.type === "start" && reason === "OutsideWindow") return true;
  const name = waiting.mission ?? "";
  return base?.missions.get(name)?.missionId !== head.missions.get(name)?.missionId;
}

function startOf(name: string | null, held: Obstacle | null, { head, now }: Sides): PlannedStart[] {
  const mission = head.missions.get(name ?? "");
  const clone = mission === undefined ? undefined : head.clones.get(mission.contract.clone);
  if (mission === undefined || clone === undefined) return [];
  const { contract, limits, missionId, contractHash } = mission;
  return [
    {
      mission: mission.name,
      missionId,
      run: contract.run,
      clone: contract.clone,
      contractHash,
      objective: contract.objective.trim(),
      budget: limits.budget,
      isolation: clone.runtime.isolation,
      forbiddenTools: contract.constraints.forbidden_tools,
      approvalRequired: approvalsOf(mission, clone),
      judging: judgingOf(contract),
      when: whenOf(limits.autonomy_window, { held, now }),
      held: held === null ? null : { reason: held.reason, message: held.message },
    },
  ];
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

function whenOf(
  window: AutonomyWindow | null,
  { held, now }: { readonly held: Obstacle | null; readonly now: Instant },
): string {
  if (held !== null && held.reason !== "OutsideWindow") return `later: ${held.message}`;
  if (window === null) return "now";
  const { open, changesAt, ended } = windowAt(window, now);
  if (ended) return "never: its window is over";
  if (open) return changesAt === null ? "now" : `now, until ${iso(changesAt)}`;
  return changesAt === null
    ? "never: its window does not open"
    : `when its window opens at ${iso(changesAt)}`;
}

function approvalsOf(mission: DesiredMission, clone: DesiredClone): string[] {
  return [...new Set([...clone.approvalRequired, ...mission.contract.constraints.approval_required])].sort();
}

export function costOf(starts: readonly PlannedStart[]): CostCeiling {
  const sum = (values: readonly (number | null)[]): number | null =>
    values.reduce<number | null>(
      (total, value) => (total === null || value === null ? null : total + value),
      0,
    );
  return {
    missions: starts.length,
    runtimeMinutes: sum(starts.map((start) => start.budget.max_runtime_minutes)) ?? 0,
    llmCalls: sum(starts.map((start) => start.budget.max_llm_calls)),
    costUsd: sum(starts.map((start) => start.budget.max_cost_usd)),
    withoutCostLimit: starts
      .filter((start) => start.budget.max_cost_usd === null)
      .map((start) => start.mission),
  };
}
