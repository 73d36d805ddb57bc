import type { ActionApproval, ActionCounts } from "./action.ts";
import type { Actor } from "./actor.ts";
import type { CallbackState } from "./callback.ts";
import type { AfterClosure, DesiredClone } from "./clone.ts";
import type { ClosurePull } from "./closure-pull.ts";
import type { Condition, StartGate } from "./condition.ts";
import type { Conduct } from "./conduct.ts";
import type { ChangeClass, ChangedField } from "./drift.ts";
import type { BudgetLevel, Health, MeterName } from "./event.ts";
import type { Hold } from "./hold.ts";
import type { Incident } from "./incident.ts";
import type { DeathProof, InstanceHandle } from "./instance.ts";
import type { Recovery } from "./liveness.ts";
import type { MeterTrust, MissionContract, MissionLimits, Outcome } from "./mission.ts";
import type { MergedPostmortem } from "./postmortem.ts";
import type { AnsweredRequest, BudgetField, Request } from "./request.ts";
import type { Scorecard } from "./scorecard.ts";
import type { Throttle } from "./throttle.ts";
import type { Instant } from "./time.ts";
import type { TraceBundle, TraceCause } from "./trace.ts";
import type { Verdict } from "./verdict.ts";

/**
 * The life of one clone.
 *
 *   Idle ──► Preparing ──► Starting ──► Dispatching ──► Running
 *    ▲           │             │             │             │
 *    │◄──────────┘ gate not    └──────┬──────┴─────────────┤
 *    │             met                ▼                    ▼
 *    │                            Stopping ◄───────────────┘
 *    │                                │ proof of death
 *    │       ┌────────────────────────┼──────────────────────┐
 *    │       ▼ crashed                ▼ mission is over      ▼ withdrawn
 *    │   BackingOff, Quarantined   Judging ──► closed       Retired
 *    └───────┴────────────────────────┴──► Idle, or Retired
 *
 * - Idle: no instance. Leaves by `start.planned`, which the plan gives when nothing holds it.
 * - Preparing: workspace and secrets. Leaves by `prepare.finished`.
 * - Starting: an epoch is used up, the intent is recorded. Leaves by the shim's `instance.ready`, or at `deadlineAt`.
 * - Dispatching: the mission was handed over. Leaves by `mission.accepted`, or at `deadlineAt`.
 * - Running: accepted. Leaves by a terminal report, an exit, or a stop.
 * - Stopping: the epoch is fenced. Leaves only with proof of death; without it the lane is frozen.
 * - BackingOff: leaves at `deadlineAt`, when nothing holds it. The epoch does not change until the next start.
 * - Quarantined: leaves by a new generation or by hand; time alone does not help.
 * - Judging: outputs and criteria are looked at in a clean place. Leaves by `judge.finished`.
 * - Postmortem: judged or ended, and something critical happened. Leaves when the postmortem is merged.
 * - Retired: leaves by a new declaration only.
 */
export type ClonePhase =
  | "Idle"
  | "Preparing"
  | "Starting"
  | "Dispatching"
  | "Running"
  | "Stopping"
  | "BackingOff"
  | "Quarantined"
  | "Judging"
  | "Postmortem"
  | "Retired";

export interface CloneState {
  readonly name: string;
  /** Number of events folded into this state. */
  readonly version: number;
  readonly phase: ClonePhase;
  readonly phaseSince: Instant;
  /** When the phase is left by itself, if it is. */
  readonly deadlineAt: Instant | null;

  /** The last good resolved spec; kept while its file is broken. Null once withdrawn and before the first declaration. */
  readonly spec: DesiredClone | null;
  /** +1 whenever the spec's digest changes. */
  readonly generation: number;
  /** The spec with which the living instance was started; differs from `spec` while a change waits. */
  readonly appliedDigest: string | null;
  /** What of the declaration the living instance does not have yet; null while it has all of it. */
  readonly drift: Drift | null;
  /** The repository no longer wants this clone. */
  readonly withdrawn: boolean;

  /** Highest epoch ever used; +1 with every start. */
  readonly epoch: number;
  readonly instance: InstanceState | null;
  /** The mission on this lane, from its assignment until its closure. */
  readonly mission: MissionState | null;
  /** Closed missions, newest last, at most `PAST_MISSIONS_MAX`. */
  readonly past: readonly ClosedMission[];
  /** Of those that no longer stand in `past`: by mission the highest run. They are over for good, however long ago. */
  readonly forgottenRuns: Readonly<Record<string, number>>;

