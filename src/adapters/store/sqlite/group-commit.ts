import type { DatabaseSync } from "node:sqlite";
import { FactoryError } from "../../../core/model/error.ts";
import { translate } from "./error.ts";
import { watchForRemoval } from "./removed.ts";

/**
 * Jobs in one transaction. More would only make everybody wait longer for the
 * same disk flush; what is left over goes into the next transaction.
 */
const JOBS_PER_TRANSACTION_MAX = 256;

/**
 * Jobs that may wait. Far more than a fleet can have under way; beyond it the
 * disk no longer keeps up, and whoever asks hears it instead of filling the memory.
 */
const JOBS_WAITING_MAX = 20_000;

/** Writes in the transaction of its group. Throws to be left out of it. */
export type Job<T> = () => T;

export interface GroupCommit {
  /** Resolves once the job's writes are durable; rejects when they are not part of the record, with `store/busy` (`retry`) when too many wait. */
  submit<T>(job: Job<T>): Promise<T>;
  /** Resolves when everything submitted so far was settled. */
  drain(): Promise<void>;
}

interface Pending {
  readonly run: () => void;
  readonly settle: (lost: FactoryError | null) => void;
}

/**
 * Lets writers that arrive in the same turn of the event loop share one
 * transaction, and with it one flush of the disk.
 *
 * Jobs run in the order in which they were submitted. A job that throws takes
 * back its own writes and nobody else's. When the transaction as a whole fails
 * (disk full, I/O error), every job in it rejects, and nothing of it is in the record.
 */
export function createGroupCommit(
  db: DatabaseSync,
  file: string,
  options: {
    /** A transaction with everything that its jobs wrote is not part of the record; called before they hear of it. */
    readonly onLost: () => void;
  },
): GroupCommit {
  const refuseRemoved = watchForRemoval(file);
  let queue: Pending[] = [];
  let scheduled = false;
  let idle: (() => void)[] = [];

  function submit<T>(job: Job<T>): Promise<T> {
    if (queue.length >= JOBS_WAITING_MAX) {
      return Promise.reject(
        new FactoryError("store/busy", "retry", `${queue.length} writers wait for the store ${file}`),
      );
    }
    return new Promise<T>((resolve, reject) => {
      let outcome: { value: T } | { error: unknown } = { error: new Error("not run") };
      queue.push({
        run() {
          try {
            outcome = { value: job() };
          } catch (error) {
            outcome = { error };
            throw error;
          }
        },
        settle(lost) {
          if ("value" in outcome && lost === null) resolve(outcome.value);
          else if ("error" in outcome && outcome.error instanceof FactoryError) reject(outcome.error);
          else reject(lost ?? translate("error" in outcome ? outcome.error : null, file));
        },
      });
      schedule();
    });
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    const group = queue.slice(0, JOBS_PER_TRANSACTION_MAX);
    queue = queue.slice(JOBS_PER_TRANSACTION_MAX);
    const lost = writeGroup(db, { file, refuseRemoved }, group);
    if (lost !== null) options.onLost();
    for (const job of group) job.settle(lost);
    if (queue.length > 0) schedule();
    else for (const resolve of idle.splice(0)) resolve();
  }

  return {
    submit,
    drain: () =>
      queue.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            idle = [...idle, resolve];
          }),
  };
}

/** Runs the group in one transaction; answers what made all of it fail, or null. */
function writeGroup(
  db: DatabaseSync,
  { file, refuseRemoved }: { readonly file: string; readonly refuseRemoved: () => void },
  group: readonly Pending[],
): FactoryError | null {
  try {
    refuseRemoved();
    // Left over only when an earlier rollback failed as well.
    if (db.isTransaction) db.exec("ROLLBACK");
    db.exec("BEGIN IMMEDIATE");
    for (const job of group) runJob(db, job);
    db.exec("COMMIT");
    return null;
  } catch (error) {
    rollBack(db);
    return translate(error, file);
  }
}

/** A job's failure is its own as long as SQLite kept the transaction open. */
function runJob(db: DatabaseSync, job: Pending): void {
  db.exec("SAVEPOINT job");
  try {
    job.run();
  } catch (error) {
    if (!db.isTransaction) throw error;
    db.exec("ROLLBACK TO job");
  }
  db.exec("RELEASE job");
}

function rollBack(db: DatabaseSync): void {
  try {
    if (db.isTransaction) db.exec("ROLLBACK");
  } catch {
    // The next group tries again before it begins.
  }
}
