import type { ForgePolicy } from "./forge.ts";
import type { Containment } from "./instance.ts";
import type { MissionContract, MissionLimits } from "./mission.ts";
import type { Instant } from "./time.ts";

/** Who has to agree before anything of the repository starts, as `fleet.yaml` declares it. */
export interface ApprovalPolicy {
  /**
   * `none`: nobody. `forge`: those whom the rules name, on the pull request that brought it. `signatures`: those whom the rules name,
   * by commits that they signed in what brought it.
   */
  readonly mode: "none" | "forge" | "signatures";
  /** Each one that fits asks for its approvals; all of them have to be there. */
  readonly rules: readonly ApprovalRule[];
  /** Where no rule fits. */
  readonly otherwise: Approvers;
}

export interface ApprovalRule extends Approvers {
  readonly when: RuleConditions;
}

/** Both lists empty: everybody who may write to the repository. */
export interface Approvers {
  readonly count: number;
  /** Accounts on the forge, or names of the list of signers. */
  readonly people: readonly string[];
  /** Slugs, in the organisation that owns the repository, or `organisation/slug`. */
  readonly teams: readonly string[];
}

/** Everything that is said has to hold; what is not said, always does. */
export interface RuleConditions {
  readonly missionTypes?: readonly MissionContract["mission_type"][];
  /** More than this, or nothing that limits it. */
  readonly costOverUsd?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly isolation?: readonly Containment[];
  /** True: the clone has secrets. False: it has none. */
  readonly secrets?: boolean;
  /** One of these files is among those that it is made of; `*` stands for a part of a name, `**` for folders. */
  readonly paths?: readonly string[];
}

/** What is obeyed of it: the rules of the base, and the forge at which they are asked. */
export interface ApprovalsInForce {
  readonly policy: ApprovalPolicy;
  /** Null: `fleet.yaml` named none. */
  readonly forge: ForgePolicy | null;
  /** The commit that said so. */
  readonly revision: string;
  /** Who let it take the place of what was in force before; null: nothing had to be asked. */
  readonly because: string | null;
}

/** Nobody is asked: what holds for a fleet that names no forge and says nothing. */
export const NO_APPROVALS: ApprovalPolicy = {
  mode: "none",
  rules: [],
  otherwise: { count: 1, people: [], teams: [] },
};

/** What somebody approves, as one commit has it. */
export interface Subject {
  /** `mission/<name>`, or `APPROVED_FLEET` for the rules themselves. */
  readonly name: string;
  /** Of one run of a mission, its contract included: another one was never seen before. */
  readonly run: string;
  /** Over all that a reviewer approves but the limits, which may be tighter than what was approved. */
  readonly digest: string;
  /** Null where there are none. */
  readonly limits: MissionLimits | null;
  /** What rules ask about. */
  readonly facts: SubjectFacts;
}

export interface SubjectFacts {
  readonly missionType: MissionContract["mission_type"] | null;
  /** Null: nothing limits it, or it costs nothing. */
  readonly costUsd: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly isolation: Containment | null;
  readonly secrets: readonly string[];
  readonly paths: readonly string[];
  /** Files and folders outside of which no commit changes it. */
  readonly watched: readonly string[];
  /** Digest of its clone's declaration; null where there is none. */
  readonly clone: string | null;
  readonly contract: string | null;
}

/** What is known of one subject as it is obeyed. */
export type ApprovalVerdict =
  | {
      readonly type: "approved";
      /** A sentence: who, on which pull request, at which head. */
      readonly message: string;
      /** When the forge was asked. */
      readonly at: Instant;
    }
  /** What would satisfy it, as a sentence. */
  | { readonly type: "missing"; readonly message: string; readonly at: Instant }
  /** The forge or the history could not be asked. */
  | {
      readonly type: "unknown";
      readonly message: string;
      readonly at: Instant;
      /** Since when that is so. */
      readonly since: Instant;
    };

/** An approval that was heard longer ago does not let anything begin. */
export const APPROVAL_FRESH_MS = 60_000;

/** Name of the subject that the rules themselves are. */
export const APPROVED_FLEET = "fleet";

/** What was heard of approvals. */
export interface ObservedApprovals {
  /** By subject (`approvalKey`), as the forge said last. */
  readonly verdicts: ReadonlyMap<string, ApprovalVerdict>;
  /** The rules that this revision says are not those in force; the verdict on them is among the others. */
  readonly rulesWait: boolean;
}

/** A tightened limit is another subject, and is asked about anew. Null for none. */
export function approvalKey(subject: Subject | undefined): string | null {
  if (subject === undefined) return null;
  return JSON.stringify([subject.name, subject.run, subject.digest, subject.limits]);
}