  readonly holds: readonly Hold[];
  /** Open questions to people, oldest first, at most `REQUESTS_MAX`. */
  readonly requests: readonly Request[];
  /** Questions ever asked on this lane: the number in the next one's id. */
  readonly requestsMade: number;
  /** What all instances that are over have used as far as they said; never falls. */
  readonly spent: Spent;
  /** What all had used when this day began, for the caps of a day; null while none is declared. */
  readonly day: (Spent & { readonly day: string }) | null;
  /** The newest evidence for each gate. */
  readonly gates: readonly StartGate[];
  /** Derived after every event; kept because `since` has to remember. */
  readonly conditions: readonly Condition[];
  /** Failures of the present generation, newest last, at most `FAILURES_MAX`. */
  readonly failures: readonly Failure[];
  /** What the last failure was about, for `why`. */
  readonly lastFailure: string | null;
  /** The newest rate limit that its agent met. */
  readonly throttle: Throttle | null;
  /** When it was last let go after one. */
  readonly admittedAt: Instant | null;
  /** How its degraded instance is brought back, or the last one was. */
  readonly recovery: Recovery | null;
  /** Prepare attempts in a row that did not pass. */
  readonly gateAttempts: number;
  /** The last things that happened, newest last, at most `RECENT_MAX`. */
  readonly recent: readonly Recent[];
}

export interface Drift {
  readonly since: Instant;
  readonly revision: string;
  readonly fields: readonly ChangedField[];
  readonly class: ChangeClass;
}

/** The part that is known: at least this much. */
export interface Spent {
  readonly llmCalls: number;
  readonly costMicros: number;
}

export interface Recent {
  readonly at: Instant;
  readonly type: string;
  readonly text: string;
}

export interface InstanceState {
  readonly epoch: number;
  readonly nonce: string;
  /** Null until the driver answered. */
  readonly handle: InstanceHandle | null;
  readonly plannedAt: Instant;
  readonly readyAt: Instant | null;
  readonly dispatchedAt: Instant | null;
  readonly acceptedAt: Instant | null;
  readonly health: Health;
  readonly healthSince: Instant;
  readonly healthEvidence: string;
  /** Highest report taken, without gaps. */
  readonly lastSeq: number;
  /** A gap was seen and has not been closed yet: `seq` that was expected. */
  readonly gapAt: number | null;
  readonly callback: CallbackState;
  /** The cadence that its shim was last told. */
  readonly heartbeatIntervalMs: number;
  readonly cadenceSince: Instant;
  /** What we last asked for. Null: nobody knows, so it is told as soon as it runs, whichever it is to do. */
  readonly pauseAsked: boolean | null;
  readonly paused: boolean;
  /** When it was last known to go on after a pause. */
  readonly resumedAt: Instant | null;
  /** When its shim last answered a call of ours: as good as a heartbeat for the lease, not for its health. */
  readonly answeredAt: Instant | null;
  /** Time in which its agent worked, as its shim measured it; null before its first word. */
  readonly activeMs: number | null;
  /** Active time of the mission before this instance. */
  readonly activeBaseMs: number;
  /** Until when the agent may come to the end of its turn, and the last heartbeat from before it was told; null: no grace is under way. */
  readonly grace: { readonly until: Instant; readonly beat: number | null } | null;
  /** When the pause that is in force was asked for (after a grace: when that was over) and confirmed; null while none is. */
  readonly pauseAskedAt: Instant | null;
  readonly pausedAt: Instant | null;
  /** The limits that its shim was told last, so that it holds them by itself; null: nobody knows. */
  readonly limitsTold: string | null;
  /** What it had used when that pause had settled, and how often that rose since. */
  readonly settled: {
    readonly llmCalls: number | null;
    readonly costMicros: number | null;
    readonly rises: number;
  } | null;
  /** Usage of this instance as reported, cumulative. */
  readonly llmCalls: number | null;
  readonly costMicros: number | null;
  /** Why it is being stopped; null while it may live. */
  readonly stopping: StopReason | null;
  /** Times that a stop came back without proof. */
  readonly stopAttempts: number;
  /** Why a trace bundle is kept of it; null: none is. */
  readonly trace: TraceCause | null;
}

