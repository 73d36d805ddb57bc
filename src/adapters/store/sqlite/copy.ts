/**
 * A copy of the database while its controller goes on writing. The controller holds the file for itself,
 * so nobody else can open it; reading the bytes is free.
 *
 * The log is only ever started over with new salts in its header. As long as the header stays the same, whatever
 * moved from the log into the file while we copied stands in the copied log as well, and the torn end of a log is
 * left out by its checksums. So the copy is the record as it was at some moment of the copying.
 */
import { constants } from "node:fs";
import { copyFile, open, stat } from "node:fs/promises";
import { FactoryError } from "../../../core/model/error.ts";
import { translate } from "./error.ts";

/** A log is started over after some megabytes at the most; a copy that is overtaken so often is too slow for this disk. */
const COPIES_MAX = 20;
const LOG_HEADER_BYTES = 32;

/** Rejects `store/absent` when there is no database, `store/busy` when it is written to faster than it can be copied. */
export async function copyDatabase(file: string, to: string): Promise<void> {
  if (!(await exists(file))) throw new FactoryError("store/absent", "stall", `there is no record at ${file}`);
  try {
    for (let tries = 0; tries < COPIES_MAX; tries += 1) {
      const before = await logHeader(`${file}-wal`);
      await copyFile(file, to, constants.COPYFILE_FICLONE);
      if (before !== null) await copyFile(`${file}-wal`, `${to}-wal`, constants.COPYFILE_FICLONE);
      const copied = before === null ? null : await logHeader(`${to}-wal`);
      if (copied === before && (await logHeader(`${file}-wal`)) === before) return;
    }
  } catch (error) {
    throw translate(Object.assign(new Error(String(error)), { errcode: IOERR, cause: error }), file);
  }
  throw new FactoryError("store/busy", "retry", `${file} is written to faster than it can be copied`);
}

const IOERR = 10;

/** Hex; null when there is no log, or an empty one. */
async function logHeader(path: string): Promise<string | null> {
  if (!(await exists(path))) return null;
  const handle = await open(path, "r");
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(LOG_HEADER_BYTES), 0, LOG_HEADER_BYTES, 0);
    return bytesRead < LOG_HEADER_BYTES ? null : buffer.toString("hex");
  } finally {
    await handle.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );
}
