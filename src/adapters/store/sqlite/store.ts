import { FactoryError } from "../../../core/model/error.ts";
import type { Lease } from "../../../ports/lease.ts";
import type { Store } from "../../../ports/store.ts";
import { createBatchWriter } from "./commit.ts";
import { translate } from "./error.ts";
import { createGroupCommit } from "./group-commit.ts";
import { createRecordLease } from "./lease.ts";
import { openDatabase } from "./open.ts";
import { createReader } from "./read.ts";
import { createSignalWriter } from "./signals.ts";
import { createStateTable } from "./states.ts";
import { createTermGuard } from "./term.ts";
import { createVerifier } from "./verify.ts";

export interface SqliteStoreOptions {
  /** Path of the database; its directory is made when it is missing. `-wal` stands beside it while it is open. */
  readonly file: string;
}

export interface SqliteStore extends Store {
  /** The right to act on it, which lies in the same file: each `acquire` is granted, with the next term. */
  readonly lease: Lease;
}

/**
 * The record in one SQLite file: write-ahead log, every commit flushed to the
 * disk before it is answered. Commits and heartbeats of one turn of the event
 * loop share a transaction. After `close`, everything rejects with `store/closed`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { file } = options;
  const db = openDatabase(file);
  const states = createStateTable(db, file);
  const commits = createGroupCommit(db, file, { onLost: () => states.takeBack(null) });
  const terms = createTermGuard(db);
  const lease = createRecordLease(commits, terms);
  const writeBatch = createBatchWriter(db, { terms, states });
  const writeSignals = createSignalWriter(db, { commits, terms });
  const reader = createReader(db, states);
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
    lease: {
      acquire: (request, signal) => whileOpen(() => lease.acquire(request, signal)),
      renew: (grant, signal) => whileOpen(() => lease.renew(grant, signal)),
      release: (grant) => lease.release(grant),
    },
    load: () => whileOpen(() => reader.load()),
    term: () => whileOpen(() => terms.seen().term),
    commit: (batch) => whileOpen(() => commits.submit(() => writeBatch(batch))),
    putSignals: (signals, term) => whileOpen(() => writeSignals(signals, term)),
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