/** Decides what comes after the proof of death. */
export type StopReason =
  | { readonly type: "mission_over" }
  | {
      readonly type: "failed";
      readonly signature: string;
      readonly message: string;
      /** Trying again cannot help: the machine or the declaration has to change. */
      readonly permanent?: boolean;
      /** Why it cannot, as the reason of the quarantine; default `LaunchRefused`. */
      readonly refusal?: "AgentUnauthorized" | "DiskQuotaExceeded";
    }
  /** It ended under a rate limit: no failure, and it is started again when its account is free. */
  | { readonly type: "throttled"; readonly message: string }
  /** It has used all of a limit: no failure, and another one goes on when a person has raised that. */
  | { readonly type: "spent"; readonly message: string }
  | { readonly type: "replaced"; readonly message: string }
  | { readonly type: "withdrawn" };

export interface Failure {
  readonly at: Instant;
  readonly epoch: number;
  /** Equal signatures are the same failure. */
  readonly signature: string;
  readonly message: string;
}

export interface MissionState {
  readonly missionId: string;
  readonly name: string;
  readonly revision: string;
  readonly contract: MissionContract;
  readonly contractHash: string;
  /** As the file says them; what is in force is `limitsInForce`. */
  readonly limits: MissionLimits;
  /** Limits that a decision raised above the file's. */
  readonly raises: Readonly<Partial<Record<BudgetField, Raise>>>;
  /** What the clone had spent before this mission. */
  readonly spentBefore: Spent;
  readonly labels: Readonly<Record<string, string>>;
  /** W3C trace id. */
  readonly traceId: string;
  readonly assignedAt: Instant;
  readonly firstLaunchAt: Instant | null;
  readonly dispatchedAt: Instant | null;
  readonly acceptedAt: Instant | null;
  readonly firstProgressAt: Instant | null;
  readonly summary: string;
  readonly summaryAt: Instant;
  /** Blockers by reason, loops, and what was said to the agent. */
  readonly conduct: Conduct;
  /** Open blockers by reason. */
  readonly blockers: readonly { readonly reason: string; readonly since: Instant; readonly times: number }[];
  readonly artifacts: readonly { readonly path: string; readonly sha256?: string; readonly bytes?: number }[];
  /** Active time of earlier instances and of earlier stretches of this one. */
  readonly activeMs: number;
  /** Since when the agent runs unpaused; null while it does not. */
  readonly activeSince: Instant | null;
  /** Usage of earlier instances; null as soon as any of them is unknown. */
  readonly llmCalls: number | null;
  readonly costMicros: number | null;
  readonly trust: MeterTrust;
  /** Names of those who counted, as they were said last. */
  readonly usageSource: string | null;
  /** The highest level crossed per meter under the present limits. */
  readonly crossed: Readonly<Partial<Record<MeterName, BudgetLevel>>>;
  readonly restarts: number;
  readonly interventions: number;
  readonly incidents: readonly Incident[];
  /** Incidents ever seen: the number in the next one's id. */
  readonly incidentsSeen: number;
  /** Questions that were answered, newest last, at most `ANSWERED_MAX`. */
  readonly answered: readonly AnsweredRequest[];
  readonly actions: ActionCounts;
  /** Decisions on actions that were not used up, newest last, at most `APPROVALS_MAX`. */
  readonly approvals: readonly ActionApproval[];
  /** By action key: when a person let the lane go on after that action had frozen it; at most `RELEASES_MAX`. */
  readonly released: Readonly<Record<string, Instant>>;
  /** Time under holds that only people clear, up to `waitingSince`. */
  readonly waitedForPeopleMs: number;
  readonly waitingSince: Instant | null;
  /** Offered to the in-core lane: no clone may start it any more. */
  readonly handover: {
    readonly url: string;
    readonly authRef: string | null;
    readonly askedAt: Instant;
  } | null;
  readonly terminal: Terminal | null;
  /** Proof that its last instance is dead. */
  readonly proof: DeathProof | null;
  readonly judgeAttempts: number;
  /** Trace bundles that were kept, oldest first, at most `TRACES_MAX`. */
  readonly traces: readonly TraceBundle[];
  /** How it will be closed, while that waits for a postmortem. */
  readonly ending: ClosureEnding | null;
  readonly postmortem: MergedPostmortem | null;
}

