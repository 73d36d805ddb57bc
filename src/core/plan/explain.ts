import { windowAt } from "../clone/start/window.ts";
import type { DesiredClone } from "../model/clone.ts";
import type { DesiredState } from "../model/desired.ts";
import { digestOf } from "../model/digest.ts";
import type { AutonomyWindow, Budget, DesiredMission } from "../model/mission.ts";
import { type Instant, iso } from "../model/time.ts";
import type { Held, PlannedAction } from "./plan.ts";
import type { Preview } from "./preview.ts";
import { type RightsChange, rightsOf, type SecretTouched, secretsOf } from "./rights.ts";

/** What a reviewer has to know before merging. All lists are ordered, so that equal plans read equally. */
export interface PlanExplanation {
  /** sha256 over everything that would be done, without the commits and the present time: equal plans have equal hashes. */
  readonly planHash: string;
  readonly base: string | null;
  readonly head: string;
  readonly starts: readonly PlannedStart[];
  readonly stops: readonly PlannedStop[];
  readonly changes: readonly PlannedChange[];
  readonly rights: readonly RightsChange[];
  readonly secrets: readonly SecretTouched[];
  readonly cost: CostCeiling;
  readonly blast: BlastRadius;
  readonly held: readonly Held[];
}

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
  /** `now`, or when its window opens, or what it waits for. */
  readonly when: string;
}

export interface PlannedStop {
  readonly mission: string | null;
  readonly clone: string;
  readonly action: PlannedAction["type"];
  readonly reason: string;
}

/** How a changed field takes effect on a clone that is busy (design section 9). */
export type FieldClass = "hot" | "turn" | "restart_resume" | "replace" | "forbidden";

