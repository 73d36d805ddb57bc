import { FactoryError } from "../core/model/error.ts";
import type { ForgePolicy } from "../core/model/forge.ts";

/**
 * Where people review changes of the fleet repository. What a forge says is asked of it; what we want of it is
 * *ensured*: looked for by a marker of ours and our name, made where it is missing, changed where it differs, so
 * that a repeat, a crash or an answer that was lost doubles nothing.
 *
 * Every call settles within a bounded time and tries once. Rejects with a FactoryError:
 * `forge/unreachable` (`retry`): network, time-out, or the forge failed;
 * `forge/limited` (`wait`): its limits, or ours below them, leave no room for this; `ForgeLimited` says until when;
 * `forge/refused` (`stall`): the credential is not accepted, is not there, or may not do this;
 * `forge/not-found` (`stall`): there is no such repository or thing, or we may not know of it;
 * `forge/rejected` (`stall`): the forge understood and will not.
 *
 * One object is one credential with one budget of requests, whose order is the urgency of each call.
 */
export interface Forge {
  /** For people: `github acme/fleet`. */
  readonly name: string;

  /** Who we are there: the author of everything that we ensure. */
  identity(signal: AbortSignal): Promise<string>;

  /** Open ones against a branch, the last changed first. `complete`: false where there are more than are read (`PULLS_MAX` of the adapter). */
  openPulls(base: string, signal: AbortSignal): Promise<PullList>;
  /** Null: there is none of this number. */
  pull(number: number, signal: AbortSignal): Promise<Pull | null>;
  /** Through which a commit came to its branch; those that are open and hold it may be among them. None: it was pushed. */
  pullsOf(commit: string, signal: AbortSignal): Promise<readonly Pull[]>;
  /** Accounts that made commits of it, each once, as far as the forge knows whose they are. */
  committers(number: number, signal: AbortSignal): Promise<readonly string[]>;
  /** In the order in which they were given. A person who reviewed more than once stands there more than once. */
  reviews(number: number, signal: AbortSignal): Promise<readonly PullReview[]>;

  /** Commits of the merge queue of a branch, each of which needs a check before it is merged; none where there is no queue. */
  queued(base: string, signal: AbortSignal): Promise<readonly QueuedCommit[]>;

  ensureComment(comment: CommentWanted, signal: AbortSignal): Promise<Ensured>;
  /** As a check with annotations, or as a status where the credential may not write checks. */
  ensureCheck(check: CheckWanted, signal: AbortSignal): Promise<EnsuredCheck>;
  /** Whoever wrote it. Null: there is none of this number, or it is a pull request. */
  issue(number: number, signal: AbortSignal): Promise<ForgeIssue | null>;
  /** Found by its marker among our issues, open or closed. */
  ensureIssue(issue: IssueWanted, signal: AbortSignal): Promise<EnsuredIssue>;

  /** Ours from this branch of the repository, whatever became of it; of several the newest. Null: there is none. */
  ownPull(branch: string, signal: AbortSignal): Promise<OwnPull | null>;
  /**
   * Opened where there is none of ours from its branch; title and text are put right while it is open. One that was closed or merged is left
   * as it is, and no other one is opened. The branch has to be there.
   */
  ensurePull(pull: PullWanted, signal: AbortSignal): Promise<Ensured & { readonly pull: OwnPull }>;
  /** Closes ours from this branch where it is open, without a merge. */
  closePull(branch: string, signal: AbortSignal): Promise<OwnPull | null>;
  /** Puts the labels of ours on a pull request and takes off those of ours that are not wanted; others are never touched. Nothing where the credential may not write labels. */
  ensureLabels(labels: LabelsWanted, signal: AbortSignal): Promise<{ readonly did: Ensured["did"] }>;

  /** Where people read a file as a commit has it. Asks nobody. */
  fileUrl(commit: string, path: string): string;