/** What a closure says beside the record. */
export interface ClosureEnding {
  readonly verdict: Verdict | null;
  readonly outcome: Outcome;
  readonly reason: string;
}

/** What was used of its limits, where that was all of one, or more. */
export interface OverLimit {
  readonly meters: readonly MeterName[];
  /** `cost_usd is at 12 of 10` */
  readonly text: string;
  /** What people said: nothing yet; that its result counts, or does not; that they know of it. */
  readonly word: "open" | "approved" | "denied" | "known";
  readonly by: Actor | null;
}

/** One raised limit, recorded with before and after. */
export interface Raise {
  /** What the file said; the raise is over when it says something else. */
  readonly declared: number | null;
  readonly from: number;
  readonly to: number;
  readonly by: Actor;
  readonly at: Instant;
  /** The question that it answered. */
  readonly request: string;
}

export interface Terminal {
  readonly status: "completed" | "failed" | "cancelled" | "timed_out";
  readonly at: Instant;
  readonly reason: string;
  readonly by: Actor;
}

export interface ClosedMission {
  readonly missionId: string;
  readonly name: string;
  readonly run: number;
  readonly revision: string;
  readonly objective: string;
  readonly contractHash: string;
  readonly terminal: Terminal;
  readonly outcome: Outcome;
  readonly outcomeReason: string;
  readonly verdict: Verdict | null;
  /** Absent from closures of before it was looked at. */
  readonly over?: OverLimit | null;
  readonly artifacts: MissionState["artifacts"];
  readonly scorecard: Scorecard;
  readonly incidents: readonly Incident[];
  readonly answered: readonly AnsweredRequest[];
  readonly actions: ActionCounts;
  readonly conduct: Conduct;
  readonly proof: DeathProof | null;
  readonly traces: readonly TraceBundle[];
  readonly postmortem: MergedPostmortem | null;
  /** As they were in force at the end. */
  readonly limits: MissionLimits;
  readonly summary: string;
  readonly assignedAt: Instant;
  readonly acceptedAt: Instant | null;
  readonly closedAt: Instant;
  readonly epochs: number;
  readonly decision: "undecided" | Exclude<AfterClosure, "ask">;
  readonly decidedBy: Actor | null;
  /** Where people are asked to decide it; absent: nowhere, or not yet. */
  readonly pull?: ClosurePull;
  readonly archivedAt: string | null;
  /** Where the template was proposed. */
  readonly promotedAt: string | null;
  /** What the clone was made of. */
  readonly doneWith: {
    readonly digest: string;
    readonly baseline: string;
    readonly overlays: readonly string[];
  };
  /** As they stood when the mission was closed: the evidence that every gate was passed. */
  readonly conditions: readonly Condition[];
}

export const RECENT_MAX = 12;
export const PAST_MISSIONS_MAX = 50;
export const FAILURES_MAX = 20;
export const INCIDENTS_MAX = 100;
export const ARTIFACTS_MAX = 200;
export const BLOCKERS_MAX = 20;
export const REQUESTS_MAX = 100;
export const ANSWERED_MAX = 50;
/** What is forgotten beyond it is asked again, never done. */
export const APPROVALS_MAX = 200;
export const RELEASES_MAX = 100;

export function initialState(name: string, at: Instant): CloneState {
  return {
    name,
    version: 0,
    phase: "Idle",
    phaseSince: at,
    deadlineAt: null,
    spec: null,
    generation: 0,
    appliedDigest: null,
    drift: null,
    withdrawn: false,
    epoch: 0,
    instance: null,
    mission: null,
    past: [],
    forgottenRuns: {},
    holds: [],
    requests: [],
    requestsMade: 0,
    spent: { llmCalls: 0, costMicros: 0 },
    day: null,
    gates: [],
    conditions: [],
    failures: [],
    lastFailure: null,
    throttle: null,
    admittedAt: null,
    recovery: null,
    gateAttempts: 0,
    recent: [],
  };
}

/** Whether this run was closed on this lane, also when its closure is no longer kept. */
export function isRunClosed(
  state: CloneState,
  run: { readonly missionId: string; readonly name: string; readonly run: number },
): boolean {
  return (
    state.past.some((past) => past.missionId === run.missionId) ||
    (Object.hasOwn(state.forgottenRuns, run.name) && (state.forgottenRuns[run.name] ?? 0) >= run.run)
  );
}
