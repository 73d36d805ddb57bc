import { createHash } from "node:crypto";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { MaterialiseRequest } from "../../ports/workspaces.ts";
import { codeOf, Folder } from "./folder.ts";
import { components } from "./path.ts";
import { readRecord, writeRecord } from "./record.ts";

export const LOCK_PATH = ".factory/workspace.lock.json";

const FILES_MAX = 20_000;
/** Folders that stood where a file belongs are kept under a number; more than this many is a fight, not an accident. */
const DISPLACED_MAX = 20;

export interface MaterialisePlaces {
  readonly root: string;
  /** Ours alone, on the same file system: files are made whole here and then moved in. */
  readonly staging: string;
  readonly record: string;
}

interface PlannedFile {
  readonly path: string;
  readonly parts: readonly string[];
  readonly content: Buffer;
  readonly mode: number;
}

/**
 * Brings a workspace to its manifest. What was ours and is not wanted any more
 * is removed, and what is to be cleared; everything else stays. The lock file is written last, so that
 * its digest on disk means that the whole tree was there.
 *
 * Interrupted anywhere, a repeat ends in the same tree: the record of our
 * files is widened before the first write and narrowed after the last.
 */
export async function materialise(
  request: MaterialiseRequest,
  places: MaterialisePlaces,
  signal: AbortSignal,
): Promise<string> {
  const wanted = plannedFiles(request);
  const before = await readRecord(places.record);
  const wantedPaths = wanted.map((file) => file.path);
  await writeRecord(places.record, [...before.paths, ...wantedPaths]);

  await mkdir(places.root, { recursive: true });
  await rm(places.staging, { recursive: true, force: true });
  await mkdir(places.staging, { recursive: true, mode: 0o700 });
  const root = await Folder.open(places.root);
  try {
    const keep = new Set(wantedPaths);
    for (const path of [...before.paths, ...(request.cleared ?? [])].filter((path) => !keep.has(path))) {
      signal.throwIfAborted();
      await removeFile(root, components(path));
    }
    for (const file of wanted) {
      signal.throwIfAborted();
      await putFile(root, file, places.staging);
    }
    const lock = await verify(root, wanted);
    await writeRecord(places.record, wantedPaths);
    return lock;
  } finally {
    await root.close();
    await rm(places.staging, { recursive: true, force: true });
  }
}

/** Everything that will be written, the lock file last. Checked as a whole before the first write. */
function plannedFiles(request: MaterialiseRequest): readonly PlannedFile[] {
  const { manifest } = request;
  const found = sha256(Buffer.from(manifest.lock));
  if (found !== manifest.digest) {
    throw new FactoryError(
      "workspace/digest",
      "crash",
      `the lock text has ${found}, the manifest says ${manifest.digest}`,
    );
  }
  const files: PlannedFile[] = [];
  for (const file of manifest.files) {
    if (file.path === LOCK_PATH) continue;
    const content =
      "text" in file.content ? Buffer.from(file.content.text) : blobOf(request, file.content.blob, file.path);
    files.push({
      path: file.path,
      parts: components(file.path),
      content,
      mode: file.executable ? 0o755 : 0o644,
    });
  }
  for (const [inputPath, input] of request.inputs) {
    const path = `inputs/${inputPath}`;
    const content = blobOf(request, input.blob, path);
    files.push({ path, parts: components(path), content, mode: input.executable ? 0o555 : 0o444 });
  }
  files.push({
    path: LOCK_PATH,
    parts: components(LOCK_PATH),
    content: Buffer.from(manifest.lock),
    mode: 0o644,
  });
  if (files.length > FILES_MAX) {
    throw new FactoryError(
      "workspace/too-many-files",
      "stall",
      `${files.length} files, at most ${FILES_MAX} are allowed`,
    );
  }
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path))
      throw new FactoryError("workspace/path", "stall", `${path} is set twice, by clone and mission`);
    seen.add(path);
  }
  return files;
}

function blobOf(request: MaterialiseRequest, blob: string, path: string): Buffer {
  const content = request.blobs.get(blob);
  if (!content)
    throw new FactoryError("workspace/blob-missing", "crash", `${path}: blob ${blob} was not handed over`);
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

async function putFile(root: Folder, file: PlannedFile, staging: string): Promise<void> {
  const name = lastOf(file.parts);
  const folder = await descend(root, file.parts, true);
  if (!folder) return;
  try {
    const present = await folder.read(name, file.content.byteLength);
    if (present?.mode === file.mode && present.content.equals(file.content)) return;
    const staged = join(staging, "file");
    await writeFile(staged, file.content, { mode: 0o600 });
    await chmod(staged, file.mode); // Not through open(): that one is subject to the umask.
    if ((await folder.kind(name)) === "folder") await displace(folder, name);
    await folder.moveIn(staged, name);
  } finally {
    if (folder !== root) await folder.close();
  }
}

/** A folder that stands where a file belongs may hold work: it is set aside, not removed. */
async function displace(folder: Folder, name: string): Promise<void> {
  if (await folder.removeEmpty(name)) return;
  for (let number = 1; number <= DISPLACED_MAX; number++) {
    const aside = `${name}.displaced-${number}`;
    if ((await folder.kind(aside)) === "absent") return await folder.rename(name, aside);
  }
  const message = `${join(folder.path, name)} is a folder again after it was set aside ${DISPLACED_MAX} times`;
  throw new FactoryError("workspace/occupied", "retry", message);
}

/** Removes one of our files and the folders that it leaves empty. What stands behind a symlink is not ours. */
async function removeFile(root: Folder, parts: readonly string[]): Promise<void> {
  const open: Folder[] = [root];
  try {
    for (const part of parts.slice(0, -1)) {
      const parent = lastOf(open);
      if ((await parent.kind(part)) !== "folder") return;
      const next = await parent.child(part, false);
      if (!next) return;
      open.push(next);
    }
    const name = lastOf(parts);
    if ((await lastOf(open).kind(name)) === "folder") return;
    await lastOf(open).remove(name);
    for (let depth = open.length - 2; depth >= 0; depth--) {
      const removed = await open[depth]?.removeEmpty(parts[depth] ?? "");
      if (!removed) return;
    }
  } finally {
    for (const folder of open.slice(1)) await folder.close();
  }
}

/** Reads back what stands there. Answers with the digest of the lock file on disk. */
async function verify(root: Folder, files: readonly PlannedFile[]): Promise<string> {
  let digest = "";
  for (const file of files) {
    const folder = await descend(root, file.parts, false);
    const present = await folder?.read(lastOf(file.parts), file.content.byteLength);
    if (folder && folder !== root) await folder.close();
    if (!present?.content.equals(file.content) || present.mode !== file.mode) {
      const message = `${file.path} in ${root.path} is not what was just written: another process writes to this workspace`;
      throw new FactoryError("workspace/changed", "retry", message);
    }
    digest = sha256(present.content);
  }
  return digest;
}

/** The folder that holds the last component; the caller closes it, unless it is the root itself. */
async function descend(root: Folder, parts: readonly string[], create: boolean): Promise<Folder | null> {
  let folder = root;
  for (const part of parts.slice(0, -1)) {
    let next: Folder | null = null;
    try {
      next = await folder.child(part, create);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    } finally {
      if (folder !== root) await folder.close();
    }
    if (!next) return null;
    folder = next;
  }
  return folder;
}

function sha256(content: Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

function lastOf<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) throw new FactoryError("unreachable", "crash", "a path has at least one component");
  return item;
}
