import { createHash } from "node:crypto";
import { chmod, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { FactoryError } from "../../../src/core/model/error.ts";
import { holdsDocuments } from "../../../src/ports/documents.ts";
import type {
  ExportRequest,
  Snapshot,
  Source,
  SourceErrorReason,
  SourceResult,
  TreeEntry,
} from "../../../src/ports/source.ts";

/** null removes the file. */
export type FakeFile =
  | string
  | Uint8Array
  | { readonly link: string }
  | { readonly executable: string }
  | null;

/**
 * A source that lives in memory, for simulations and tests: the same port, the
 * same answers, nothing left to chance. Blobs have the ids that git would give them.
 */
export interface FakeSource extends Source {
  /** Commits on top of the branch, which it brings back if it was deleted. Answers with the revision. */
  commit(files: Readonly<Record<string, FakeFile>>): string;
  /** Starts a new history that holds these files and nothing else. */
  rewrite(files: Readonly<Record<string, FakeFile>>): string;
  /** From now on every question to the origin fails like this; null ends it. */
  fail(reason: SourceErrorReason | null): void;
  deleteBranch(): void;
  /** What a new process would find: the same origin and the same record of what was accepted. */
  restart(): FakeSource;
  /** Newest commit of the branch. */
  readonly head: string | null;
  /** How often the origin was asked for anything. */
  readonly questions: number;
}

interface FakeCommit {
  readonly revision: string;
  readonly parent: string | null;
  readonly snapshot: Snapshot;
  readonly files: ReadonlyMap<string, StoredFile>;
}
interface StoredFile {
  readonly type: "file" | "executable" | "symlink";
  readonly content: Uint8Array;
}

/** What outlives a restart. */
interface World {
  readonly branch: string;
  readonly commits: Map<string, FakeCommit>;
  readonly blobs: Map<string, Uint8Array>;
  readonly fetched: Set<string>;
  head: string | null;
  accepted: string | null;
  permit: { readonly from: string; readonly to: string } | null;
  failing: SourceErrorReason | null;
  questions: number;
}

type Read = Extract<SourceResult, { snapshot: Snapshot }>;

/** The same limit as that of the git source. */
const BLOB_BYTES_MAX = 2 * 1024 * 1024;

/** An empty origin whose branch does not exist yet. */
export function createFakeSource(options: { readonly branch?: string } = {}): FakeSource {
  return open({
    branch: options.branch ?? "main",
    commits: new Map(),
    blobs: new Map(),
    fetched: new Set(),
    head: null,
    accepted: null,
    permit: null,
    failing: null,
    questions: 0,
  });
}

function open(world: World): FakeSource {
  let current: Read | null = null;
  const fail = (reason: SourceErrorReason, message: string): SourceResult => {
    return { type: "error", reason, message, lastGood: world.accepted };
  };

  function look(signal: AbortSignal): SourceResult {
    if (signal.aborted) return fail("TimedOut", "given up because of a shutdown or a deadline of the caller");
    world.questions += 1;
    if (world.failing !== null) return fail(world.failing, `the origin fails on purpose: ${world.failing}`);
    const head = world.head === null ? undefined : world.commits.get(world.head);
    if (head === undefined) return fail("RefMissing", `refs/heads/${world.branch} does not exist`);
    const known: Read | null = current;
    if (known?.snapshot.revision === head.revision) {
      const same: Read = known.changed ? { ...known, changed: false } : known;
      current = same;
      return same;
    }
    world.fetched.add(head.revision);
    const from = world.accepted;
    if (from !== null && !isAncestor(world, from, head.revision)) {
      const permit = world.permit;
      if (permit?.from !== from || !isAncestor(world, permit.to, head.revision)) {
        return fail(
          "HistoryRewritten",
          `the branch went from ${from} to ${head.revision}, which does not descend from it`,
        );
      }
    }
    if (from !== head.revision) {
      world.accepted = head.revision;
      world.permit = null;
    }
    const type = holdsDocuments(head.snapshot.entries) ? "ok" : "verified_empty";
    const next: Read = { type, snapshot: head.snapshot, changed: true };
    current = next;
    return next;
  }

  const source: FakeSource = {
    observe: async (signal) => look(signal),
    async open(revision) {
      const commit = world.fetched.has(revision) ? world.commits.get(revision) : undefined;
      if (commit === undefined) throw unknownRevision(revision);
      return commit.snapshot;
    },
    async resolveRevision(name) {
      const known = [...world.fetched].filter((revision) => name.length >= 7 && revision.startsWith(name));
      if (known[0] !== undefined && known.length === 1) return known[0];
      world.questions += 1;
      if (world.failing !== null)
        throw new FactoryError("source/unreachable", "retry", "the origin fails on purpose");
      const isBranch = [world.branch, `refs/heads/${world.branch}`, "HEAD"].includes(name);
      const revision = isBranch ? world.head : world.commits.has(name) ? name : null;
      if (revision === null) throw unknownRevision(name);
      world.fetched.add(revision);
      return revision;
    },
    exportTree: (request) => exportFiles(world, request),
    async allowRewrite(from, to) {
      if (from !== world.accepted) {
        throw new FactoryError(
          "source/bad-rewrite",
          "stall",
          `the last accepted commit is ${world.accepted}, not ${from}`,
        );
      }
      world.permit = { from, to };
    },
    close: async () => {},
    commit: (files) => addCommit(world, files, world.head ?? null),
    rewrite: (files) => addCommit(world, files, null),
    fail(reason) {
      world.failing = reason;
    },
    deleteBranch() {
      world.head = null;
    },
    restart: () => open(world),
    get head() {
      return world.head;
    },
    get questions() {
      return world.questions;
    },
  };
  return source;
}

function addCommit(world: World, files: Readonly<Record<string, FakeFile>>, parent: string | null): string {
  const tree = new Map(parent === null ? [] : world.commits.get(parent)?.files);
  for (const [path, file] of Object.entries(files)) {
    if (file === null) tree.delete(path);
    else tree.set(path, store(file));
  }
  const entries: TreeEntry[] = [];
  for (const [path, { type, content }] of tree) {
    const blob = objectId("blob", content);
    world.blobs.set(blob, content);
    entries.push({ path, type, blob, size: content.length });
  }
  entries.sort((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)));
  const text = JSON.stringify([world.commits.size, parent, entries]);
  const revision = objectId("commit", Buffer.from(text));
  const snapshot: Snapshot = {
    revision,
    entries,
    readBlobs: async (ids, signal) => {
      signal.throwIfAborted();
      return readBlobs(world, ids);
    },
  };
  world.commits.set(revision, { revision, parent, snapshot, files: tree });
  world.head = revision;
  return revision;
}

