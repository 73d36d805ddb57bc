import { createHash } from "node:crypto";
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { lstat, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RequiredOutput } from "../../core/model/mission.ts";

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;

/** One output; reports are kilobytes, and artifacts for people rarely exceed this. */
export const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** All outputs of one mission together. */
export const OUTPUTS_BYTES_MAX = 256 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** An output on its way through the judge: the copy, and what is wrong with it so far. */
export interface CollectedOutput {
  readonly path: string;
  readonly schema: string | null;
  /** Null when there is no copy. */
  readonly sha256: string | null;
  readonly bytes: number | null;
  readonly problems: readonly string[];
}

export interface CollectRequest {
  readonly required: readonly RequiredOutput[];
  readonly from: string;
  /** Receives the copies under the same relative paths. */
  readonly to: string;
  readonly bytesMax?: number;
  readonly totalBytesMax?: number;
}

/**
 * Copies the required outputs out of a folder that an agent has filled.
 *
 * Each path is walked from the root with an open folder per component, so
 * that neither a symlink nor a swap while we look leads elsewhere; only regular files
 * are read, and no more of them than the caps. Whatever is amiss is a problem of that output.
 */
export async function collectOutputs(
  request: CollectRequest,
  signal: AbortSignal,
): Promise<readonly CollectedOutput[]> {
  const bytesMax = request.bytesMax ?? OUTPUT_BYTES_MAX;
  let left = request.totalBytesMax ?? OUTPUTS_BYTES_MAX;
  const collected: CollectedOutput[] = [];
  await mkdir(request.to, { recursive: true });
  for (const { path, schema } of request.required) {
    signal.throwIfAborted();
    const result = await copyOne(path, request, Math.min(bytesMax, left), signal);
    const failed = typeof result === "string";
    collected.push({
      path,
      schema: schema ?? null,
      sha256: failed ? null : result.sha256,
      bytes: failed ? null : result.bytes,
      problems: failed ? [result] : [],
    });
    if (!failed) left -= result.bytes;
  }
  return collected;
}

/** Whether something stands there that is a folder and not a link to one. */
export async function isFolder(path: string): Promise<boolean> {
  return await lstat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

async function copyOne(
  path: string,
  request: CollectRequest,
  bytesMax: number,
  signal: AbortSignal,
): Promise<{ sha256: string; bytes: number } | string> {
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"))) {
    return "is not a path inside of the workspace";
  }
  const file = await openBelow(request.from, parts);
  if (typeof file === "string") return file;
  try {
    const stats = await file.stat();
    if (stats.isDirectory()) return "is a folder, not a file";
    if (!stats.isFile()) return "is not a regular file";
    const tooLarge = `has more than ${bytesMax} bytes, the most that is taken`;
    if (stats.size > bytesMax) return tooLarge;
    const target = join(request.to, path);
    await mkdir(dirname(target), { recursive: true });
    return (await copy(file, target, bytesMax, signal)) ?? tooLarge;
  } finally {
    await file.close();
  }
}

/** The copy's digest, or null if the file grew beyond the limit while it was read. */
async function copy(file: FileHandle, target: string, bytesMax: number, signal: AbortSignal) {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const out = await open(target, "w", 0o644);
  let bytes = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, bytes);
      if (bytesRead === 0) return { sha256: hash.digest("hex"), bytes };
      bytes += bytesRead;
      if (bytes > bytesMax) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      await out.writeFile(chunk);
    }
  } finally {
    await out.close();
  }
  return null;
}

/** Opens a file for reading, following no symlink at any component. Answers with what stands in the way instead of throwing. */
async function openBelow(root: string, parts: readonly string[]): Promise<FileHandle | string> {
  let base: FileHandle | null = null;
  let at = root;
  try {
    base = await open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    for (const [index, part] of parts.entries()) {
      // `/proc/self/fd/<n>/` is the open folder itself, wherever its path leads by now.
      const path = process.platform === "linux" ? `/proc/self/fd/${base.fd}/${part}` : join(at, part);
      at = join(at, part);
      if ((await lstat(path)).isSymbolicLink())
        return `${shown(parts, index)} is a symlink; links are not followed`;
      const last = index === parts.length - 1;
      const next = await open(path, O_RDONLY | O_NOFOLLOW | (last ? O_NONBLOCK : O_DIRECTORY));
      if (last) return next;
      await base.close();
      base = next;
    }
    return "is not a path inside of the workspace";
  } catch (error) {
    return explain(error);
  } finally {
    await base?.close();
  }
}

function shown(parts: readonly string[], index: number): string {
  return parts.slice(0, index + 1).join("/");
}

function explain(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return "was not made";
  if (code === "ENOTDIR") return "lies below something that is not a folder";
  if (code === "ELOOP") return "is a symlink; links are not followed";
  if (code === "EACCES" || code === "EPERM") return "may not be read";
  if (code === "ENXIO") return "is not a regular file";
  return `cannot be read (${code || String(error)})`;
}
