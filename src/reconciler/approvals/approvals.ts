/** Whether what is obeyed was approved: asked of the forge while something waits for it, and once more before each start. */
import { type HistoryStep, judgeHistory } from "../../core/approvals/judge.ts";
import { rulesSubject } from "../../core/approvals/rules.ts";
import { repositoryAt } from "../../core/model/actor.ts";
import {
  APPROVAL_FRESH_MS,
  APPROVED_FLEET,
  type ApprovalsInForce,
  type ApprovalVerdict,
  approvalKey,
  type ObservedApprovals,
  type Subject,
} from "../../core/model/approvals.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import { sameValue } from "../../core/model/same.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { CommitSigners } from "../../ports/commit-signers.ts";
import type { CommitSubjects } from "../../ports/commit-subjects.ts";
import type { Forge } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import { type Answer, DONE } from "../loop/answer.ts";
import { createWorkQueue } from "../loop/queue.ts";
import { withTimeLimit } from "../loop/time-limit.ts";
import type { Recorder } from "../record/recorder.ts";
import { historyOf } from "./history.ts";
import { pullFactsOf } from "./pull-facts.ts";
import { signatureFactsOf } from "./signature-facts.ts";

export interface Approvals {
  /** The rules that are obeyed; null: nobody was ever to be asked. */
  inForce(): ApprovalsInForce | null;
  /** Takes up the rules of a revision, where nobody has to be asked or whoever has to be has agreed. */
  adopt(desired: DesiredState | null): Promise<void>;
  /** What a plan is made with; undefined: no approvals are asked for. */
  observed(desired: DesiredState | null): ObservedApprovals | undefined;
  /** What the last plan asked about, by name: it is kept fresh. */
  want(names: readonly string[]): void;
  /** Asks now. Never throws: what cannot be found out is `unknown`. */
  judge(subject: Subject, revision: string, signal: AbortSignal): Promise<ApprovalVerdict>;
  /** Subjects as a commit of the obeyed branch has them; null: it cannot be read. */
  subjectsAt(revision: string, signal: AbortSignal): Promise<ReadonlyMap<string, Subject> | null>;
  /** Resolves when nobody is being asked. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface ApprovalsParts {
  /** Null: this program reaches no forge. */
  readonly reach: {
    readonly forge: (policy: ForgePolicy) => Forge;
    readonly subjects: CommitSubjects;
    readonly signers: CommitSigners;
    /** The branch that is obeyed. */
    readonly branch: string;
    /** Between two looks at what is not approved yet. */
    readonly pollMs: number;
  } | null;
  readonly recorder: Pick<Recorder, "fleet" | "writeFleet">;
  readonly desired: () => DesiredState | null;
  readonly clock: SteadyClock;
  readonly log: Log;
  /** Something else is known than before. */
  readonly onChange: () => void;
}

/** Of one question: a history, and pull requests with their reviews. */
const JUDGE_MS_MAX = 2 * MINUTE_MS;
/** Asked again before it is too old to be relied on. */
const RECHECK_MS_MAX = APPROVAL_FRESH_MS / 2;
const OBEYED_KEPT = 8;

