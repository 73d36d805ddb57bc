/** Reads a record behind its controller's back. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../src/adapters/store/sqlite/store.ts";
import type { ChainReport, Store, StoredEvent, StoredRecord } from "../../src/ports/store.ts";

export interface Glimpse extends StoredRecord {
  /** Of the newest event; empty before the first. */
  readonly headHash: string;
}

/**
 * The record as a dead controller left it, read from a copy: the next one must
 * find the file and its write-ahead log exactly as they were.
 */
export async function glimpse(dataDir: string): Promise<Glimpse | null> {
  const folder = mkdtempSync(join(tmpdir(), "factory-glimpse-"));
  try {
    if (!existsSync(join(dataDir, "factory.db"))) return null;
    for (const suffix of ["", "-wal"]) {
      const file = join(dataDir, `factory.db${suffix}`);
      if (existsSync(file)) copyFileSync(file, join(folder, `factory.db${suffix}`));
    }
    return await withStore(folder, async (store) => {
      const record = await store.load();
      const [last] = await store.events({ last: 1, limit: 1 });
      return { ...record, headHash: last?.hash ?? "" };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface WholeRecord {
  readonly record: StoredRecord;
  readonly events: readonly StoredEvent[];
  readonly chain: ChainReport;
}

const PAGE = 1_000;

/** Everything, once no controller holds the file any more. */
export function readWhole(dataDir: string): Promise<WholeRecord> {
  return withStore(dataDir, async (store) => {
    const events: StoredEvent[] = [];
    for (;;) {
      const page = await store.events({ afterSeq: events.at(-1)?.seq ?? 0, limit: PAGE });
      if (page.length === 0) break;
      events.push(...page);
    }
    return { record: await store.load(), events, chain: await store.verify() };
  });
}

async function withStore<T>(folder: string, read: (store: Store) => Promise<T>): Promise<T> {
  const store = await openSqliteStore({ file: join(folder, "factory.db") });
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}
