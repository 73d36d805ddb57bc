import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { translate } from "./error.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/index.ts";

/**
 * How long an opener waits for the file. Long enough for two that start at the
 * same moment to sort themselves out, short enough that a refusal feels like one.
 */
const LOCK_WAIT_MS = 250;

/** What the write-ahead log is cut back to after a burst made it longer. */
const LOG_BYTES_KEPT = 16 * 1024 * 1024;

/**
 * Opens the database file, makes it ours alone, and brings it to the newest layout.
 *
 * The lock lives as long as the connection: `locking_mode=EXCLUSIVE` takes it
 * with the first transaction and never gives it back, and the operating system
 * frees it when the process dies, however it dies. Nobody in this process may
 * open and close the file by other means meanwhile: on POSIX that would drop the lock.
 *
 * Directory and file are made for their owner only.
 * Throws `store/locked`, `store/newer`, `store/io`, `store/corrupt`.
 */
export function openDatabase(file: string): DatabaseSync {
  try {
    makePrivate(file);
  } catch (error) {
    throw translateFileError(error, file);
  }
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
    // Before anything is read: a WAL that is never shared needs no shared memory file.
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    db.exec("PRAGMA journal_mode = WAL");
    db.exec("PRAGMA synchronous = FULL");
    db.exec(`PRAGMA journal_size_limit = ${LOG_BYTES_KEPT}`);
    db.exec("PRAGMA trusted_schema = OFF");
    db.exec("BEGIN EXCLUSIVE; COMMIT");
    migrate(db, MIGRATIONS, file);
    return db;
  } catch (error) {
    db?.close();
    throw translate(error, file);
  }
}

function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

function translateFileError(error: unknown, file: string): Error {
  // SQLITE_CANTOPEN is what SQLite itself would have said.
  return translate(Object.assign(new Error(String(error)), { errcode: 14, cause: error }), file);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
