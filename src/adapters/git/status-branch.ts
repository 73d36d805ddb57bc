import { resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Log, silentLog } from "../../ports/log.ts";
import type { PublishResult, StatusBranch, StatusChange } from "../../ports/status-branch.ts";
import { createGitEnvironment, type GitAccess } from "./environment.ts";
import { complaint, pushFailure, pushWasRefused } from "./errors.ts";
import { DEFAULT_TIMEOUTS, type Mirror, type Timeouts } from "./mirror.ts";
import { pushLeased } from "./push.ts";
import { importStream, statusDelta } from "./status-commit.ts";
import { createStatusTexts } from "./status-texts.ts";
import { createTipKeeper, failure } from "./status-tip.ts";
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
  const texts = createStatusTexts({ directory, environment, ours: options.ours ?? OURS });
  const keeper = createTipKeeper({ directory, environment, timeouts, ref, log });

  async function publish(change: StatusChange, signal: AbortSignal): Promise<PublishResult> {
    const { commit: at, format } = await keeper.ask(signal);
    const place = await keeper.placeFor(format);
    const base = at === null ? keeper.drop() : await keeper.bring(place, at, signal);
    const delta = statusDelta(change, base?.files ?? new Map(), format);
    if (delta.written.length === 0 && delta.removed.length === 0) {
      return { type: "unchanged", commit: base?.commit ?? null };
    }
    const stream = importStream({
      delta,
      change,
      author,
      parent: base?.commit ?? null,
      at: options.clock.now(),
      ref: NEXT,
    });
    await place.ask(["fast-import", "--quiet", "--force", "--done"], { input: stream, signal });
    const commit = await place.ref(NEXT);
    if (commit === null) throw failure(false, "git made no commit");

    const expected = base?.commit ?? null;
    const push = { environment, directory, ref, commit, expected, timeoutMs: timeouts.pushMs, signal };
    const outcome = await pushLeased(push);
    if (outcome.exitCode === 0 || (!pushWasRefused(outcome) && (await arrived(place, commit, signal)))) {
      await keeper.remember(place, { base, commit, delta });
      texts.wrote(change, delta);
      return { type: "pushed", commit };
    }
    return pushFailure(outcome, environment.redact(complaint(outcome, timeouts.pushMs)));
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
        if (at === null) return { commit: null, files: new Map(), tooLarge: [] };
        const place = await keeper.placeFor(format);
        const now = await keeper.bring(place, at, signal);
        return { commit: now.commit, ...(await texts.read(now, signal)) };
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
