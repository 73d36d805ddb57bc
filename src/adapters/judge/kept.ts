import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { relativeParts } from "../../core/model/relative-path.ts";
import type { KeptRange } from "../../ports/judge.ts";

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * Part of a file below a folder of kept outputs; null where there is no regular file of that name. The folder is ours and
 * no clone reaches it, so a name that stays below it is all that has to be seen to.
 */
export async function readKept(folder: string, { path, from, count }: KeptRange): Promise<Uint8Array | null> {
  if (relativeParts(path) === null) return null;
  let file: FileHandle;
  try {
    file = await open(join(folder, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
  try {
    if (!(await file.stat()).isFile()) return null;
    const buffer = Buffer.alloc(count);
    const { bytesRead } = await file.read(buffer, 0, count, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Not made, below something that is no folder, or a link. */
const ABSENT: ReadonlySet<string> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EISDIR"]);
