import { resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Log, silentLog } from "../../ports/log.ts";
import type { PublishResult, StatusBranch, StatusChange, StatusProof } from "../../ports/status-branch.ts";
import { type CommitSigner, plainKey, signCommit } from "./commit-signature.ts";
import { createGitEnvironment, type GitAccess } from "./environment.ts";
import { complaint, pushFailure, pushWasRefused } from "./errors.ts";
import { DEFAULT_TIMEOUTS, type Mirror, type ObjectFormat, type Timeouts } from "./mirror.ts";
import { pushLeased } from "./push.ts";
import { importStream, type StatusDelta, statusDelta, withRepairs } from "./status-commit.ts";
import { FIRST_WALK_MAX, isShallow, OWN, type ProvenHistory, proveHistory } from "./status-proof.ts";
import { createStatusTexts, isOurs } from "./status-texts.ts";
import { createTipKeeper, failure, type StatusTip } from "./status-tip.ts";
import { createTurn } from "./turn.ts";

export interface GitStatusBranchOptions {
  /** As for the source. */
  readonly url: string;
  /** Default `factory/status`. The only ref that is ever pushed. */
  readonly branch?: string;
  /** Of a bare repository of our own, next to the source's mirror. Holds nothing that the origin does not have. */
  readonly directory: string;
  /** Dates the commits; decides nothing. */
  readonly clock: Clock;
  readonly author?: { readonly name: string; readonly email: string };
  /** Which files `read` answers with: paths, and folders ending in `/`. */
  readonly ours?: readonly string[];
  /** Signs what is published. Without it nothing is signed. */
  readonly signer?: CommitSigner;
  /** Keys of others that are believed, `ssh-ed25519 AAAA…`; asked at each look. */
  readonly listed?: () => readonly string[];
  readonly access?: GitAccess;
  readonly timeouts?: Partial<Timeouts>;
  readonly log?: Log;
  /** The controller's environment; for tests. */
  readonly env?: NodeJS.ProcessEnv;
}

const FACTORY_BOT = { name: "factory-bot", email: "factory-bot@factory.invalid" };
const OURS = ["README.md", "missions/", "clones/", "pages/", ".factory/"];
const NEXT = "refs/factory/status-next";

/**
 * Writes our files to a branch of the origin without a work tree.
 *
 * Each publication lists the ref, compares our files with the tip by their
 * object ids, streams what differs into one commit on that tip, and pushes with
 * a lease on it. So nothing that somebody else committed is ever lost, a tree
 * that would be the same costs one listing, and a repetition after a crash or
 * a lost answer finds its own commit at the tip and has nothing left to do.
 */
