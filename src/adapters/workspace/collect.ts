/** Fetches files out of a folder that an agent has filled and may still be changing. */
import type { FileHandle } from "node:fs/promises";
import { FactoryError } from "../../core/model/error.ts";
import { relativeParts } from "../../core/model/relative-path.ts";
import type { Collected, CollectedFile, CollectRequest } from "../../ports/collect.ts";
import { codeOf, Folder } from "./folder.ts";

const CHUNK_BYTES = 64 * 1024;

/**
 * Each path is walked from the root with an open folder per component, so that neither a symlink nor a swap while
 * we look leads elsewhere; only regular files are read, and no more of them than the limits say. What is amiss with one
 * file is said of that file. Rejects with `workspace/absent` when the root is no folder.
 */
export async function* collectBelow(
  path: string,
  request: CollectRequest,
  signal: AbortSignal,
): AsyncGenerator<Collected> {
  signal.throwIfAborted();
  const root = await openRoot(path);
  const budget: Budget = { files: request.limits.filesMax, bytes: request.limits.totalBytesMax };
  try {
    if (request.paths === undefined) yield* everyFile(root, request, { budget, signal });
    else yield* theseFiles(root, request.paths, { request, budget, signal });
  } finally {
    await root.close();
  }
}

interface Budget {
  files: number;
  bytes: number;
}

interface Walk {
  readonly request: CollectRequest;
  readonly budget: Budget;
  readonly signal: AbortSignal;
}

async function openRoot(path: string): Promise<Folder> {
  try {
    return await Folder.open(path);
  } catch (error) {
    const code = codeOf(error);
    if (code !== "ENOENT" && !(error instanceof FactoryError)) throw error;
    throw new FactoryError("workspace/absent", "yield", `there is no workspace at ${path}`, { cause: error });
  }
}

async function* theseFiles(root: Folder, paths: readonly string[], walk: Walk): AsyncGenerator<Collected> {
  for (const path of paths) {
    walk.signal.throwIfAborted();
    if (walk.budget.files === 0) return yield cutAt(walk);
    walk.budget.files -= 1;
    const parts = relativeParts(path);
    if (parts === null) {
      yield problemOf(path, "is not a path inside of the workspace");
      continue;
    }
    const found = await descend(root, parts);
    if (typeof found === "string") {
      yield problemOf(path, found);
      continue;
    }
    try {
      yield* oneFile(found, { path, name: parts.at(-1) ?? "" }, walk);
    } finally {
      if (found !== root) await found.close();
    }
  }
}

/** The open folder of the last component, or why there is none. The caller closes it, unless it is the root. */
async function descend(root: Folder, parts: readonly string[]): Promise<Folder | string> {
  let folder = root;
  for (const [index, part] of parts.slice(0, -1).entries()) {
    let next: Folder | null | string;
    try {
      next = await folder.child(part, false);
    } catch (error) {
      next =
        (await folder.kind(part)) === "other"
          ? linkText(parts.slice(0, index + 1).join("/"))
          : explain(error);
    }
    if (folder !== root) await folder.close();
    if (next === null) return "was not made";
    if (typeof next === "string") return next;
    folder = next;
  }
  return folder;
}

async function* everyFile(
  root: Folder,
  request: CollectRequest,
  { budget, signal }: Pick<Walk, "budget" | "signal">,
): AsyncGenerator<Collected> {
  const walk: Walk = { request, budget, signal };
  const below = request.below === undefined ? [] : relativeParts(request.below);
  if (below === null) return;
  const folder = await descend(root, [...below, ""]);
  if (typeof folder === "string") return; // There is nothing below what is not there.
  try {
    yield* folderOf(folder, request.below ?? "", { walk, depth: 0 });
  } finally {
    if (folder !== root) await folder.close();
  }
}

async function* folderOf(
  folder: Folder,
  path: string,
  { walk, depth }: { readonly walk: Walk; readonly depth: number },
): AsyncGenerator<Collected> {
  const { request, budget, signal } = walk;
  for (const { name, kind } of await folder.entries().catch(() => [])) {
    signal.throwIfAborted();
    const here = path === "" ? name : `${path}/${name}`;
    if (kind === "folder") {
      if (depth >= request.limits.depthMax || isSkipped(request, name, here)) continue;
      const child = await folder.child(name, false).catch(() => null);
      if (child === null) continue; // It went, or became a link, since it was listed.
      try {
        yield* folderOf(child, here, { walk, depth: depth + 1 });
      } finally {
        await child.close();
      }
      if (budget.files < 0) return;
      continue;
    }
    if (budget.files === 0) {
      budget.files = -1;
      return yield cutAt(walk);
    }
    budget.files -= 1;
    if (kind === "other") yield problemOf(here, "is a symlink or no regular file; links are not followed");
    else yield* oneFile(folder, { path: here, name }, walk);
  }
}

function isSkipped({ skipNames, skipPaths }: CollectRequest, name: string, path: string): boolean {
  return skipNames?.includes(name) === true || skipPaths?.includes(path) === true;
}

async function* oneFile(
  folder: Folder,
  { path, name }: { readonly path: string; readonly name: string },
  walk: Walk,
): AsyncGenerator<CollectedFile> {
  let file: FileHandle;
  try {
    file = await folder.openFile(name);
  } catch (error) {
    return yield problemOf(path, codeOf(error) === "ELOOP" ? linkText(path) : explain(error));
  }
  try {
    yield await described(file, path, walk);
  } finally {
    await file.close();
  }
}

async function described(file: FileHandle, path: string, walk: Walk): Promise<CollectedFile> {
  const stats = await file.stat();
  if (stats.isDirectory()) return problemOf(path, "is a folder, not a file");
  if (!stats.isFile()) return problemOf(path, "is not a regular file");
  const { request, budget } = walk;
  const max = Math.min(request.limits.fileBytesMax, budget.bytes);
  const { size: bytes } = stats;
  const problem = bytes > max ? `has more than ${max} bytes, the most that is taken` : null;
  if (problem !== null && request.larger === "nothing")
    return { type: "file", path, bytes, content: null, problem };
  const count = Math.min(bytes, max);
  budget.bytes -= count;
  return {
    type: "file",
    path,
    bytes,
    problem,
    content: contentOf(file, { from: bytes - count, count }, walk),
  };
}

async function* contentOf(
  file: FileHandle,
  { from, count }: { readonly from: number; readonly count: number },
  { signal }: Walk,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < count; ) {
    signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, count - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from + at);
    if (bytesRead === 0) return; // It was cut short since it was opened.
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function problemOf(path: string, problem: string): CollectedFile {
  return { type: "file", path, bytes: null, content: null, problem };
}

function cutAt({ request }: Walk): Collected {
  return { type: "cut", message: `more than ${request.limits.filesMax} files: the rest is not listed` };
}

function linkText(path: string): string {
  return `${path} is a symlink; links are not followed`;
}

function explain(error: unknown): string {
  const code = error instanceof FactoryError ? codeOf(error.cause) : codeOf(error);
  if (code === "ENOENT") return "was not made";
  if (code === "ENOTDIR") return "lies below something that is not a folder";
  if (code === "EACCES" || code === "EPERM") return "may not be read";
  if (code === "ENXIO") return "is not a regular file";
  return `cannot be read (${code || String(error)})`;
}
