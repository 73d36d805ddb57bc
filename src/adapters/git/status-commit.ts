/** What one publication changes, and the commit that says so, as a stream for `git fast-import`. */
import { createHash } from "node:crypto";
import { FactoryError } from "../../core/model/error.ts";
import type { Instant } from "../../core/model/time.ts";
import type { StatusChange } from "../../ports/status-branch.ts";
import type { ObjectFormat } from "./mirror.ts";
import type { TipFile } from "./status-tip.ts";
import { isSafePath } from "./tree.ts";

export interface StatusDelta {
  readonly written: readonly WrittenFile[];
  readonly removed: readonly string[];
  /** A file takes the place of a folder or the other way round, so more changes than is listed here. */
  readonly replacesFolders: boolean;
}

export interface WrittenFile {
  readonly path: string;
  readonly blob: string;
  readonly size: number;
  /** Null: the blob is in our repository already. */
  readonly bytes: Buffer | null;
}

/** A status tree is text for people; more than this is a mistake of ours. */
const CHANGE_BYTES_MAX = 256 * 1024 * 1024;

/**
 * What must be written and removed so that the tip has our files. A path that
 * is both written and removed is written. Throws `status/bad-path` and `status/too-large`.
 */
export function statusDelta(
  change: StatusChange,
  tip: ReadonlyMap<string, TipFile>,
  format: ObjectFormat,
): StatusDelta {
  const written: WrittenFile[] = [];
  let total = 0;
  for (const [path, content] of change.files) {
    if (!isSafePath(path)) throw badPath(path);
    const bytes = Buffer.from(content, "utf8");
    total += bytes.length;
    if (total > CHANGE_BYTES_MAX) {
      throw new FactoryError(
        "status/too-large",
        "crash",
        `the status files have more than ${CHANGE_BYTES_MAX} bytes`,
      );
    }
    const blob = createHash(format).update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    const there = tip.get(path);
    if (there?.blob !== blob || there.type !== "file")
      written.push({ path, bytes, blob, size: bytes.length });
  }
  const removed = change.removed.filter((path) => tip.has(path) && !change.files.has(path));
  return {
    written,
    removed,
    replacesFolders: replacesFolders(written, tip),
  };
}

/**
 * What is signed holds in our paths what we, or those whom we believe, wrote there: what somebody else put there is taken
 * out again with whatever is published next.
 */
export function withRepairs(
  delta: StatusDelta,
  of: {
    readonly base: ReadonlyMap<string, TipFile>;
    readonly believed: ReadonlyMap<string, TipFile>;
    readonly change: StatusChange;
    readonly isOurs: (path: string) => boolean;
  },
): StatusDelta {
  const { base, believed, change, isOurs } = of;
  const gone = new Set(change.removed);
  const ofChange = (path: string): boolean => change.files.has(path) || gone.has(path);
  const written = [...believed].flatMap(([path, { type, blob, size }]): WrittenFile[] =>
    type === "file" && isOurs(path) && !ofChange(path) && base.get(path)?.blob !== blob
      ? [{ path, blob, size, bytes: null }]
      : [],
  );
  const removed = [...base.keys()].filter((path) => isOurs(path) && !believed.has(path) && !ofChange(path));
  if (written.length === 0 && removed.length === 0) return delta;
  return {
    written: [...delta.written, ...written],
    removed: [...delta.removed, ...removed],
    replacesFolders: true,
  };
}

function replacesFolders(written: StatusDelta["written"], tip: ReadonlyMap<string, TipFile>): boolean {
  const fresh = written.filter(({ path }) => !tip.has(path));
  if (fresh.length === 0 || tip.size === 0) return false;
  const folders = new Set([...tip.keys()].flatMap(foldersOf));
  return fresh.some(({ path }) => folders.has(path) || foldersOf(path).some((folder) => tip.has(folder)));
}

function foldersOf(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join("/"));
}

export interface ImportRequest {
  readonly delta: StatusDelta;
  readonly change: StatusChange;
  readonly author: { readonly name: string; readonly email: string };
  /** null starts the branch, without any history. */
  readonly parent: string | null;
  readonly at: Instant;
  readonly ref: string;
}

/** One commit on `parent`, put on `ref` of our own repository. */
export function importStream(request: ImportRequest): Buffer {
  const { delta, change, author, parent, at, ref } = request;
  const parts: Buffer[] = [];
  const say = (line: string): void => void parts.push(Buffer.from(`${line}\n`));
  const data = (bytes: Buffer): void => {
    say(`data ${bytes.length}`);
    parts.push(bytes, LINE_FEED);
  };
  // The ref may point anywhere, after an attempt that was not carried through.
  say(`reset ${ref}`);
  say(parent === null ? "" : `from ${parent}\n`);
  say(`commit ${ref}`);
  say(`committer ${oneLine(author.name)} <${oneLine(author.email)}> ${Math.floor(at / 1_000)} +0000`);
  data(Buffer.from(message(change)));
  if (parent !== null) say(`from ${parent}`);
  for (const path of delta.removed) say(`D ${quote(path)}`);
  for (const { path, bytes, blob } of delta.written) {
    say(`M 100644 ${bytes === null ? blob : "inline"} ${quote(path)}`);
    if (bytes !== null) data(bytes);
  }
  say("done");
  return Buffer.concat(parts);
}

const LINE_FEED = Buffer.from("\n");

function message(change: StatusChange): string {
  const trailers = Object.entries(change.trailers).map(
    ([key, value]) => `${oneLine(key)}: ${oneLine(value)}\n`,
  );
  return `${oneLine(change.subject)}\n${trailers.length === 0 ? "" : `\n${trailers.join("")}`}`;
}

/** Nobody's text can add a header, a trailer or an address of its own. */
function oneLine(text: string): string {
  return text.replace(/[\s<>\0]+/g, " ").trim();
}

function quote(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

function badPath(path: string): FactoryError {
  return new FactoryError(
    "status/bad-path",
    "crash",
    `${JSON.stringify(path)} is not a path that we may write`,
  );
}