export interface PlannedChange {
  /** `clone/<name>` or `mission/<name>`. */
  readonly subject: string;
  readonly action: PlannedAction["type"];
  readonly fields: readonly { readonly field: string; readonly class: FieldClass }[];
  readonly from: string | null;
  readonly to: string | null;
  /** When it takes effect, as a phrase. */
  readonly effect: string;
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

export interface BlastRadius {
  readonly touched: readonly string[];
  /** Clones of base and head together. */
  readonly total: number;
}

export interface ExplainInput {
  readonly base: DesiredState | null;
  readonly head: DesiredState;
  readonly preview: Preview;
  readonly now: Instant;
}

/** Turns a preview into what a reviewer asks: what starts, stops and changes, at which cost, with which rights. */
export function explainPlan({ base, head, preview, now }: ExplainInput): PlanExplanation {
  const waiting = preview.held.filter((held) => held.reason === "OutsideWindow" && held.action === "start");
  const starts = [
    ...preview.actions.filter((action) => action.type === "start").flatMap((action) => named(action.mission)),
    ...waiting.map((held) => held.subject.replace(/^mission\//, "")),
  ].flatMap((name) => startOf(name, head, now));
  starts.sort(by((start) => start.mission));
  const stops = stopsOf(preview.actions);
  const changes = changesOf(preview.actions, stops);
  const rights = rightsOf(base, head);
  const secrets = secretsOf(base, head, new Set(starts.map((start) => start.clone)));
  const held = [
    ...preview.held.filter((one) => !waiting.includes(one) && !stoppedBefore(one, base)),
    ...pausedOf(preview.actions, head),
  ];
  const touched = new Set([
    ...preview.actions.map((action) => action.clone),
    ...starts.map((one) => one.clone),
  ]);
  const body = {
    starts: starts.map(({ when: _when, missionId: _id, ...start }) => start),
    stops,
    changes,
    rights,
    secrets,
  };
  return {
    planHash: digestOf({
      ...body,
      held: held.map(({ subject, action, reason }) => ({ subject, action, reason })),
    }),
    base: base?.revision ?? null,
    head: head.revision,
    starts,
    stops,
    changes,
    rights,
    secrets,
    cost: costOf(starts),
    blast: {
      touched: [...touched].sort(),
      total: new Set([...(base?.clones.keys() ?? []), ...head.clones.keys()]).size,
    },
    held,
  };
}

/** Whether merging would do nothing at all, and hold nothing back. */
export function isEmptyPlan(plan: PlanExplanation): boolean {
  return plan.starts.length + plan.stops.length + plan.changes.length + plan.held.length === 0;
}

/** It is not dispatched, but nor was it before: nothing that this change does. */
function stoppedBefore({ subject, reason }: Held, base: DesiredState | null): boolean {
  if (reason !== "Cancelled" && reason !== "KillSwitchEngaged") return false;
  const limits = base?.missions.get(subject.replace(/^mission\//, ""))?.limits;
  return limits !== undefined && (limits.state === "cancelled" || limits.kill_switch.engaged);
}

/** Assigned, but not started: the file itself says so. */
function pausedOf(actions: readonly PlannedAction[], head: DesiredState): Held[] {
  return actions.flatMap(({ type, mission }): Held[] => {
    if (type !== "assign" || mission === null || head.missions.get(mission)?.limits.state !== "paused")
      return [];
    const message = "its file says `state: paused`: it is assigned and waits";
    return [{ subject: `mission/${mission}`, action: "start", reason: "PausedInFile", message }];
  });
}

function startOf(name: string, head: DesiredState, now: Instant): PlannedStart[] {
  const mission = head.missions.get(name);
  const clone = mission === undefined ? undefined : head.clones.get(mission.contract.clone);
  if (mission === undefined || clone === undefined) return [];
  const { contract, limits } = mission;
  return [
    {
      mission: name,
      missionId: mission.missionId,
      run: contract.run,
      clone: contract.clone,
      contractHash: mission.contractHash,
      objective: contract.objective.trim(),
      budget: limits.budget,
      isolation: clone.runtime.isolation,
      forbiddenTools: contract.constraints.forbidden_tools,
      approvalRequired: approvalsOf(mission, clone),
      when: whenOf(limits.autonomy_window, now),
    },
  ];
}

function whenOf(window: AutonomyWindow | null, now: Instant): string {
  if (window === null) return "now";
  const { open, changesAt, ended } = windowAt(window, now);
  if (ended) return "never: its window is over";
  if (open) return changesAt === null ? "now" : `now, until ${iso(changesAt)}`;
  return changesAt === null
    ? "never: its window does not open"
    : `when its window opens at ${iso(changesAt)}`;
}

function stopsOf(actions: readonly PlannedAction[]): PlannedStop[] {
  return actions
    .flatMap((action): PlannedStop[] => {
      const { type, clone, mission, event } = action;
      if (type === "withdraw" || type === "prune" || type === "replace") {
        const reason =
          type === "replace" ? "its declaration changed before its mission was accepted" : action.why.trigger;
        return [{ mission, clone, action: type, reason }];
      }
      if (type !== "stop") return [];
      const engaged = event.type === "mission.limits_changed" && event.limits.kill_switch.engaged;
      return [
        {
          mission,
          clone,
          action: type,
          reason: engaged ? "its kill switch is engaged" : "cancelled in its file",
        },
      ];
    })
    .sort(by((stop) => `${stop.clone} ${stop.action}`));
}

function changesOf(actions: readonly PlannedAction[], stops: readonly PlannedStop[]): PlannedChange[] {
  const changes = actions.flatMap((action): PlannedChange[] => {
    const { why, type } = action;
    if (type === "declare" || type === "replace") {
      const fields = why.fields.map((field) => ({ field, class: fieldClass(field) }));
      const subject = `clone/${action.clone}`;
      return [
        { subject, action: type, fields, from: why.from, to: why.to, effect: effectOf(why.from, action) },
      ];
    }
    if (type === "limit") {
      const fields = why.fields.map((field) => ({ field, class: "hot" as const }));
      return [
        {
          subject: `mission/${action.mission}`,
          action: type,
          fields,
          from: null,
          to: null,
          effect: "at once",
        },
      ];
    }
    return [];
  });
  const stopped = new Set(
    stops.filter((stop) => stop.action === "prune").map((stop) => `clone/${stop.clone}`),
  );
  return changes.filter((change) => !stopped.has(change.subject)).sort(by((change) => change.subject));
}

function effectOf(from: string | null, action: PlannedAction): string {
  if (from === null) return "new";
  if (action.type === "replace") return "at once: it is started again";
  return action.mission === null ? "with its next start" : "when its present instance has ended";
}

const CLASSES: readonly (readonly [RegExp, FieldClass])[] = [
  [/^name$/, "forbidden"],
  [/^(runtime|baseline)(\.|$)/, "replace"],
  [/^(workspaceDigest|overlays|approvalRequired)(\.|$)/, "turn"],
  [/^(agent|secrets|healthChecks|orphanPolicy)(\.|$)/, "restart_resume"],
];

/** Design section 9: what a change of this field of a clone's resolved spec takes. */
export function fieldClass(field: string): FieldClass {
  return CLASSES.find(([pattern]) => pattern.test(field))?.[1] ?? "hot";
}

function costOf(starts: readonly PlannedStart[]): CostCeiling {
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

function approvalsOf(mission: DesiredMission, clone: DesiredClone): string[] {
  return [...new Set([...clone.approvalRequired, ...mission.contract.constraints.approval_required])].sort();
}

function named(mission: string | null): string[] {
  return mission === null ? [] : [mission];
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
}
