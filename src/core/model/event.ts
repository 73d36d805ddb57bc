import type { ActionRow, ActionState, RememberedAction } from "./action.ts";
import type { Actor } from "./actor.ts";
import type { RefusedReport } from "./callback.ts";
import type { AfterClosure, DesiredClone } from "./clone.ts";
import type { ClosurePull } from "./closure-pull.ts";
import type { StartGate } from "./condition.ts";
import type { Hold, HoldKind } from "./hold.ts";
import type { DeathProof, InstanceHandle } from "./instance.ts";
import type { DegradedCause, Probed, Rung } from "./liveness.ts";
import type { DesiredMission, MeterOrigin, MissionLimits } from "./mission.ts";
import type { MergedPostmortem } from "./postmortem.ts";
import type { Report } from "./report.ts";
import type { BudgetField, Decided } from "./request.ts";
import type { Instant } from "./time.ts";
import type { TraceBundle } from "./trace.ts";
import type { Verdict } from "./verdict.ts";

/**
 * Everything that can happen to one clone. Events are what is recorded: a
 * clone's state is the fold of its events through `decide`, and nothing else.
 *
 * Events that name an `epoch` are about that instance; `decide` ignores them,
 * and says so, when the clone has moved on to a higher one.
 */
export type CloneEvent =
  // What people want, from the repository or by hand.
  | { readonly type: "clone.declared"; readonly spec: DesiredClone }
  | { readonly type: "clone.withdrawn"; readonly revision: string; readonly reason: string }
  | { readonly type: "mission.assigned"; readonly mission: DesiredMission }
  | { readonly type: "mission.limits_changed"; readonly limits: MissionLimits; readonly revision: string }
  | { readonly type: "mission.withdrawn"; readonly revision: string; readonly reason: string }
  | { readonly type: "hold.placed"; readonly hold: Hold; readonly by: Actor }
  | {
      readonly type: "hold.released";
      readonly kind: HoldKind;
      readonly owner: string;
      readonly by: Actor;
      readonly reason: string;
    }
  | { readonly type: "kill.requested"; readonly by: Actor; readonly reason: string; readonly now: boolean }
  | {
      readonly type: "closure.decided";
      readonly missionId: string;
      readonly decision: AfterClosure;
      readonly by: Actor;
    }
  /** A forge told of the pull request in which a closure is decided. */
  | { readonly type: "closure.pull_seen"; readonly missionId: string; readonly pull: ClosurePull }
  /** The first event of a clone in a record that was rebuilt: see `reconciler/record/restore.ts`. */
  | {
      readonly type: "clone.restored";
      /** What the status branch knew, as `core/record/published.ts` reads it, past missions included. */
      readonly snapshot: RestoredLane;
      /** When that was so. */
      readonly asOf: Instant;
      /** No epoch up to this one is used again: above everything that was ever seen of the clone. */
      readonly epoch: number;
      /** The highest instance of which anything is left; null when nothing is. */
      readonly body: RestoredInstance | null;
      /** Whether its workspace is still there. */
      readonly workspace: boolean;
      /** The effect ledger of its mission, as far as it was published. */
      readonly actions: readonly ActionRow[];
      /** Whoever may have acted since the publication has told of it: `actions` is whole. Absent in older records: not. */
      readonly witnessed?: boolean;
      /** Why an instance of it may live where nobody can look; its lane waits for a person. */
      readonly unproven?: string;
      /** The journal that was lost, as far as it was published: this one goes on from there. */
      readonly anchor: { readonly seq: number; readonly hash: string } | null;
      /** A sentence: what it was rebuilt from. */
      readonly evidence: string;
    }
  /** A person says something to the agent. */
  | { readonly type: "message.sent"; readonly by: Actor; readonly text: string }
  /** A person's word on the criteria of a closed mission that only people can judge. */
  | {
      readonly type: "review.recorded";
      readonly missionId: string;
      readonly criteria: readonly { readonly id: string; readonly met: boolean }[];
      readonly by: Actor;
      readonly note: string;
    }
  | {
      readonly type: "template.proposed";
      readonly missionId: string;
      readonly by: Actor;
      /** The fleet's guardrail at that moment. */
      readonly interventionsMax: number;
    }
  // Answers to open questions.
  | { readonly type: "request.acknowledged"; readonly request: string; readonly by: Actor }
  | {
      readonly type: "request.decided";
      readonly request: string;
      readonly decision: Decided;
      readonly by: Actor;
      readonly reason: string;
    }
  /** The fleet's caps fell below a raised limit. */
  | {
      readonly type: "raise.ended";
      readonly field: BudgetField;
      readonly reason: string;
      readonly revision: string;
    }
  // The plan lets it go.
  | { readonly type: "start.planned"; readonly revision: string; readonly why: string }
  /** The fleet went back to Simone alone before the mission reached a clone. */
  | {
      readonly type: "handover.planned";
      readonly missionId: string;
      readonly url: string;
      readonly authRef: string | null;
    }
  // Outcomes of effects.
  | { readonly type: "handover.finished"; readonly missionId: string; readonly evidence: string }
  | { readonly type: "handover.failed"; readonly missionId: string; readonly message: string }
  | { readonly type: "prepare.finished"; readonly gates: readonly StartGate[] }
  | { readonly type: "instance.launched"; readonly epoch: number; readonly handle: InstanceHandle }
  | {
      readonly type: "instance.launch_failed";
      readonly epoch: number;
      readonly code: string;
      readonly message: string;
      /** The machine or the repository has to change; trying again at once is of no use. */
      readonly permanent: boolean;
    }
  | { readonly type: "dispatch.finished"; readonly epoch: number }
  | { readonly type: "dispatch.failed"; readonly epoch: number; readonly message: string }
  /** The shim was told how often to beat; until then silence is measured by what it was told before. */
  | { readonly type: "instance.configured"; readonly epoch: number; readonly heartbeatIntervalMs: number }
  /** Its agent was told that it is to pause and has a grace for it; `beat` is the last heartbeat from before. */
  | { readonly type: "instance.pausing"; readonly epoch: number; readonly beat: number }
  | { readonly type: "instance.paused"; readonly epoch: number }
  | { readonly type: "instance.resumed"; readonly epoch: number }
  /** The agent has these words on its standard input; whether it reads them is its own affair. */
  | {
      readonly type: "message.delivered";
      readonly epoch: number;
      readonly id: string;
      readonly from: "operator" | "supervisor";
    }
  | {
      readonly type: "stop.finished";
      readonly epoch: number;
      readonly proof: DeathProof;
      /** How long its agent had worked by its last heartbeat; it may have had no time to report it. */
      readonly activeMs?: number;
    }
  | { readonly type: "stop.failed"; readonly epoch: number; readonly message: string }
  | { readonly type: "judge.finished"; readonly missionId: string; readonly verdict: Verdict }
  | { readonly type: "judge.failed"; readonly missionId: string; readonly message: string }
  | { readonly type: "trace.saved"; readonly missionId: string; readonly bundle: TraceBundle }
  | { readonly type: "trace.failed"; readonly missionId: string; readonly message: string }
  | { readonly type: "postmortem.merged"; readonly missionId: string; readonly postmortem: MergedPostmortem }
  | { readonly type: "promote.finished"; readonly missionId: string; readonly evidence: string }
  | { readonly type: "archive.finished"; readonly missionId: string; readonly path: string }
  // What is seen.
  | { readonly type: "instance.reported"; readonly epoch: number; readonly report: Report }
  | { readonly type: "instance.adopted"; readonly epoch: number; readonly handle: InstanceHandle }
  | { readonly type: "instance.gone"; readonly epoch: number; readonly evidence: string }
  | { readonly type: "stray.found"; readonly handle: InstanceHandle; readonly evidence: string }
  | {
      readonly type: "health.changed";
      readonly epoch: number;
      readonly health: Health;
      readonly evidence: string;
      /** Why, and for how long it had been so when it was noticed; where it is degraded or lost. */
      readonly cause?: DegradedCause;
      readonly sinceMs?: number;
    }
  /** One attempt to bring a degraded instance back, and what came of it. */
  | {
      readonly type: "recovery.tried";
      readonly epoch: number;
      readonly rung: Exclude<Rung, "restart">;
      readonly ok: boolean;
      readonly found: Probed | null;
      readonly evidence: string;
    }
  | {
      readonly type: "callback.gap";
      readonly epoch: number;
      readonly expectedSeq: number;
      readonly seenSeq: number;
    }
  /** The outbox was read through the driver; `brought`: reports that had not come over the callback. */
  | {
      readonly type: "callback.restored";
      readonly epoch: number;
      readonly throughSeq: number;
      readonly brought?: number;
    }
  /** No heartbeat arrives, so the outbox is to be read past the callback. */
  | { readonly type: "callback.pull_due"; readonly epoch: number; readonly evidence: string }
  /** A heartbeat got through after a time in which none did. */
  | { readonly type: "callback.up"; readonly epoch: number; readonly evidence: string }
  /** Its shim has set reports aside that we refused; `seen`: how many altogether, `reports`: the newest. */
  | {
      readonly type: "callback.refused";
      readonly epoch: number;
      readonly reports: readonly RefusedReport[];
      readonly seen: number;
    }
  // What fell due.
  | {
      readonly type: "deadline.passed";
      readonly deadline: DeadlineName;
      readonly epoch: number;
      readonly evidence: string;
      /** Of a recovery: what is wrong now, where that is something else than before the attempt. */
      readonly cause?: DegradedCause;
    }
  | {
      readonly type: "budget.crossed";
      readonly meter: MeterName;
      readonly level: BudgetLevel;
      readonly used: number;
      readonly limit: number;
    }
  /** The agent has been blocked for so long, without anybody being asked. */
  | { readonly type: "blocker.standing"; readonly evidence: string }
  /** The agent has got nowhere for longer than its mission allows. */
  | { readonly type: "progress.overdue"; readonly epoch: number; readonly evidence: string }
  /** Between two turns: nothing is open, so a changed declaration can be taken up. */
  | { readonly type: "turn.reached"; readonly epoch: number; readonly evidence: string }
  /** A sample for the record: usage of the instance so far, cumulative, as it says itself. */
  | ({
      readonly type: "instance.used";
      readonly epoch: number;
      readonly llmCalls: number | null;
      readonly costMicros: number | null;
    } & MeterOrigin)
  /** A pause has settled: whatever is used from here on is used while paused. */
  | {
      readonly type: "instance.settled";
      readonly epoch: number;
      readonly llmCalls: number | null;
      readonly costMicros: number | null;
    }
  /** Something of it still ran after every look: it does not stand still. */
  | { readonly type: "pause.failed"; readonly epoch: number; readonly message: string }
  | {
      readonly type: "runaway.detected";
      readonly epoch: number;
      readonly meter: MeterName;
      readonly used: number;
      readonly limit: number | null;
      readonly evidence: string;
    }
  /** What all instances of the clone had used when the day began. Its caps count from there. */
  | {
      readonly type: "day.began";
      readonly day: string;
      readonly llmCalls: number;
      readonly costMicros: number;
    }
  | { readonly type: "window.ended"; readonly evidence: string }
  /** A question that nobody answered comes back, or has expired. */
  | { readonly type: "request.reminded"; readonly request: string }
  // What becomes of actions on the world outside (`core/ledger`).
  | {
      readonly type: "action.claimed";
      readonly epoch: number;
      readonly agent: number;
      readonly key: string;
      readonly digest: string;
      readonly action: string;
      readonly target: string;
      readonly arguments: string;
      /** The request by which it was approved; null where none was needed. */
      readonly approval: string | null;
    }
  /** Told by the shim of the instance that claimed it, to a record that has lost it or what came of it. */
  | ({
      readonly type: "action.remembered";
      readonly epoch: number;
      /** What the record said of it; null where it said nothing. */
      readonly before: ActionState | null;
    } & RememberedAction)
  | {
      readonly type: "action.completed";
      readonly epoch: number;
      readonly key: string;
      readonly outcome: "done" | "failed";
      /** Found out by a look at the world outside, after its doer was lost. */
      readonly verified: boolean;
      readonly result: string | null;
      readonly evidence: string;
    }
  /** It was done already; the claim was answered with what came of it. */
  | {
      readonly type: "action.duplicate";
      readonly epoch: number;
      readonly key: string;
      readonly action: string;
      /** Within the window, this one included. */
      readonly count: number;
      readonly freeze: boolean;
    }
  | {
      readonly type: "action.conflict";
      readonly epoch: number;
      readonly key: string;
      readonly action: string;
      readonly digest: string;
      readonly recorded: string;
    }
  /** Nobody knows whether it was done. `unverifiable`: a look at the world outside did not tell either. */
  | {
      readonly type: "action.unknown";
      readonly epoch: number;
      readonly key: string;
      readonly action: string;
      readonly unverifiable: boolean;
      readonly evidence: string;
    }
  /** A claim or a completion of an epoch that is over, or of what was denied. */
  | {
      readonly type: "action.refused";
      readonly epoch: number;
      readonly key: string;
      readonly action: string;
      readonly reason: "EpochFenced" | "Denied";
    }
  | {
      readonly type: "approval.requested";
      readonly epoch: number;
      readonly digest: string;
      readonly action: string;
      readonly target: string;
      readonly arguments: string;
      /** Null: it waits until somebody answers. */
      readonly expiresAt: Instant | null;
      /** Absent: as often as every other question. */
      readonly remindMs?: number;
      readonly approvers: readonly string[];
      readonly quorum: number;
      /** Whose wish it is; none of them may approve it. */
      readonly requestedBy: readonly Actor[];
    };

