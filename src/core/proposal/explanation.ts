/** What a reviewer has to know before merging, as data. All lists are ordered, so that equal plans read equally. */
import type { FieldChange } from "../meaning/field.ts";
import type { SecretRef } from "../model/clone.ts";
import type { Budget, Criterion, RequiredOutput } from "../model/mission.ts";
import type { Held, Obstacle } from "../plan/step.ts";

export interface PlanExplanation {
  /** sha256 over everything that would be done, without the commits and the present time: equal plans have equal hashes. */
  readonly planHash: string;
  readonly base: string | null;
  readonly head: string;
  readonly world: WorldNote;
  /** Files of the change and what follows from each, the furthest-reaching first. */
  readonly causes: readonly Cause[];
  /** What begins because of this change and would not without it, at once or later. */
  readonly starts: readonly PlannedStart[];
  /** New, and paused by its own file: nothing of it starts before that changes. */
  readonly parked: readonly PlannedStart[];
  readonly stops: readonly PlannedStop[];
  readonly newClones: readonly CloneFacts[];
  readonly changes: readonly PlannedChange[];
  readonly secrets: readonly SecretTouched[];
  readonly cost: CostCeiling;
  readonly blast: BlastRadius;
  /** What is not done, and why. What only waits for time, a place or its turn is not here but where it belongs, with what it waits for. */
  readonly held: readonly Omit<Held, "waiting">[];
  /** Who has to agree before it is obeyed; null where nobody has worked that out. */
  readonly approvals: readonly ApprovalNeed[] | null;
}

/** Where it was learned what lives, and what nobody knows. */
export interface WorldNote {
  /** `recorded`: the status branch. `told`: a controller. `assumed`: nobody says, so whatever the base asks for is taken to live. */
  readonly source: "recorded" | "told" | "assumed";
  /** As a sentence. */
  readonly text: string;
  /** What would have to be known to say more, each as a sentence. */
  readonly unknown: readonly string[];
}

/** One approval that the rules of the base ask for. */
export interface ApprovalNeed {
  /** What it is about: `mission/audit`, `clone/…`, `fleet`. */
  readonly subject: string;
  /** How many have to agree. */
  readonly count: number;
  /** People and teams who may; empty: everybody who may write. */
  readonly from: readonly string[];
  /** Which rule asks for it, and why. */
  readonly why: string;
  /** Who has agreed already. */
  readonly given: readonly string[];
}

/** A group of changed files that belong together, such as those of one overlay. */
export interface Cause {
  /** `overlay ops`, `baseline ua`, `fleet.yaml`, `clones`, `missions`, `checks and inputs`, `other files`. */
  readonly subject: string;
  readonly files: readonly ChangedFile[];
  /** Clones whose declaration differs because of them. */
  readonly clones: readonly string[];
  /** Missions whose contract, limits or judgement they are a part of. */
  readonly missions: readonly string[];
}

export interface ChangedFile {
  readonly path: string;
  readonly change: "added" | "removed" | "changed" | "mode";
  /** Of a text that agents read; absent where the file is none, or the change itself is told elsewhere. */
  readonly diff?: TextDiff;
}

export interface TextDiff {
  readonly lines: readonly DiffLine[];
  /** Lines of the difference that are not among `lines`. */
  readonly omitted: number;
}

export interface DiffLine {
  readonly sign: "+" | "-" | " ";
  readonly text: string;
}

/** What a clone is and may do. */
export interface CloneFacts {
  readonly clone: string;
  readonly baseline: string;
  readonly overlays: readonly string[];
  readonly driver: string;
  readonly isolation: string;
  /** In words, one for each limit; empty: nobody limits it. */
  readonly resources: readonly string[];
  readonly command: readonly string[];
  /** Names of the variables that its file sets. */
  readonly variables: readonly string[];
  readonly secrets: readonly { readonly name: string; readonly from: SecretRef["from"] }[];
  readonly afterClosure: string;
}

export interface PlannedStart extends CloneFacts {
  readonly mission: string;
  readonly missionId: string;
  readonly run: number;
  /** The run that the base asks for; null: it has no such mission. */
  readonly runBefore: number | null;
  readonly type: string;
  readonly contractHash: string;
  readonly objective: string;
  readonly criteria: readonly Criterion[];
  readonly outputs: readonly RequiredOutput[];
  readonly storageScope: string;
  readonly inputs: readonly string[];
  readonly budget: Budget;
  readonly acceptsUnmetered: boolean;
  /** Empty: every tool of the baseline. */
  readonly allowedTools: readonly string[];
  readonly forbiddenTools: readonly string[];
  readonly approvalRequired: readonly string[];
  /** What its checks are not kept from, in words: an output that may replace what judges it, a network, a checkout to write to. */
  readonly judging: readonly string[];
  /** When it may work, in words. */
  readonly window: string;
  readonly heartbeatSeconds: number;
  /** `in_core`: the fleet is `in_core_only`, and Simone's own runtime does it. */
  readonly lane: "clone" | "in_core";
  /** It has been at work before, and goes on. */
  readonly resumes: boolean;
  /** `now`, or what it waits for, as a phrase. */
  readonly when: string;
  /** What holds it for now: its window, a place, its turn, its lane, a rollout. It is started all the same as soon as that is over. */
  readonly held: Obstacle | null;
}

export interface PlannedStop {
  readonly clone: string;
  /** That ends; null: the clone has none. */
  readonly mission: string | null;
  /** Whether an instance of it lives. */
  readonly runs: "yes" | "no" | "unknown";
  /** What becomes of the clone: it stays, its file is gone and it is put away, or its instance is started again. */
  readonly fate: "stays" | "put_away" | "restarted";
  readonly reason: string;
  /** What it waits for: a mass deletion has to be confirmed. Null: at once. */
  readonly held: Obstacle | null;
}

export interface PlannedChange {
  /** `clone/<name>`, `mission/<name>`, `fleet`. */
  readonly subject: string;
  readonly part: "contract" | "limits" | "clone" | "fleet";
  readonly fields: readonly FieldChange[];
  /** Files that it comes from. */
  readonly causes: readonly string[];
  /** When it takes effect, as a phrase. */
  readonly effect: string;
  /** False: nothing of what lives or will live is any different for it, and `effect` says why. */
  readonly applies: boolean;
}

export interface SecretTouched {
  readonly clone: string;
  readonly name: string;
  /** `env:NAME` or `file:path`: the reference, never a value. */
  readonly from: string;
  readonly change: "added" | "removed" | "used";
}

/** Sums over everything that would be started. Null: at least one mission has no such limit. */
export interface CostCeiling {
  readonly missions: number;
  readonly runtimeMinutes: number;
  readonly llmCalls: number | null;
  readonly costUsd: number | null;
  /** Missions without a limit on cost, of those that start and of those whose limit is taken away. */
  readonly withoutCostLimit: readonly string[];
  /** What raised limits of missions that stand already come to, in USD; null: one of them loses its limit. */
  readonly raisedUsd: number | null;
}

export interface BlastRadius {
  readonly touched: readonly string[];
  /** Clones of base and head together. */
  readonly total: number;
}

/** Whether merging would do nothing at all, and hold nothing back. */
export function isEmptyPlan(plan: PlanExplanation): boolean {
  const { starts, parked, stops, newClones, changes, held } = plan;
  return starts.length + parked.length + stops.length + newClones.length + changes.length + held.length === 0;
}
