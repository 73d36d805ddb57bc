import { activeMsOf } from "../clone/spending/active-time.ts";
import { limitsInForce, raiseOf } from "../clone/spending/raise.ts";
import { totalUsage } from "../clone/spending/total-usage.ts";
import { actorText } from "../model/actor.ts";
import type { ApprovalsInForce } from "../model/approvals.ts";
import { type Calendar, createCalendar } from "../model/calendar.ts";
import { type CloneState, type ClosedMission, isRunClosed, type MissionState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import type { DrillBook } from "../model/drill.ts";
import type { RollbackState } from "../model/guardrail.ts";
import { DEATH_UNPROVEN, type Hold } from "../model/hold.ts";
import type { InstanceHandle, Signal } from "../model/instance.ts";
import type { DesiredMission, MissionPhase } from "../model/mission.ts";
import { BUDGET_FIELDS } from "../model/request.ts";
import type { Rollout } from "../model/rollout.ts";
import type { Instant } from "../model/time.ts";
import type { Held } from "../plan/step.ts";
import { approvalsView } from "./approvals.ts";
import { type CallbackFacts, callbacksView } from "./callbacks.ts";
import { closureReport } from "./closure-report.ts";
import { conductView, NO_CONDUCT_VIEW } from "./conduct.ts";
import { drillsView } from "./drills.ts";
import type { ForgeView } from "./forge.ts";
import type { RightFacts } from "./lease-standing.ts";
import { livenessView } from "./liveness.ts";
import type { MachineFacts } from "./machine-problem.ts";
import { closedPhaseOf, missionPhaseOf } from "./phase.ts";
import type { RecordProblem } from "./record-problem.ts";
import type { CloneView, FleetView, MissionView, SourceView } from "./view.ts";

export interface FleetSnapshot {
  readonly installation: string;
  readonly now: Instant;
  readonly source: SourceView;
  readonly desired: DesiredState | null;
  readonly states: ReadonlyMap<string, CloneState>;
  readonly signals: ReadonlyMap<string, Signal>;
  readonly held: readonly Held[];
  readonly rollback: RollbackState;
  readonly rollouts: readonly Rollout[];
  readonly drills: DrillBook;
  /** How people are told of things; absent where nobody asks. */
  readonly callbacks?: CallbackFacts;
  /** Where changes are reviewed; absent where nobody asks, null where none is declared. */
  readonly forge?: ForgeView | null;
  /** Who has to approve what starts; absent where nobody ever had to. */
  readonly approvals?: ApprovalsInForce | undefined;
  /** How unusual the silence of an instance is; absent where nobody listens. */
  readonly suspicion?: (state: CloneState) => number | null;
  /** Absent or null: it can be written. */
  readonly record?: RecordProblem | null;
  /** Absent where nobody looks. */
  readonly machine?: MachineFacts;
  /** Absent where nobody asks whether this installation may act. */
  readonly right?: RightFacts;
  /** Kept by whoever looks often, so that not everything is worked out anew. What is seen is the same. */
  readonly memory?: SnapshotMemory;
}

export interface SnapshotMemory {
  readonly calendar: Calendar;
  /** A closed mission is never changed, only replaced; its report is the most expensive text that there is. */
  readonly closed: WeakMap<ClosedMission, MissionView>;
}

export function createSnapshotMemory(calendar: Calendar = createCalendar()): SnapshotMemory {
  return { calendar, closed: new WeakMap() };
}

/** The whole fleet as people see it: missions by name (the newest run of each), clones by name. */
export function fleetView(fleetSnapshot: FleetSnapshot): FleetView {
  const missions = missionViews(fleetSnapshot);
  const counts: Record<MissionPhase, number> = {
    Pending: 0,
    Preparing: 0,
    Starting: 0,
    Running: 0,
    Paused: 0,
    Blocked: 0,
    Recovering: 0,
    Closing: 0,
    Completed: 0,
    Failed: 0,
    Cancelled: 0,
    TimedOut: 0,
  };
  for (const mission of missions) counts[mission.phase]++;
  return {
    installation: fleetSnapshot.installation,
    mode:
      fleetSnapshot.rollback.pin === null ? (fleetSnapshot.desired?.fleet.mode ?? "normal") : "in_core_only",
    now: fleetSnapshot.now,
    source: fleetSnapshot.source,
    missions,
    clones: [...fleetSnapshot.states.values()].sort(byName).map((state) => cloneView(state, fleetSnapshot)),
    issues: fleetSnapshot.desired?.issues ?? [],
    held: fleetSnapshot.held.map(({ subject, step, reason, message }) => ({
      subject,
      step,
      reason,
      message,
    })),
    callbacks: callbacksView(fleetSnapshot.callbacks),
    forge: fleetSnapshot.forge ?? null,
    approvals: approvalsView(fleetSnapshot.approvals ?? null),
    drills: drillsView(
      fleetSnapshot.desired?.fleet.drills.kill ?? null,
      fleetSnapshot.drills,
      fleetSnapshot.memory?.calendar,
    ),
    counts,
  };
}

/** The newest run of every mission that is declared, lives, or was closed. */
export function missionViews(fleetSnapshot: FleetSnapshot): readonly MissionView[] {
  const views = new Map<string, MissionView>();
  const closedIds = new Set<string>();
  for (const state of fleetSnapshot.states.values()) {
    for (const closed of state.past) {
      closedIds.add(closed.missionId);
      const before = views.get(closed.name);
      if (before === undefined || before.run <= closed.run)
        views.set(closed.name, closedView(state, closed, fleetSnapshot));
    }
  }
  for (const state of fleetSnapshot.states.values()) {
    if (state.mission !== null) views.set(state.mission.name, livingView(state, fleetSnapshot));
  }
  const held = heldBySubject(fleetSnapshot.held);
  for (const mission of fleetSnapshot.desired?.missions.values() ?? []) {
    const before = views.get(mission.name);
    // An older run that was declared once more is not waiting for anything.
    if (closedIds.has(mission.missionId) || isForgotten(mission, fleetSnapshot)) continue;
    if (before === undefined || (before.missionId !== mission.missionId && before.closure !== null)) {
      views.set(mission.name, pendingView(mission, held.get(`mission/${mission.name}`), fleetSnapshot.now));
    }
  }
  return [...views.values()].sort(byName);
}

function livingView(state: CloneState, fleetSnapshot: FleetSnapshot): MissionView {
  const { mission } = state;
  if (mission === null) throw new TypeError("a living view needs a mission");
  const usage = totalUsage(mission, state.instance);
  return {
    name: mission.name,
    missionId: mission.missionId,
    run: mission.contract.run,
    clone: state.name,
    objective: mission.contract.objective,
    phase: missionPhaseOf(state),
    outcome: null,
    summary: shownHold(state)?.message ?? mission.blockers.at(-1)?.reason ?? mission.summary,
    since: state.phaseSince,
    holds: state.holds,
    conditions: state.conditions,
    usage: {
      activeMs: activeMsOf(state, fleetSnapshot.signals.get(state.name), fleetSnapshot.now),
      ...usage,
      trust: mission.trust,
      source: mission.usageSource,
    },
    budget: budgetOf(limitsInForce(mission).budget, raisedOf(mission)),
    revision: mission.revision,
    contractHash: mission.contractHash,
    conduct: conductView(mission),
    closure: null,
  };
}

function closedView(
  state: CloneState,
  closed: ClosedMission,
  { memory }: Pick<FleetSnapshot, "memory">,
): MissionView {
  const known = memory?.closed.get(closed);
  if (known !== undefined) return known;
  const view = viewOfClosed(state, closed);
  memory?.closed.set(closed, view);
  return view;
}

function viewOfClosed(state: CloneState, closed: ClosedMission): MissionView {
  const { economics } = closed.scorecard;
  return {
    name: closed.name,
    missionId: closed.missionId,
    run: closed.run,
    clone: state.name,
    objective: closed.objective,
    phase: closedPhaseOf(closed),
    outcome: closed.outcome,
    summary: closed.terminal.status === "completed" ? closed.summary : closed.terminal.reason,
    since: closed.closedAt,
    holds: [],
    conditions: closed.conditions,
    usage: {
      activeMs: economics.active_ms,
      llmCalls: economics.llm_calls,
      costMicros: economics.cost_usd === null ? null : Math.round(economics.cost_usd * 1_000_000),
      trust: economics.usage_trust,
      source: economics.usage_source ?? null,
    },
    budget: budgetOf(closed.limits.budget),
    revision: closed.revision,
    contractHash: closed.contractHash,
    conduct: conductView(closed),
    closure: {
      outcome: closed.outcome,
      scorecard: closed.scorecard,
      decision: closed.decision,
      closedAt: closed.closedAt,
      criteria: (closed.verdict?.criteria ?? []).map(({ id, text, state: met, review }) => ({
        id,
        text,
        state: met,
        by: review === undefined ? null : actorText(review.by),
      })),
      report: closureReport(state.name, closed),
    },
  };
}

/** It was closed so long ago that its closure is no longer kept. */
function isForgotten(mission: DesiredMission, fleetSnapshot: FleetSnapshot): boolean {
  const state = fleetSnapshot.states.get(mission.contract.clone);
  return state !== undefined && isRunClosed(state, { ...mission, run: mission.contract.run });
}

/** The first of each subject: of a large fleet most may be held at once. */
function heldBySubject(held: readonly Held[]): ReadonlyMap<string, Held> {
  const first = new Map<string, Held>();
  for (const one of held) if (!first.has(one.subject)) first.set(one.subject, one);
  return first;
}

function pendingView(mission: DesiredMission, held: Held | undefined, now: Instant): MissionView {
  return {
    name: mission.name,
    missionId: mission.missionId,
    run: mission.contract.run,
    clone: mission.contract.clone,
    objective: mission.contract.objective,
    phase: "Pending",
    outcome: null,
    summary: held?.message ?? "declared, not assigned yet",
    since: now,
    holds: [],
    conditions: [],
    usage: { activeMs: 0, llmCalls: null, costMicros: null, trust: "none", source: null },
    budget: budgetOf(mission.limits.budget),
    revision: mission.revision,
    contractHash: mission.contractHash,
    conduct: NO_CONDUCT_VIEW,
    closure: null,
  };
}

export function cloneView(state: CloneState, fleetSnapshot: FleetSnapshot): CloneView {
  const { instance } = state;
  const stored = fleetSnapshot.signals.get(state.name);
  const signal = instance !== null && stored?.heartbeat.epoch === instance.epoch ? stored : undefined;
  const age = signal === undefined ? null : Math.max(0, fleetSnapshot.now - signal.receivedAt);
  return {
    name: state.name,
    phase: state.phase,
    generation: state.generation,
    epoch: state.epoch,
    mission: state.mission?.name ?? null,
    since: state.phaseSince,
    instance:
      instance === null
        ? null
        : {
            epoch: instance.epoch,
            driver: instance.handle?.driver ?? state.spec?.runtime.driver ?? "unknown",
            containment: heldBy(instance.handle),
            health: instance.health,
            agentPhase: signal?.heartbeat.phase ?? null,
            heartbeatAgeMs: age,
            progressAgeMs:
              signal === undefined || age === null ? null : signal.heartbeat.lastProgressAgeMs + age,
            startedAt: instance.plannedAt,
            liveness: livenessView(state, signal, fleetSnapshot),
          },
    holds: state.holds,
    conditions: state.conditions,
    restarts: state.mission?.restarts ?? 0,
    digest: state.spec?.digest ?? null,
    revision: state.spec?.revision ?? null,
  };
}

function budgetOf(
  budget: {
    max_runtime_minutes: number;
    max_llm_calls: number | null;
    max_cost_usd: number | null;
  },
  raised: MissionView["budget"]["raised"] = [],
): MissionView["budget"] {
  return {
    maxRuntimeMinutes: budget.max_runtime_minutes,
    maxLlmCalls: budget.max_llm_calls,
    maxCostUsd: budget.max_cost_usd,
    raised,
  };
}

function raisedOf(mission: MissionState): MissionView["budget"]["raised"] {
  return BUDGET_FIELDS.flatMap((limit) => {
    const raise = raiseOf(mission, limit);
    return raise === null
      ? []
      : [{ limit, from: raise.from, to: raise.to, by: actorText(raise.by), at: raise.at }];
  });
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

/** What may have outlived a mission says nothing of how that ended. */
function shownHold({ holds, mission }: CloneState): Hold | undefined {
  return mission?.terminal == null ? holds[0] : holds.find(({ reason }) => reason !== DEATH_UNPROVEN);
}

/** `cgroup (PID namespace, bubblewrap, Landlock)` */
function heldBy(handle: InstanceHandle | null): string {
  if (handle === null) return "unknown";
  const { containment, layers = [] } = handle;
  return layers.length === 0 ? containment : `${containment} (${layers.join(", ")})`;
}
