import type { ActionRule } from "./action.ts";
import { type ApprovalPolicy, NO_APPROVALS, type Subject } from "./approvals.ts";
import type { DesiredClone } from "./clone.ts";
import type { DrillPlan } from "./drill.ts";
import type { ForgePolicy } from "./forge.ts";
import type { Issue } from "./issue.ts";
import type { BudgetThresholds, DesiredMission } from "./mission.ts";
import type { Destination } from "./notice.ts";
import type { DesiredPostmortem } from "./postmortem.ts";
import type { Prices } from "./prices.ts";
import type { Resources } from "./resources.ts";
import { NO_SECRETS, type SecretPolicy } from "./secret-policy.ts";

/**
 * What the repository asks for at one revision, after baseline and overlays,
 * and every problem found on the way.
 *
 * A clone or mission that cannot be used is in `broken` and not in its map. That is
 * not a deletion: it keeps its last good generation. Only a name that is in
 * neither has been deleted.
 */
export interface DesiredState {
  readonly revision: string;
  readonly fleet: FleetPolicy;
  readonly clones: ReadonlyMap<string, DesiredClone>;
  readonly missions: ReadonlyMap<string, DesiredMission>;
  /** `mission/<name>`, `clone/<name>`, and `fleet` when `fleet.yaml` itself cannot be used. */
  readonly broken: ReadonlySet<string>;
  /**
   * What a broken mission file still says about stopping, by mission name. Stop
   * passes every gate, so this is obeyed although the rest of the file is not.
   */
  readonly stops: ReadonlyMap<string, MissionStop>;
  /** Postmortems that are merged, by mission id, complete or not. */
  readonly postmortems: ReadonlyMap<string, DesiredPostmortem>;
  /** Ordered by file, line, column. */
  readonly issues: readonly Issue[];
  /** The commit whose mass deletion `fleet.yaml` confirms. */
  readonly confirmDeletion: string | null;
  /** What people approve, by name (`resolve/subjects.ts`); absent where nobody worked that out. */
  readonly subjects?: ReadonlyMap<string, Subject>;
}

/** At least one of the two asks for a stop. */
export interface MissionStop {
  readonly state: "active" | "paused" | "cancelled";
  readonly killSwitch: boolean;
}