export function createApprovals(parts: ApprovalsParts): Approvals {
  const { reach, recorder, clock, log } = parts;
  const verdicts = new Map<string, ApprovalVerdict>();
  const recheckMs = Math.min(reach?.pollMs ?? RECHECK_MS_MAX, RECHECK_MS_MAX);
  /** Of the newest revisions that were obeyed: what a new commit is compared with was mostly obeyed before it. */
  const obeyed = new Map<string, ReadonlyMap<string, Subject>>();
  let wanted: readonly string[] = [];

  const queue = createWorkQueue<"ask">({
    clock,
    handle: (_, { signal }) => askAll(signal),
    onFailure: (_, error) => log.warn("approvals could not be asked for", { message: error.message }),
  });

  const inForce = (): ApprovalsInForce | null => recorder.fleet.approvals ?? null;

  async function askAll(signal: AbortSignal): Promise<Answer> {
    const desired = parts.desired();
    if (desired === null || !asksAnybody(inForce()) || wanted.length === 0) return DONE;
    let changed = false;
    const keys = new Set<string>();
    for (const name of wanted) {
      const subject = desired.subjects?.get(name);
      const key = approvalKey(subject);
      if (key === null || subject === undefined) continue;
      keys.add(key);
      const before = verdicts.get(key);
      if (before !== undefined && clock.now() - before.at < recheckMs) continue;
      const said = await judge(subject, desired.revision, signal);
      const verdict =
        said.type === "unknown" && before?.type === "unknown" ? { ...said, since: before.since } : said;
      if (signal.aborted) return DONE;
      verdicts.set(key, verdict);
      // One that was too old to be relied on lets something begin now.
      changed ||= before?.type !== verdict.type || before.message !== verdict.message || isOld(before);
      if (before?.type !== verdict.type)
        log.info("approvals were asked for", { subject: name, says: verdict.type, message: verdict.message });
    }
    for (const key of [...verdicts.keys()]) if (!keys.has(key)) verdicts.delete(key);
    if (changed) parts.onChange();
    return { type: "again", at: clock.monotonic() + recheckMs };
  }

  function isOld({ at }: ApprovalVerdict): boolean {
    return clock.now() - at > APPROVAL_FRESH_MS;
  }

  async function judge(subject: Subject, revision: string, signal: AbortSignal): Promise<ApprovalVerdict> {
    // Before anybody is asked: what is heard is at least as new.
    const at = clock.now();
    const rules = inForce();
    if (rules === null || rules.policy.mode === "none")
      return { type: "approved", message: "no approvals are asked for", at };
    const unknown = (message: string): ApprovalVerdict => ({ type: "unknown", message, at, since: at });
    if (reach === null || (rules.policy.mode === "forge" && rules.forge === null))
      return unknown("there is no forge that could be asked");
    try {
      const what = `asking whether ${subject.name} was approved`;
      return await withTimeLimit({ ms: JUDGE_MS_MAX, what, clock, signal }, (limit) =>
        ask(
          {
            ...reach,
            subjects: readingFrom(reach.subjects),
            forge: rules.policy.mode === "forge" ? reach.forge(rules.forge as ForgePolicy) : null,
            rules,
          },
          { subject, revision, at },
          limit,
        ),
      );
    } catch (error) {
      return unknown(asFactoryError(error).message);
    }
  }

  function remember({ revision, subjects }: DesiredState): void {
    if (subjects === undefined || obeyed.has(revision)) return;
    obeyed.set(revision, subjects);
    for (const oldest of obeyed.keys()) {
      if (obeyed.size <= OBEYED_KEPT) break;
      obeyed.delete(oldest);
    }
  }

  const readingFrom = (from: CommitSubjects): CommitSubjects => ({
    changes: (request, signal) => from.changes(request, signal),
    at: async (commit, signal) => obeyed.get(commit.commit) ?? from.at(commit, signal),
  });

  async function adopt(desired: DesiredState | null): Promise<void> {
    if (desired !== null) remember(desired);
    if (desired === null || desired.broken.has("fleet")) return;
    const { approvals: policy, forge } = desired.fleet;
    const before = inForce();
    if (before === null ? policy.mode === "none" && forge === null : isInForce(desired)) return;
    let because: string | null = null;
    if (asksAnybody(before)) {
      const verdict = verdicts.get(approvalKey(desired.subjects?.get(APPROVED_FLEET)) ?? "");
      if (verdict?.type !== "approved" || isOld(verdict)) return;
      because = verdict.message;
    }
    const adopted: ApprovalsInForce = { policy, forge, revision: desired.revision, because };
    await recorder.writeFleet(({ approvals }) =>
      sameValue(approvals ?? null, before)
        ? { events: [{ type: "approvals.adopted", by: repositoryAt(desired.revision), inForce: adopted }] }
        : null,
    );
    verdicts.clear();
  }

  function isInForce({ fleet }: DesiredState): boolean {
    const before = inForce();
    return (
      before !== null && sameValue(before.policy, fleet.approvals) && sameValue(before.forge, fleet.forge)
    );
  }

  return {
    inForce,
    adopt,
    observed(desired) {
      if (!asksAnybody(inForce())) return undefined;
      const rulesWait = desired !== null && !desired.broken.has("fleet") && !isInForce(desired);
      return { verdicts: new Map(verdicts), rulesWait };
    },
    want(names) {
      wanted = names;
      if (names.length > 0) queue.wake("ask");
    },
    judge,
    subjectsAt: async (revision, signal) =>
      reach === null ? null : readingFrom(reach.subjects).at({ commit: revision, ref: null }, signal),
    idle: () => queue.idle(),
    close: () => queue.close(),
  };
}

function asksAnybody(rules: ApprovalsInForce | null): boolean {
  return rules !== null && rules.policy.mode !== "none";
}

async function ask(
  reach: {
    /** Null: signatures are asked for, and no forge. */
    readonly forge: Forge | null;
    readonly subjects: CommitSubjects;
    readonly signers: CommitSigners;
    readonly branch: string;
    readonly rules: ApprovalsInForce;
  },
  { subject, revision, at }: { readonly subject: Subject; readonly revision: string; readonly at: number },
  signal: AbortSignal,
): Promise<ApprovalVerdict> {
  const { forge, subjects, signers, branch, rules } = reach;
  const { policy } = rules;
  const given = subject.name === APPROVED_FLEET ? rulesSubject(policy, rules.forge) : null;
  const changes = await historyOf(subjects, { subject, revision, given }, signal);
  const forks = rules.forge?.forks ?? "ignore";
  const steps: HistoryStep[] = [];
  for (const { commit, after } of changes) {
    const asked = { commit, subject: subject.name };
    const pulls =
      forge === null
        ? await signatureFactsOf({ signers, subjects }, asked, signal)
        : await pullFactsOf({ forge, forks, policy, subjects, branch }, asked, signal);
    steps.push({ commit, after, pulls });
  }
  const { approved, message } = judgeHistory(subject, steps, { policy, given });
  return { type: approved ? "approved" : "missing", message, at };
}
