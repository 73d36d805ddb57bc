/** Whether the disk of the instances takes what a start writes; a full one is the machine's fault, and no clone's. */
import { closeSync, fsyncSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { FactoryError } from "../../../core/model/error.ts";

/** Intent, claim, log and the first reports of an instance fit in several times. */
const PROBE_BYTES = 64 * 1024;

/** Full, over quota, broken, or not to be written to. */
const DISK_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS"]);

/** Why nothing can be started; null when something may. Writes for real, since a disk may refuse what it says it has. */
export function diskProblem(directory: string): string | null {
  const probe = join(directory, `.room-${process.pid}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const fd = openSync(probe, "w", 0o600);
    try {
      const bytes = Buffer.alloc(PROBE_BYTES);
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
      unlinkSync(probe);
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