  /** What somebody may do in the repository. */
  permission(login: string, signal: AbortSignal): Promise<ForgePermission>;
  isTeamMember(team: string, login: string, signal: AbortSignal): Promise<boolean>;

  /** What came in by a webhook: whether the forge sent it, and what it is about. Parses nothing that is not signed. Asks nobody but for the secret. */
  readDelivery(delivery: ForgeDelivery, signal: AbortSignal): Promise<DeliveryMeaning>;

  /** What is left of the budget, as it was told last. */
  budget(): ForgeBudget;

  /** On issues and pull requests, written or edited at or after `since`, the longest unchanged first. What is deleted is not among them. */
  commentsSince(since: number, signal: AbortSignal): Promise<CommentList>;
  /** Ours to somebody's comment, once; quietly nothing where the comment is gone. */
  ensureReaction(reaction: ReactionWanted, signal: AbortSignal): Promise<void>;
}

export type OpenForge = (policy: ForgePolicy) => Forge;

/** The first goes first; the last waits when little is left. */
export const URGENCIES = ["stop", "ask", "check", "comment"] as const;
export type Urgency = (typeof URGENCIES)[number];

export interface PullList {
  readonly pulls: readonly Pull[];
  readonly complete: boolean;
}

export interface Pull {
  readonly number: number;
  readonly state: "open" | "closed" | "merged";
  readonly draft: boolean;
  readonly title: string;
  readonly author: string;
  readonly labels: readonly string[];
  readonly base: { readonly branch: string; readonly commit: string };
  readonly head: {
    readonly branch: string;
    readonly commit: string;
    /** In full, at the origin of the repository: `refs/pull/7/head`. */
    readonly ref: string;
  };
  /** The head lies in a copy of the repository. */
  readonly fork: boolean;
  /** The commit that came of it, once it is merged. */
  readonly mergeCommit: string | null;
  readonly url: string;
}

/** What a merge queue would make of a pull request, behind those that are before it. */
export interface QueuedCommit {
  readonly number: number;
  readonly commit: string;
  /** Where the origin has it, in full. */
  readonly ref: string;
  /** The commit behind which it stands: of the branch, or of the one before it in the queue. */
  readonly base: string;
}

export interface PullReview {
  readonly id: string;
  readonly author: string;
  readonly state: "approved" | "changes_requested" | "commented" | "dismissed";
  /** That the reviewer saw. */
  readonly commit: string;
  readonly submittedAt: number;
}

export interface Ensured {
  readonly did: "created" | "updated" | "unchanged";
  readonly url: string;
}

export interface EnsuredCheck extends Ensured {
  readonly as: "check" | "status";
}

export interface CommentWanted {
  /** Number of the pull request or issue. */
  readonly on: number;
  /** One word: by it the comment is found again. */
  readonly marker: string;
  /** Stands for what the text says: while it is the same, the comment is not touched unless somebody has edited it. */
  readonly key: string;
  /** Markdown, without the marker, within `COMMENT_CHARS_MAX`. */
  readonly body: string;
  /** It cannot be older than this, by the forge's clock: what was not changed since is not looked through. */
  readonly since?: number;
}

/** A comment of GitHub holds 65,536 characters; the marker's line needs a few. Others hold more. */
export const COMMENT_CHARS_MAX = 65_000;

export interface CheckWanted {
  readonly commit: string;
  /** As people choose it in a rule of their branch. */
  readonly name: string;
  /** `pending`: it waits for something else; where the check is required nothing is merged until it says otherwise. */
  readonly conclusion: "success" | "failure" | "neutral" | "pending";
  readonly title: string;
  /** Markdown. */
  readonly summary: string;
  readonly annotations: readonly Annotation[];
}

export interface Annotation {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
  readonly level: "failure" | "warning";
  readonly title: string;
  readonly message: string;
}

