import { mkdir, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import { holdsDocuments } from "../../ports/documents.ts";
import type { Log } from "../../ports/log.ts";
import { silentLog } from "../../ports/log.ts";
import type { Snapshot, Source, SourceErrorReason, SourceResult } from "../../ports/source.ts";
import { createGitEnvironment, type GitAccess } from "./environment.ts";
import { complaint, readFailure } from "./errors.ts";
import { exportTree } from "./export.ts";
import { acceptCommit, compareHistories, rewriteMessage } from "./history.ts";
import {
  ACCEPTED,
  CANDIDATE,
  DEFAULT_TIMEOUTS,
  initMirror,
  type Mirror,
  type ObjectFormat,
  openMirror,
  type Timeouts,
  tidy,
} from "./mirror.ts";
import { createObjectReader, OBJECT_ID, type ObjectReader } from "./objects.ts";
import { finishRebuild, rebuildMirror } from "./rebuild.ts";
import { listRemoteRefs } from "./remote-ref.ts";
import { resolveRevision } from "./revision.ts";
import { readPermit, writePermit } from "./rewrite-permit.ts";
import { isDamage, readSnapshot } from "./snapshot.ts";

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

type Read = Extract<SourceResult, { snapshot: Snapshot }>;

/** Snapshots that stay in memory: the newest, and those that running missions are judged by. */
const SNAPSHOTS_MAX = 8;
/** Each fetch adds a pack or loose objects; after so many it is worth to look whether git wants to tidy up. */
const FETCHES_PER_HOUSEKEEPING = 50;

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
  const log = options.log ?? silentLog;
  const mirrorOptions = { directory, environment, timeouts };
  const closing = new AbortController();
  const snapshots = new Map<string, Snapshot>();
  let mirror: Mirror | null = null;
  let reader: ObjectReader | null = null;
  let accepted: string | null = null;
  let current: Read | null = null;
  let fetches = 0;
  /** Something that was accepted cannot be read any more. */
  let damaged = false;
  let rebuiltFor: string | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  /** One after the other: everything that fetches, or moves our refs. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  async function ready(): Promise<Mirror | null> {
    if (mirror !== null) return mirror;
    await mkdir(dirname(directory), { recursive: true });
    await finishRebuild(mirrorOptions);
    mirror = await openMirror(mirrorOptions);
    accepted = (await mirror?.refValue(ACCEPTED)) ?? null;
    damaged = mirror !== null && accepted !== null && !(await mirror.has(accepted));
    return mirror;
  }

  async function made(format: ObjectFormat): Promise<Mirror> {
    mirror = (await ready()) ?? (await initMirror(mirrorOptions, format));
    return mirror;
  }

  function readerOfMirror(): ObjectReader {
    reader ??= createObjectReader(directory, environment.local(directory));
    return reader;
  }

  async function snapshotOf(revision: string, signal: AbortSignal | undefined): Promise<Snapshot> {
    const known = snapshots.get(revision);
    if (known !== undefined) {
      snapshots.delete(revision);
      snapshots.set(revision, known);
      return known;
    }
    const place = await ready();
    if (place === null) throw unknownRevision(revision);
    const snapshot = await readSnapshot({
      mirror: place,
      revision,
      signal,
      reader: readerOfMirror,
      onDamage() {
        damaged = true;
      },
    });
    snapshots.set(revision, snapshot);
    for (const oldest of snapshots.keys()) {
      if (snapshots.size <= SNAPSHOTS_MAX) break;
      snapshots.delete(oldest);
    }
    return snapshot;
  }

  function fail(reason: SourceErrorReason, message: string): SourceResult {
    return { type: "error", reason, message: environment.redact(message), lastGood: accepted };
  }

  async function look(signal: AbortSignal): Promise<SourceResult> {
    await ready();
    const timeoutMs = timeouts.listMs;
    const listed = await listRemoteRefs({ environment, gitDir: directory, names: [ref], timeoutMs, signal });
    if (listed.type === "error") return fail(listed.reason, listed.message);
    const listedHead = listed.refs.get(ref);
    if (listedHead === undefined) return fail("RefMissing", `${ref} does not exist at ${environment.url}`);
    const known: Read | null = current;
    if (known?.snapshot.revision === listedHead && !damaged) {
      const same: Read = known.changed ? { ...known, changed: false } : known;
      current = same;
      return same;
    }
    if (!damaged) {
      try {
        return await take(listedHead, signal);
      } catch (error) {
        if (!isDamage(error) || signal.aborted || rebuiltFor === listedHead) throw error;
        log.warn("the mirror is damaged", { reason: error instanceof Error ? error.message : String(error) });
      }
    }
    // Once for each commit: a second copy of the same origin would be no better.
    if (rebuiltFor === listedHead)
      return fail("Corrupt", "the mirror is damaged, and a new copy did not help");
    const format = formatOf(listedHead);
    const problem = await rebuildMirror({ options: mirrorOptions, format, ref, accepted, signal });
    if (problem === null || problem.reason === "Corrupt") rebuiltFor = listedHead;
    if (problem !== null) return fail(problem.reason, problem.message);
    forget();
    return await take(listedHead, signal);
  }

  /** Brings a commit of the branch in and answers with it, when it may follow the one before. */
  async function take(listedHead: string, signal: AbortSignal): Promise<SourceResult> {
    const place = await placeFor(listedHead);
    if (typeof place === "string") return fail("HistoryRewritten", place);
    const head = await bring(place, { head: listedHead, signal });
    if (typeof head !== "string") return head;
    const step = { from: accepted ?? head, to: head };
    const how = await compareHistories(place, step);
    if (how === "refused") return fail("HistoryRewritten", rewriteMessage(ref, step));
    const snapshot = await snapshotOf(head, signal);
    await acceptCommit(place, { from: accepted, to: head, how });
    accepted = head;
    const type = holdsDocuments(snapshot.entries) ? "ok" : "verified_empty";
    const next: Read = { type, snapshot, changed: current?.snapshot !== snapshot };
    current = next;
    return next;
  }

  /** What is known of the mirror in memory, but not what was read from it. */
  function forget(): void {
    reader?.close();
    reader = null;
    mirror = null;
    damaged = false;
  }

  /** The mirror, made for ids like `head`. Answers with a refusal when the origin has changed to the other kind. */
  async function placeFor(head: string): Promise<Mirror | string> {
    const format = formatOf(head);
    const place = await made(format);
    if ((await place.format()) === format) return place;
    if (accepted !== null) {
      const permit = await readPermit(directory);
      const step = { from: accepted, to: head };
      if (permit?.from !== step.from || permit.to !== head) return rewriteMessage(ref, step);
    }
    forget();
    accepted = null;
    snapshots.clear();
    await rm(directory, { recursive: true, force: true });
    return await made(format);
  }

  /** Makes sure that a commit of the branch is in the mirror, and answers which. */
  async function bring(
    place: Mirror,
    want: { head: string; signal: AbortSignal },
  ): Promise<string | SourceResult> {
    const { head, signal } = want;
    if (head === accepted || head === (await place.ref(CANDIDATE))) return head;
    const outcome = await place.fetch([`+${ref}:${CANDIDATE}`], { signal });
    if (outcome.exitCode !== 0) {
      const reason = readFailure(outcome);
      const message = complaint(outcome, timeouts.fetchMs);
      // Whether it is the origin that is broken or our copy, a new copy will tell.
      if (reason === "Corrupt") throw new FactoryError("git/failed", "retry", message);
      return fail(reason, message);
    }
    fetches += 1;
    if (fetches % FETCHES_PER_HOUSEKEEPING === 0) {
      const problem = await tidy(place);
      if (problem !== null) log.warn("the mirror could not be tidied up", { reason: problem });
    }
    // The branch may have moved on between the two questions: what was fetched counts.
    const fetched = await place.ref(CANDIDATE);
    return fetched ?? fail("Corrupt", `${ref} does not point to a commit`);
  }

  return {
    observe(signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      return inTurn(async () => {
        try {
          return await look(either);
        } catch (error) {
          return fail(reasonOf(error, either), error instanceof Error ? error.message : String(error));
        }
      });
    },

    async open(revision, signal) {
      if (!OBJECT_ID.test(revision)) throw unknownRevision(revision);
      const place = snapshots.has(revision) ? null : await inTurn(ready);
      if (place !== null && !(await place.has(revision))) throw unknownRevision(revision);
      return await snapshotOf(revision, AbortSignal.any([signal, closing.signal]));
    },

    resolveRevision(name, signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      return inTurn(async () => {
        await ready();
        return await resolveRevision({
          name,
          mirror,
          made,
          environment,
          directory,
          timeouts,
          signal: either,
        });
      });
    },

    async exportTree(request, signal) {
      const either = AbortSignal.any([signal, closing.signal]);
      const snapshot = await this.open(request.revision, either);
      const place = mirror;
      if (place === null) throw unknownRevision(request.revision);
      await exportTree({ ...request, mirror: place, reader: readerOfMirror(), snapshot, signal: either });
    },

    allowRewrite(from, to) {
      return inTurn(async () => {
        await ready();
        if (!OBJECT_ID.test(from) || !OBJECT_ID.test(to)) {
          throw new FactoryError(
            "source/bad-rewrite",
            "stall",
            "a rewrite is allowed by naming both commits in full",
          );
        }
        if (accepted === null || accepted !== from) {
          const message = `the last accepted commit is ${accepted ?? "none"}, not ${from}`;
          throw new FactoryError("source/bad-rewrite", "stall", message);
        }
        await writePermit(directory, { from, to });
        rebuiltFor = null;
      });
    },

    async close() {
      closing.abort(new FactoryError("source/closed", "yield", "the source was closed"));
      await turn;
      reader?.close();
    },
  };
}

function reasonOf(error: unknown, signal: AbortSignal): SourceErrorReason {
  if (signal.aborted) return "TimedOut";
  if (!(error instanceof FactoryError)) return "Unreachable";
  return error.code === "git/credentials" ? "Unauthorized" : "Corrupt";
}

function unknownRevision(revision: string): FactoryError {
  return new FactoryError("source/unknown-revision", "stall", `there is no commit ${revision} in the mirror`);
}

function formatOf(id: string): ObjectFormat {
  return id.length === 40 ? "sha1" : "sha256";
}

function pick(env: NodeJS.ProcessEnv | undefined): { env?: NodeJS.ProcessEnv } {
  return env === undefined ? {} : { env };
}