export function createStatusBranch(options: GitStatusBranchOptions): StatusBranch {
  const directory = resolve(options.directory);
  const environment = createGitEnvironment({
    url: options.url,
    access: options.access,
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const branch = options.branch ?? "factory/status";
  const ref = branch.startsWith("refs/") ? branch : `refs/heads/${branch}`;
  const timeouts: Timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const author = options.author ?? FACTORY_BOT;
  const log = options.log ?? silentLog;
  const inTurn = createTurn();
  const ours = options.ours ?? OURS;
  const texts = createStatusTexts({ directory, environment, ours });
  const keeper = createTipKeeper({ directory, environment, timeouts, ref, log });

  async function publish(change: StatusChange, signal: AbortSignal): Promise<PublishResult> {
    const { commit: at, format } = await keeper.ask(signal);
    const place = await keeper.placeFor(format);
    if (at !== null) await keeper.bring(place, at, signal);
    if (!(await standsAsSeen(place, { at, asOf: change.asOf, signal })))
      return { type: "rejected", message: "somebody else changed what we publish" };
    const base = await baseOn(place, at, signal);
    const delta = await signable(place, { change, base, at, format, signal });
    if (delta.written.length === 0 && delta.removed.length === 0 && base?.commit === (at ?? undefined)) {
      return { type: "unchanged", commit: base?.commit ?? null };
    }
    const commit = await makeCommit(place, { delta, change, parent: base?.commit ?? null, format, signal });
    const push = { environment, directory, ref, commit, expected: at, timeoutMs: timeouts.pushMs, signal };
    const outcome = await pushLeased(push);
    if (outcome.exitCode === 0 || (!pushWasRefused(outcome) && (await arrived(place, commit, signal)))) {
      await keeper.remember(place, { base, commit, delta });
      texts.wrote(change, delta);
      return { type: "pushed", commit };
    }
    return pushFailure(outcome, environment.redact(complaint(outcome, timeouts.pushMs)));
  }

  /** What a change means on top of that tree, and the repair of what nobody vouches for. */
  async function signable(
    place: Mirror,
    of: {
      readonly change: StatusChange;
      readonly base: StatusTip | null;
      readonly at: string | null;
      readonly format: ObjectFormat;
      readonly signal: AbortSignal;
    },
  ): Promise<StatusDelta> {
    const { change, base, at, signal } = of;
    const delta = statusDelta(change, base?.files ?? new Map(), of.format);
    if (options.signer === undefined || base === null) return delta;
    const { believed, strangers } = await prove(place, at, signal);
    if (believed === null || strangers.length === 0) return delta;
    const { files } = await keeper.treeOf(place, believed.commit, signal);
    return withRepairs(delta, {
      base: base.files,
      believed: files,
      change,
      isOurs: (path) => isOurs(path, ours),
    });
  }

  /**
   * What the next commit goes on from: the tip. Where that was put back to before what we pushed last, or deleted, it is
   * what we pushed last, so that the history is whole again; of a history that we do not have whole, a new beginning.
   */
  async function baseOn(place: Mirror, at: string | null, signal: AbortSignal): Promise<StatusTip | null> {
    const own = options.signer === undefined ? null : await place.ref(OWN);
    const lost =
      own !== null &&
      own !== at &&
      !isShallow(directory) &&
      (at === null || (await place.isAncestor(at, own)));
    const from = lost ? own : at;
    return from === null ? null : await keeper.treeOf(place, from, signal);
  }

  async function makeCommit(
    place: Mirror,
    of: {
      readonly delta: StatusDelta;
      readonly change: StatusChange;
      readonly parent: string | null;
      readonly format: ObjectFormat;
      readonly signal: AbortSignal;
    },
  ): Promise<string> {
    const { signal } = of;
    const stream = importStream({ ...of, author, at: options.clock.now(), ref: NEXT });
    await place.ask(["fast-import", "--quiet", "--force", "--done"], { input: stream, signal });
    const commit = await place.ref(NEXT);
    if (commit === null) throw failure(false, "git made no commit");
    if (options.signer === undefined) return commit;
    const raw = await place.askBytes(["cat-file", "commit", commit], { signal });
    const input = signCommit(raw, options.signer, of.format);
    return await place.ask(["hash-object", "-t", "commit", "-w", "--stdin"], { input, signal });
  }

  /** Whether our files are what the maker of a change saw. */
  async function standsAsSeen(
    place: Mirror,
    { at, asOf, signal }: { at: string | null; asOf: string | null | undefined; signal: AbortSignal },
  ): Promise<boolean> {
    if (asOf === undefined || asOf === at) return true;
    if (asOf === null || at === null) return false;
    const args = ["diff", "--quiet", "--no-renames", asOf, at, "--", ...ours];
    return (await place.local(args, { signal })).exitCode === 0;
  }

  let proven: { readonly tip: string | null; readonly keys: string; readonly history: ProvenHistory } | null =
    null;

  async function prove(place: Mirror, at: string | null, signal: AbortSignal): Promise<ProvenHistory> {
    const keys = {
      own: options.signer?.publicKey ?? null,
      listed: (options.listed?.() ?? []).map(plainKey),
    };
    // A tip that we have seen before means something else after we have pushed further.
    const known = JSON.stringify([keys, await place.ref(OWN)]);
    if (proven !== null && proven.tip === at && proven.keys === known) return proven.history;
    const about = { keys, paths: ours, signal };
    let history = await proveHistory(place, at, about);
    if (at !== null && (history.by === "none" || history.by === "other") && isShallow(directory)) {
      await keeper.deepen(place, FIRST_WALK_MAX, signal);
      history = await proveHistory(place, at, about);
    }
    proven = { tip: at, keys: known, history };
    return history;
  }

  async function proof(place: Mirror, at: string | null, signal: AbortSignal): Promise<StatusProof> {
    const { by, believed, claim, strangers, rewound } = await prove(place, at, signal);
    const filesOf = async (commit: string): Promise<ReadonlyMap<string, string>> =>
      (await texts.read(await keeper.treeOf(place, commit, signal), signal)).files;
    return {
      by,
      key: believed?.key ?? null,
      commit: believed?.commit ?? null,
      files: believed === null ? new Map() : await filesOf(believed.commit),
      claim: claim === null ? null : { ...claim, files: await filesOf(claim.commit) },
      strangers,
      rewound,
    };
  }

  /** Whether a push without an answer was carried out: its commit is at the tip, or below it by now. */
  async function arrived(place: Mirror, commit: string, signal: AbortSignal): Promise<boolean> {
    try {
      const { commit: at } = await keeper.ask(signal);
      if (at === null || at === commit) return at === commit;
      const now = await keeper.bring(place, at, signal);
      return await place.isAncestor(commit, now.commit);
    } catch {
      return false; // still unknown; the next publication finds out
    }
  }

  return {
    read(signal) {
      return inTurn(async () => {
        const { commit: at, format } = await keeper.ask(signal);
        const signed = options.signer !== undefined || options.listed !== undefined;
        if (at === null && !signed) return { commit: null, files: new Map(), tooLarge: [] };
        const place = await keeper.placeFor(format);
        const now = at === null ? null : await keeper.bring(place, at, signal);
        const proved = signed ? { proof: await proof(place, now?.commit ?? null, signal) } : {};
        const base = await baseOn(place, now?.commit ?? null, signal);
        const read = base === null ? { files: new Map(), tooLarge: [] } : await texts.read(base, signal);
        return { commit: now?.commit ?? null, ...read, ...proved };
      });
    },

    publish(change, signal) {
      return inTurn(async () => {
        try {
          return await publish(change, signal);
        } catch (error) {
          if (signal.aborted)
            return { type: "failed", retryable: true, message: "given up before it was done" };
          if (!(error instanceof FactoryError) || error.disposition === "crash") throw error;
          // What is broken on our side is only a copy.
          if (error.code.startsWith("git/") && error.code !== "git/credentials") await keeper.startOver();
          return {
            type: "failed",
            retryable: error.disposition === "retry",
            message: environment.redact(error.message),
          };
        }
      });
    },
  };
}