/** A clone's state without its version and its last decisions, in today's shape or an older one. */
export type RestoredLane = Readonly<Record<string, unknown>>;

/** An instance that was found by the driver's listing. */
export interface RestoredInstance {
  readonly epoch: number;
  readonly nonce: string;
  /** The mission that it has reported about; null when it has not said. */
  readonly missionId: string | null;
  /** It lives and can go on: its folder is there, and its token is still good. */
  readonly adopt: boolean;
}

/** `recovering`: it takes the place of one that was lost, and has not been heard yet. */
export type Health = "starting" | "healthy" | "suspect" | "degraded" | "lost" | "recovering";

export type DeadlineName =
  | "start" // launched, but not ready in time
  | "accept" // dispatched, but not accepted in time
  | "backoff" // the wait before the next start is over
  | "hold" // a hold with `until` is to be looked at again
  | "stop" // a stop failed and is tried again
  | "pause" // the grace of a pause is over and it was not heard to be frozen
  | "judge" // judging failed and is tried again
  | "recovery"; // a rung of the ladder had its time and did not help

export const METERS = ["runtime_minutes", "llm_calls", "cost_usd"] as const;
export type MeterName = (typeof METERS)[number];
/** In rising order. `pause` holds the mission and asks; `stop` ends it. */
export const BUDGET_LEVELS = ["notify", "warn", "pause", "stop"] as const;
export type BudgetLevel = (typeof BUDGET_LEVELS)[number];
