import { FactoryError } from "../../../core/model/error.ts";
import type { Store } from "../../../ports/store.ts";
import { createBatchWriter } from "./commit.ts";
import { translate } from "./error.ts";
import { createGroupCommit } from "./group-commit.ts";
import { openDatabase } from "./open.ts";
import { createReader } from "./read.ts";
import { createSignalWriter } from "./signals.ts";
import { createVerifier } from "./verify.ts";

export interface SqliteStoreOptions {
  /** Path of the database; its directory is made when it is missing. `-wal` stands beside it while it is open. */
  readonly file: string;
}

/**
 * The record in one SQLite file: write-ahead log, every commit flushed to the
 * disk before it is answered. Commits and heartbeats of one turn of the event
 * loop share a transaction. After `close`, everything rejects with `store/closed`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file } = options;
  const db = openDatabase(file);
  const commits = createGroupCommit(db, file);
  const writeBatch = createBatchWriter(db);
  const writeSignals = createSignalWriter(db, commits);
  const reader = createReader(db);
  const verify = createVerifier(db);
  let closed = false;

  async function whileOpen<T>(work: () => T | Promise<T>): Promise<T> {
    if (closed) throw closedError(file);
    try {
      return await work();
    } catch (error) {
      // A walk over the chain may find the file closed between two pages.
      throw closed && !(error instanceof FactoryError) ? closedError(file) : translate(error, file);
    }
  }

  return {
    load: () => whileOpen(() => reader.load()),
    commit: (batch) => whileOpen(() => commits.submit(() => writeBatch(batch))),
    putSignals: (signals) => whileOpen(() => writeSignals(signals)),
    receipt: (key) => whileOpen(() => reader.receipt(key)),
    action: (missionId, key) => whileOpen(() => reader.action(missionId, key)),
    actions: (query) => whileOpen(() => reader.actions(query)),
    events: (query) => whileOpen(() => reader.events(query)),
    verify: () => whileOpen(verify),
    async close() {
      if (closed) return;
      closed = true;
      await commits.drain();
      db.close();
    },
  };
}

function closedError(file: string): FactoryError {
  return new FactoryError("store/closed", "yield", `the store ${file} is closed`);
}
