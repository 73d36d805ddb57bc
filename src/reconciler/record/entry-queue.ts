import type { Transaction } from "./transaction.ts";

/** An entry that waits to be durable, and its writer with it. */
export interface WaitingEntry {
  /** Puts the entry into the transaction; answers how its writer goes on once that is written. */
  readonly add: (transaction: Transaction) => () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Entries in the order of their arrival, handed on in batches, one batch at a time: the ones that arrive while a
 * batch is written share the next one.
 */
export interface EntryQueue {
  /** Resolves with what `add` answered when it is durable, after `written` was called with it. */
  submit<T>(add: (transaction: Transaction) => T, written?: (answer: T) => void): Promise<T>;
  /** Resolves when nothing waits to be written. */
  idle(): Promise<void>;
}

/** Entries per transaction: enough to share one sync, few enough to answer soon. */
const ENTRIES_PER_COMMIT_MAX = 256;

/** `commit` settles every entry of its batch and never rejects. */
export function createEntryQueue(commit: (batch: readonly WaitingEntry[]) => Promise<void>): EntryQueue {
  let waiting: WaitingEntry[] = [];
  let pumping: Promise<void> | null = null;

  async function pump(): Promise<void> {
    // One turn of the loop, so that entries that arrive together are written together.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, ENTRIES_PER_COMMIT_MAX);
      waiting = waiting.slice(batch.length);
      await commit(batch);
    }
    pumping = null;
  }

  return {
    submit: (add, written = () => {}) =>
      new Promise((resolve, reject) => {
        waiting.push({
          reject,
          add(transaction) {
            const answer = add(transaction);
            return () => {
              written(answer);
              resolve(answer);
            };
          },
        });
        pumping ??= pump();
      }),
    async idle() {
      while (pumping !== null) await pumping;
    },
  };
}
