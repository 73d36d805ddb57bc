import type { Actor } from "../../core/model/actor.ts";
import type { DocumentMemory } from "../../documents/read-documents.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { CommitSigners } from "../../ports/commit-signers.ts";
import type { CommitSubjects } from "../../ports/commit-subjects.ts";
import type { ProgramFacts } from "../../ports/control-plane.ts";
import type { Descriptors } from "../../ports/descriptors.ts";
import type { Drills } from "../../ports/drills.ts";
import type { Driver } from "../../ports/driver.ts";
import type { OpenForge } from "../../ports/forge.ts";
import type { InCoreLane } from "../../ports/in-core-lane.ts";
import type { Judge } from "../../ports/judge.ts";
import type { KillSwitchFile } from "../../ports/kill-switch-file.ts";
import type { Lease } from "../../ports/lease.ts";
import type { LeasePlace } from "../../ports/lease-place.ts";
import type { Log } from "../../ports/log.ts";
import type { OpenNotifier } from "../../ports/notifier.ts";
import type { OperatorTokens } from "../../ports/operator-tokens.ts";
import type { ProposalPreview } from "../../ports/proposal-preview.ts";
import type { Proposals } from "../../ports/proposals.ts";
import type { Secrets } from "../../ports/secrets.ts";
import type { Source } from "../../ports/source.ts";
import type { StatusBranch } from "../../ports/status-branch.ts";
import type { Store } from "../../ports/store.ts";
import type { Traces } from "../../ports/traces.ts";

/** What a controller is made of: a port each, and what it is called. */
export interface ControllerParts {
  readonly program: ProgramFacts;
  readonly store: Store;
  /** Who may act on that record. Taken before anything is read, given back at the end. */
  readonly lease: Lease;
  /** How the lease names this controller to people. */
  readonly holder: string;
  /** By what this installation is known in the lease of the fleet's repository. Without it that is not asked for. */
  readonly leasePlace?: LeasePlace;
  readonly source: Source;
  readonly statusBranch: StatusBranch;
  /** It lies in another repository than the source. */
  readonly statusElsewhere?: true;
  readonly drivers: ReadonlyMap<string, Driver>;
  /** What clones may have. */
  readonly secrets: Secrets;
  /** What they were given, to be taken out of what they leave. Default: `secrets`. */
  readonly secretsGiven?: Secrets;
  readonly judge: Judge;
  readonly traces: Traces;
  readonly killSwitch: KillSwitchFile & { readonly path: string };
  /** Default: nobody looks. */
  readonly descriptors?: Descriptors;
  readonly drills: Drills;
  readonly inCore: InCoreLane;
  readonly proposals: Proposals;
  readonly notifiers: OpenNotifier;
  /** Where changes of the repository are reviewed, and what they would do. Absent: nowhere. */
  readonly reviews?: {
    readonly open: OpenForge;
    readonly preview: ProposalPreview;
    /** What people approve, as commits of the branch and of pull requests have it. */
    readonly subjects: CommitSubjects;
    readonly signers: CommitSigners;
    /** The branch that is obeyed. */
    readonly branch: string;
    readonly pollMs: number;
  };
  readonly clock: SteadyClock;
  readonly log: Log;
  /** Name of this installation: part of every mission's id and of every commit. */
  readonly installation: string;
  /** What the fleet repository is called; the same wherever it is cloned from. */
  readonly repository: string;
  readonly key: Uint8Array;
  readonly operatorToken: string;
  /** Tokens of people. Default: there are none. */
  readonly operatorTokens?: OperatorTokens;
  /** What was parsed before, by another controller of this process; without it everything is read once. */
  readonly documents?: DocumentMemory;
  /** Who says that an empty record beside a status branch that knows of missions is meant so. */
  readonly fresh?: Actor;
}
