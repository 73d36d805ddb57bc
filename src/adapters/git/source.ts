import { resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { Log } from "../../ports/log.ts";
import { silentLog } from "../../ports/log.ts";
import type { Source, SourceErrorReason } from "../../ports/source.ts";
import { createBranchReader } from "./branch-reader.ts";
import { createGitEnvironment, type GitAccess } from "./environment.ts";
import { exportTree } from "./export.ts";
import { DEFAULT_TIMEOUTS, type Timeouts } from "./mirror.ts";
import { createMirrorKeeper } from "./mirror-keeper.ts";
import { OBJECT_ID } from "./objects.ts";
import { resolveRevision } from "./revision.ts";
import { writePermit } from "./rewrite-permit.ts";
import { createSnapshotCache, unknownRevision } from "./snapshot-cache.ts";
import { createTurn } from "./turn.ts";

export interface GitSourceOptions {
  /** Path, `file://`, `http(s)://`, `ssh://` or `host:path`. A password in it never reaches arguments, files or messages. */
  readonly url: string;
  /** `main` or `refs/heads/main`. */
  readonly branch: string;
  /** Of the bare mirror: ours alone, made when needed, safe to delete while we do not run. */
  readonly directory: string;
  readonly access?: GitAccess;
  readonly timeouts?: Partial<Timeouts>;
  readonly log?: Log;
  /** The controller's environment; for tests. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Reads the fleet from a branch of a git repository, over one bare mirror.
 *
 * The order of an observation is such that a crash between any two steps costs
 * a repetition and nothing else: list the ref, fetch the commit, compare
 * histories, read the whole tree, move `accepted`, answer.
 *
 * `changed` compares with the answer before of this object: the first is always changed.
 */
export function createGitSource(options: GitSourceOptions): Source {
  const directory = resolve(options.directory);
  const environment = createGitEnvironment({
    url: options.url,
    access: options.access,
    ...pick(options.env),
  });
  const ref = options.branch.startsWith("refs/") ? options.branch : `refs/heads/${options.branch}`;
  const timeouts: Timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const place = { directory, environment, timeouts };
  const keeper = createMirrorKeeper(place);
  const snapshots = createSnapshotCache(keeper);
  const branch = createBranchReader({ ...place, ref, keeper, snapshots, log: options.log ?? silentLog });
  const closing = new AbortController();
  const inTurn = createTurn();

  const either = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, closing.signal]);

  return {
    observe: (given, hint = { moved: false }) =>
      inTurn(async () => {
        const signal = either(given);
        try {
          return await branch.look(signal, hint);
        } catch (error) {
          return branch.fail(reasonOf(error, signal), error instanceof Error ? error.message : String(error));
        }
      }),

    async open(revision, signal) {
      if (!OBJECT_ID.test(revision)) throw unknownRevision(revision);
      const mirror = snapshots.has(revision) ? null : await inTurn(keeper.open);
      if (mirror !== null && !(await mirror.has(revision))) throw unknownRevision(revision);
      return await snapshots.of(revision, either(signal));
    },

    resolveRevision: (name, signal) =>
      inTurn(async () => {
        await keeper.open();
        const mirror = keeper.current();
        return await resolveRevision({ name, mirror, made: keeper.made, ...place, signal: either(signal) });
      }),

    async exportTree(request, given) {
      const signal = either(given);
      const snapshot = await this.open(request.revision, signal);
      const mirror = keeper.current();
      if (mirror === null) throw unknownRevision(request.revision);
      await exportTree({ ...request, mirror, reader: keeper.reader(), snapshot, signal });
    },

    allowRewrite: (from, to) =>
      inTurn(async () => {
        await keeper.open();
        refuseBadRewrite({ from, to, accepted: keeper.accepted });
        await writePermit(directory, { from, to });
        branch.allowAnotherRebuild();
      }),

    async close() {
      closing.abort(new FactoryError("source/closed", "yield", "the source was closed"));
      await inTurn(async () => {});
      keeper.close();
    },
  };
}

function refuseBadRewrite(asked: {
  readonly from: string;
  readonly to: string;
  readonly accepted: string | null;
}): void {
  const { from, to, accepted } = asked;
  const message =
    !OBJECT_ID.test(from) || !OBJECT_ID.test(to)
      ? "a rewrite is allowed by naming both commits in full"
      : accepted !== from
        ? `the last accepted commit is ${accepted ?? "none"}, not ${from}`
        : null;
  if (message !== null) throw new FactoryError("source/bad-rewrite", "stall", message);
}

function reasonOf(error: unknown, signal: AbortSignal): SourceErrorReason {
  if (signal.aborted) return "TimedOut";
  if (!(error instanceof FactoryError) || error.code === "git/not-started") return "Unreachable";
  return error.code === "git/credentials" ? "Unauthorized" : "Corrupt";
}

function pick(env: NodeJS.ProcessEnv | undefined): { env?: NodeJS.ProcessEnv } {
  return env === undefined ? {} : { env };
}
