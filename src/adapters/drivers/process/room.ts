/** Whether the disk of the instances takes what a start writes; a full one is the machine's fault, and no clone's. */
import { mkdir, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { FactoryError } from "../../../core/model/error.ts";

/** Intent, claim, log and the first reports of an instance fit in several times. */
const PROBE_BYTES = 64 * 1024;
/** Starts that come together share one probe: a disk that took one takes so much more a moment later. */
const FRESH_MS = 500;

/** Full, over quota, broken, or not to be written to. */
const DISK_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS"]);

/** Answers why nothing can be started; null when something may. */
export function createRoom(directory: string): () => Promise<string | null> {
  let last: { readonly at: number; readonly answer: Promise<string | null> } | null = null;
  return () => {
    const now = performance.now();
    if (last === null || now - last.at > FRESH_MS) last = { at: now, answer: diskProblem(directory) };
    return last.answer;
  };
}

/** Writes for real, since a disk may refuse what it says it has. */
async function diskProblem(directory: string): Promise<string | null> {
  const probe = join(directory, `.room-${process.pid}-${process.hrtime.bigint()}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = await open(probe, "wx", 0o600);
    try {
      await file.writeFile(Buffer.alloc(PROBE_BYTES));
      await file.sync();
    } finally {
      await file.close();
      await unlink(probe);
    }
    return null;
  } catch (error) {
    return isDiskProblem(error) ? told(error) : null;
  }
}

/** As `driver/disk` (`retry`) when the disk refused; anything else as it is. */
export function translateDisk(error: unknown): unknown {
  return isDiskProblem(error)
    ? new FactoryError("driver/disk", "retry", told(error), { cause: error })
    : error;
}

function isDiskProblem(error: unknown): error is Error {
  return error instanceof Error && "code" in error && DISK_CODES.has(String(error.code));
}

function told(error: Error): string {
  return `the disk of the instances cannot be written: ${error.message}`;
}