/** `fleet.yaml` with its defaults filled in. Null is "no cap". */
export interface FleetPolicy {
  readonly name: string;
  readonly mode: "normal" | "in_core_only";
  readonly caps: {
    readonly maxRuntimeMinutes: number;
    readonly maxCostUsd: number | null;
    readonly maxLlmCalls: number | null;
    /** Clones that run at once. */
    readonly maxParallelMissions: number;
  };
  /** What may be used from midnight to midnight. Null is "no cap". */
  readonly dayCaps: {
    /** IANA name: whose midnight. */
    readonly timezone: string;
    /** Of all clones together. */
    readonly maxCostUsd: number | null;
    readonly maxLlmCalls: number | null;
    /** Of each clone. */
    readonly maxCostUsdPerClone: number | null;
    readonly maxLlmCallsPerClone: number | null;
  };
  /** What tokens cost, by model. */
  readonly prices: Prices;
  readonly defaults: {
    /** Null: the built-in ones. */
    readonly budgetThresholds: BudgetThresholds | null;
    readonly heartbeatIntervalSeconds: number;
    readonly reportCadence: "milestone" | "interval" | "hybrid";
    readonly storageScope: "factory" | "shared" | "pushback";
    /** For clones whose own file says nothing of a resource; absent: none. */
    readonly resources?: Resources;
    readonly isolation: "group" | "pidns" | "cgroup";
    readonly afterClosure: "ask" | "retire" | "standby" | "template";
  };
  readonly isolation: {
    /** A person's word that clones may run where nothing holds them. */
    readonly allowGroup: boolean;
    /** A person's word that checks may run where nothing shuts them in. */
    readonly allowUncontainedChecks: boolean;
    /** What agents may see or write to beside their workspace. */
    readonly shares: readonly { readonly path: string; readonly access: "read" | "write" }[];
  };
  /** A rollout is rolled back when one of these is exceeded for `sustainedMinutes`. */
  readonly guardrails: {
    readonly minSuccessPercent: number;
    readonly closedMissionsWindow: number;
    readonly maxHighIncidentsPerTenMissions: number;
    readonly maxAcceptedP95Seconds: number;
    readonly maxInterventionsPerMission: number;
    readonly sustainedMinutes: number;
    /** What becomes of running missions. */
    readonly onBreach: "drain" | "pause";
    /** The rollback that this revision ends. */
    readonly lift: string | null;
  };
  /** Actions of these types wait for these people, in every clone of the fleet. */
  /** How a changed overlay or baseline reaches the clones that are made of it. */
  readonly rollout: {
    /** Clones that try it first; 0: all at once. */
    readonly canary: number;
    readonly minHealthyMinutes: number;
    readonly progressDeadlineMinutes: number;
    readonly autoRevert: boolean;
  };
  readonly approvalRules: readonly ActionRule[];
  readonly writeBack: {
    readonly branch: string;
    readonly maxPushesPerMinute: number;
    readonly flushIntervalSeconds: number;
    /** How long the right to act holds without a renewal. */
    readonly leaseSeconds: number;
    /** Public keys of the installations that may act; none: whoever holds the lease. */
    readonly keys: readonly string[];
  };
  /** In force while the file says so. */
  readonly killSwitch: {
    readonly engaged: boolean;
    readonly labels: Readonly<Record<string, string>>;
    readonly missions: readonly string[];
  };
  readonly drills: { readonly kill: DrillPlan | null };
  /** Which secrets clones may name. */
  readonly secrets: SecretPolicy;
  readonly simone: {
    /** Who is told of incidents, questions, kills and closures; names are unique. */
    readonly notify: readonly Destination[];
    readonly inCore: { readonly url: string; readonly authRef: string | null } | null;
  };
  /** Where people review changes of the repository; null: nowhere that is known. */
  readonly forge: ForgePolicy | null;
  /** Who has to agree before anything starts, as this revision says it. What is in force may be another's: see `ApprovalsInForce`. */
  readonly approvals: ApprovalPolicy;
}

/** What holds where `fleet.yaml` says nothing: small, because nobody has reviewed more. */
export const DEFAULT_FLEET_POLICY: FleetPolicy = {
  name: "fleet",
  mode: "normal",
  caps: { maxRuntimeMinutes: 24 * 60, maxCostUsd: null, maxLlmCalls: null, maxParallelMissions: 10 },
  dayCaps: {
    timezone: "UTC",
    maxCostUsd: null,
    maxLlmCalls: null,
    maxCostUsdPerClone: null,
    maxLlmCallsPerClone: null,
  },
  prices: {},
  defaults: {
    budgetThresholds: null,
    heartbeatIntervalSeconds: 30,
    reportCadence: "hybrid",
    storageScope: "factory",
    isolation: "pidns",
    afterClosure: "ask",
  },
  isolation: { allowGroup: false, allowUncontainedChecks: false, shares: [] },
  guardrails: {
    minSuccessPercent: 80,
    closedMissionsWindow: 10,
    maxHighIncidentsPerTenMissions: 1,
    maxAcceptedP95Seconds: 60,
    maxInterventionsPerMission: 2,
    sustainedMinutes: 60,
    onBreach: "drain",
    lift: null,
  },
  rollout: { canary: 1, minHealthyMinutes: 10, progressDeadlineMinutes: 60, autoRevert: true },
  approvalRules: [],
  writeBack: {
    branch: "factory/status",
    maxPushesPerMinute: 4,
    flushIntervalSeconds: 300,
    leaseSeconds: 1_800,
    keys: [],
  },
  killSwitch: { engaged: false, labels: {}, missions: [] },
  drills: { kill: null },
  secrets: NO_SECRETS,
  simone: { notify: [], inCore: null },
  forge: null,
  approvals: NO_APPROVALS,
};