export interface IssueWanted {
  readonly marker: string;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly state: "open" | "closed";
  /** As it was answered before: it is looked at first, and all of ours only where it is another one. */
  readonly number?: number;
  /** Stands for what the text says: while it is the same, the text is not touched unless somebody has edited it. Absent: the text. */
  readonly key?: string;
}

export interface EnsuredIssue extends Ensured {
  readonly number: number;
  /** Its last change by the forge's clock, ours included; never earlier than that. */
  readonly changedAt: number;
}

export interface CommentList {
  readonly comments: readonly ForgeComment[];
  /** False: there are more than are read at once; they are changed at or after the last of these. */
  readonly complete: boolean;
}

export interface ForgeComment {
  readonly id: number;
  /** Number of the issue or pull request. */
  readonly on: number;
  /** As the forge spells it. */
  readonly author: string;
  readonly authorIs: "person" | "program";
  readonly body: string;
  /** By the forge's clock, which counts seconds. */
  readonly createdAt: number;
  /** Later than `createdAt`: somebody edited it, and not only its author may. */
  readonly changedAt: number;
  readonly url: string;
}

/** What came of it. */
export interface ReactionWanted {
  readonly comment: number;
  readonly reaction: "done" | "refused";
}

/** What somebody asks for on the forge: a stranger's words. */
export interface ForgeIssue {
  readonly number: number;
  readonly title: string;
  /** As it was written, with the line ends of a browser. */
  readonly body: string;
  readonly author: string;
  /** By which the forge knows a commit as the author's: whoever asks for a change does not approve it. */
  readonly authorEmail: string;
  readonly state: "open" | "closed";
  readonly url: string;
}

/** A pull request of our own making. */
export interface OwnPull {
  readonly number: number;
  readonly url: string;
  readonly state: Pull["state"];
  readonly head: string;
  /** Account of the person who merged it; null: it is not merged, or no person did. */
  readonly mergedBy: string | null;
  readonly mergeCommit: string | null;
}

export interface PullWanted {
  /** In the repository itself, without `refs/heads/`. By it, and by our name, the pull request is found again. */
  readonly branch: string;
  readonly base: string;
  readonly marker: string;
  /** Stands for what title and text say, as with a comment. */
  readonly key: string;
  readonly title: string;
  /** Markdown, without the marker, within `COMMENT_CHARS_MAX`. */
  readonly body: string;
}

export interface LabelsWanted {
  readonly on: number;
  /** Begins every label of ours. */
  readonly prefix: string;
  readonly labels: readonly LabelWanted[];
}

export interface LabelWanted {
  readonly name: string;
  /** For the one that is made where the repository does not have it: six hexadecimal digits. */
  readonly color: string;
  readonly description: string;
}

export type ForgePermission = "none" | "read" | "write" | "admin";

export interface ForgeDelivery {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

export type DeliveryMeaning =
  /** Not signed by the forge, or no webhooks are expected. */
  | { readonly type: "refused"; readonly message: string }
  /** Of no interest: another event, another repository, our own doing. */
  | { readonly type: "ignored"; readonly id: string; readonly message: string }
  | {
      readonly type: "hint";
      /** Of the delivery; the same when it is sent again. */
      readonly id: string;
      readonly pulls: readonly number[];
      /** Branches that moved. */
      readonly branches: readonly string[];
      /** Somebody wrote, edited or removed one. */
      readonly comments?: true;
      /** Something happened in a merge queue. */
      readonly queue?: true;
    };

export interface ForgeBudget {
  /** Null: not told yet. */
  readonly remaining: number | null;
  readonly limit: number | null;
  /** Nothing is asked before; null: it may be asked. */
  readonly pausedUntil: number | null;
}

/** There is no room for a request now; `until` is when there may be. */
export class ForgeLimited extends FactoryError {
  /** By the wall clock. */
  readonly until: number;

  constructor(message: string, until: number, options?: { cause?: unknown }) {
    super("forge/limited", "wait", message, options);
    this.until = until;
  }
}
