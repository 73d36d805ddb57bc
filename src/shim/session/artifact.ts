/** A file that the agent calls a result: looked at without leaving the workspace. */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { relative, resolve, sep } from "node:path";

export interface Artifact {
  readonly path: string;
  readonly sha256?: string;
  readonly bytes?: number;
}

/** Hashing happens between two lines of the agent; a larger file is named with its size alone. The judge hashes again anyway. */
const HASHED_BYTES_MAX = 32 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** Null when the path leads out of the workspace, also through a link, or is not a regular file. */
export function inspectArtifact(workspace: string, path: string): Artifact | null {
  let fd: number | null = null;
  try {
    const root = realpathSync(workspace);
    const real = realpathSync(resolve(root, path));
    if (!real.startsWith(root + sep)) return null;
    // Between the look and the opening the last part may have become a link, or a pipe that would make us wait.
    fd = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) return null;
    const name = relative(root, real);
    if (stat.size > HASHED_BYTES_MAX) return { path: name, bytes: stat.size };
    return { path: name, bytes: stat.size, sha256: hash(fd) };
  } catch {
    return null;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function hash(fd: number): string {
  const digest = createHash("sha256");
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  // Bounded also when the file grows while it is read.
  for (let total = 0; total <= HASHED_BYTES_MAX; ) {
    const count = readSync(fd, chunk, 0, chunk.length, null);
    if (count === 0) break;
    digest.update(chunk.subarray(0, count));
    total += count;
  }
  return digest.digest("hex");
}