function store(file: Exclude<FakeFile, null>): StoredFile {
  if (typeof file === "string" || file instanceof Uint8Array) return { type: "file", content: bytes(file) };
  return "link" in file
    ? { type: "symlink", content: bytes(file.link) }
    : { type: "executable", content: bytes(file.executable) };
}

function readBlobs(world: World, ids: readonly string[]): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const id of ids) {
    const content = world.blobs.get(id);
    if (content === undefined)
      throw new FactoryError("git/missing-object", "retry", `the object ${id} is missing`);
    if (content.length > BLOB_BYTES_MAX) {
      throw new FactoryError("git/object-too-large", "stall", `${id}: ${content.length} bytes`);
    }
    found.set(id, content);
  }
  return found;
}

async function exportFiles(world: World, request: ExportRequest): Promise<void> {
  const commit = world.fetched.has(request.revision) ? world.commits.get(request.revision) : undefined;
  if (commit === undefined) throw unknownRevision(request.revision);
  await mkdir(request.directory, { recursive: true });
  if ((await readdir(request.directory)).length > 0) {
    throw new FactoryError("source/directory-not-empty", "crash", `${request.directory} is not empty`);
  }
  for (const [path, { type, content }] of commit.files) {
    const wanted =
      request.paths?.some((one) => (one.endsWith("/") ? path.startsWith(one) : path === one)) ?? true;
    if (!wanted) continue;
    const place = join(request.directory, path);
    const target = Buffer.from(content).toString("utf8");
    if (type === "symlink" && !staysInside(commit, path, target)) continue;
    await mkdir(dirname(place), { recursive: true });
    if (type === "symlink") await symlink(target, place);
    else await writeFile(place, content);
    if (type === "executable") await chmod(place, 0o755);
  }
}

/** Stricter than need be: a target that goes through another link is taken for one that leaves. */
function staysInside(commit: FakeCommit, path: string, target: string): boolean {
  if (target.startsWith("/") || /[^./][^/]*\/(.*\/)?\.\.(\/|$)/.test(target)) return false;
  const end = posix.join(posix.dirname(path), target);
  if (end === ".." || end.startsWith("../")) return false;
  return ![...commit.files].some(
    ([other, { type }]) => type === "symlink" && `${end}/`.startsWith(`${other}/`),
  );
}

function isAncestor(world: World, ancestor: string, revision: string): boolean {
  for (let at: string | null = revision; at !== null; at = world.commits.get(at)?.parent ?? null) {
    if (at === ancestor) return true;
  }
  return false;
}

function objectId(kind: string, content: Uint8Array): string {
  return createHash("sha1").update(`${kind} ${content.length}\0`).update(content).digest("hex");
}

function bytes(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? Buffer.from(content) : content;
}

function unknownRevision(name: string): FactoryError {
  return new FactoryError("source/unknown-revision", "stall", `${JSON.stringify(name)} names no commit`);
}
