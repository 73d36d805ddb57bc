import { asFactoryError, FactoryError } from "../../../core/model/error.ts";
import { holderOf, lockedText } from "./holder.ts";

/** SQLite's primary result codes that we tell apart (https://sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/**
 * What SQLite threw, as a FactoryError.
 *
 * - `store/locked` (`yield`): another process holds the file; the message says which, and whether it is stopped.
 * - `store/removed` (`retry`): the file that is open is not the one of that name any more (`removed.ts`).
 * - `store/io` (`retry`): disk full, I/O error, not writable. Nothing of the transaction is in the record.
 * - `store/corrupt` (`crash`): the file is not what we wrote.
 * - `store/defect` (`crash`): anything else, which is a mistake of ours.
 */
export function translate(error: unknown, file: string): FactoryError {
  if (error instanceof FactoryError) return error;
  const code = primaryCode(error);
  const said = error instanceof Error ? error.message : String(error);
  switch (code) {
    case null:
      return asFactoryError(error);
    case BUSY:
    case LOCKED:
      return new FactoryError("store/locked", "yield", lockedText(file, holderOf(file)), { cause: error });
    case READONLY:
    case IOERR:
    case FULL:
    case CANTOPEN:
      return new FactoryError("store/io", "retry", `the store ${file} cannot be read or written: ${said}`, {
        cause: error,
      });
    case CORRUPT:
    case NOTADB:
      return new FactoryError("store/corrupt", "crash", `the store ${file} is damaged: ${said}`, {
        cause: error,
      });
    default:
      return new FactoryError("store/defect", "crash", `the store ${file} refused a statement: ${said}`, {
        cause: error,
      });
  }
}

/** The lowest byte of an extended result code; null when SQLite did not throw it. */
function primaryCode(error: unknown): number | null {
  if (error === null || typeof error !== "object" || !("errcode" in error)) return null;
  return typeof error.errcode === "number" ? error.errcode & 0xff : null;
}
