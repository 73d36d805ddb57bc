import { mkdir, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";
import { type Log, silentLog } from "../../ports/log.ts";
import type { PublishResult, StatusBranch, StatusChange } from "../../ports/status-branch.ts";
import { createGitEnvironment, type GitAccess } from "./environment.ts";
import { complaint, pushFailure, pushWasRefused, readFailure } from "./errors.ts";
import {
  DEFAULT_TIMEOUTS,
  initMirror,
  type Mirror,
  type ObjectFormat,
  openMirror,
  type Timeouts,
  tidy,
} from "./mirror.ts";
import { createObjectReader } from "./objects.ts";
import { runGit } from "./process.ts";
import { listRemoteRefs } from "./remote-ref.ts";
import { BLOB_BYTES_MAX, BLOBS_BYTES_MAX } from "./snapshot.ts";
import { importStream, type StatusDelta, statusDelta } from "./status-commit.ts";
import { parseTree } from "./tree.ts";

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
const OURS = ["README.md", "missions/", "clones/", ".factory/"];
const TIP = "refs/factory/status-tip";
const NEXT = "refs/factory/status-next";
const PUSHES_PER_HOUSEKEEPING = 50;

/** The tree of one commit of the branch, by path. */
interface Tip {
  readonly commit: string;
  readonly files: Map<string, TipFile>;
}
export interface TipFile {
  readonly type: string;
  readonly blob: string;
  readonly size: number;
}

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
  const ours = options.ours ?? OURS;
  const log = options.log ?? silentLog;
  const mirrorOptions = { directory, environment, timeouts };
  let mirror: Mirror | null = null;
  let tip: Tip | null = null;
  let pushes = 0;
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  /** Where the branch stands at the origin, and the kind of ids it uses. Rejects `status/…`. */
  async function ask(signal: AbortSignal): Promise<{ commit: string | null; format: ObjectFormat }> {
    await mkdir(dirname(directory), { recursive: true });
    const request = {
      environment,
      gitDir: directory,
      names: [ref, "HEAD"],
      timeoutMs: timeouts.listMs,
      signal,
    };
    const listed = await listRemoteRefs(request);
    if (listed.type === "error") throw failure(listed.reason === "Unauthorized", listed.message);
    const commit = listed.refs.get(ref) ?? null;
    const sample = commit ?? listed.refs.get("HEAD");
    return { commit, format: sample?.length === 64 ? "sha256" : "sha1" };
  }

  /** Our repository, made anew when the origin has changed the kind of its ids. */
  async function placeFor(format: ObjectFormat): Promise<Mirror> {
    mirror ??= await openMirror(mirrorOptions);
    if (mirror !== null && (await mirror.format()) !== format) await startOver();
    mirror ??= await initMirror(mirrorOptions, format);
    return mirror;
  }

  /** Everything here can be had again from the origin. */
  async function startOver(): Promise<void> {
    mirror = null;
    tip = null;
    await rm(directory, { recursive: true, force: true });
  }

  async function bring(place: Mirror, commit: string, signal: AbortSignal): Promise<Tip> {
    if (tip?.commit === commit) return tip;
    if ((await place.ref(TIP)) !== commit) {
      // The history before our first look is of no use here, and may be long.
      const depth = (await place.ref(TIP)) === null ? ["--depth=1"] : [];
      const outcome = await place.fetch([`+${ref}:${TIP}`], { signal, options: depth });
      if (outcome.exitCode !== 0) {
        const reason = readFailure(outcome);
        throw failure(reason === "Unauthorized", environment.redact(complaint(outcome, timeouts.fetchMs)));
      }
    }
    const found = (await place.ref(TIP)) ?? commit;
    const listing = await place.askBytes(["ls-tree", "-r", "-z", "-l", "--full-tree", found], { signal });
    tip = { commit: found, files: new Map(parseTree(listing).map((entry) => [entry.path, entry])) };
    return tip;
  }

  async function push(place: Mirror, commit: string, signal: AbortSignal) {
    const lease = `--force-with-lease=${ref}:${tip?.commit ?? ""}`;
    return await runGit({
      args: ["push", "--porcelain", "--no-follow-tags", lease, "--", environment.url, `${commit}:${ref}`],
      env: await environment.remote(place.directory),
      cwd: place.directory,
      timeoutMs: timeouts.pushMs,
      signal,
    });
  }

  async function publish(change: StatusChange, signal: AbortSignal): Promise<PublishResult> {
    const { commit: at, format } = await ask(signal);
    const place = await placeFor(format);
    tip = at === null ? null : await bring(place, at, signal);
    const delta = statusDelta(change, tip?.files ?? new Map(), format);
    if (delta.written.length === 0 && delta.removed.length === 0) {
      return { type: "unchanged", commit: tip?.commit ?? null };
    }
    const base = tip;
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

    const outcome = await push(place, commit, signal);
    if (outcome.exitCode === 0 || (!pushWasRefused(outcome) && (await arrived(place, commit, signal)))) {
      await remember(place, { base, commit, delta });
      return { type: "pushed", commit };
    }
    return pushFailure(outcome, environment.redact(complaint(outcome, timeouts.pushMs)));
  }

  /** Whether a push without an answer was carried out: its commit is at the tip, or below it by now. */
  async function arrived(place: Mirror, commit: string, signal: AbortSignal): Promise<boolean> {
    try {
      const { commit: at } = await ask(signal);
      if (at === null || at === commit) return at === commit;
      const now = await bring(place, at, signal);
      return await place.isAncestor(commit, now.commit);
    } catch {
      return false; // still unknown; the next publication finds out
    }
  }

  async function remember(
    place: Mirror,
    pushed: { base: Tip | null; commit: string; delta: StatusDelta },
  ): Promise<void> {
    const { base, commit, delta } = pushed;
    await place.update([`update ${TIP} ${commit}`]);
    const files = base?.files ?? new Map<string, TipFile>();
    const clean = delta.replacesFolders ? null : { commit, files };
    for (const path of delta.removed) files.delete(path);
    for (const { path, blob, bytes } of delta.written)
      files.set(path, { type: "file", blob, size: bytes.length });
    tip = clean;
    pushes += 1;
    if (pushes % PUSHES_PER_HOUSEKEEPING !== 0) return;
    const problem = await tidy(place);
    if (problem !== null) log.warn("the status repository could not be tidied up", { reason: problem });
  }

  return {
    read(signal) {
      return inTurn(async () => {
        const { commit: at, format } = await ask(signal);
        if (at === null) return { commit: null, files: new Map() };
        const place = await placeFor(format);
        const now = await bring(place, at, signal);
        const wanted = [...now.files].filter(
          ([path, file]) => file.type === "file" && file.size <= BLOB_BYTES_MAX && isOurs(path, ours),
        );
        const reader = createObjectReader(directory, environment.local(directory));
        try {
          const limits = { bytesMax: BLOB_BYTES_MAX, totalBytesMax: BLOBS_BYTES_MAX };
          const blobs = await reader.read(
            wanted.map(([, file]) => file.blob),
            limits,
            signal,
          );
          const text = (blob: string) => Buffer.from(blobs.get(blob) ?? new Uint8Array()).toString("utf8");
          return {
            commit: now.commit,
            files: new Map(wanted.map(([path, file]) => [path, text(file.blob)])),
          };
        } finally {
          reader.close();
        }
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
          if (error.code.startsWith("git/") && error.code !== "git/credentials") await startOver();
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

function isOurs(path: string, ours: readonly string[]): boolean {
  return ours.some((one) => (one.endsWith("/") ? path.startsWith(one) : path === one));
}

function failure(unauthorized: boolean, message: string): FactoryError {
  return unauthorized
    ? new FactoryError("status/unauthorized", "stall", message)
    : new FactoryError("status/unreachable", "retry", message);
}
