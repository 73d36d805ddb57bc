/**
 * The real record in a real file, for a part of the seeds: SQLite with its locks, its transactions and its reader, in
 * virtual time. What a machine with one disk cannot do is not played on it: nobody takes a record over while another one
 * has it open, and a commit fails before or after it reaches the file, never inside of it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore, type SqliteStore } from "../../src/adapters/store/sqlite/store.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import { INITIAL_FLEET } from "../../src/core/model/fleet-state.ts";
import { firstDifference } from "../../src/core/model/same.ts";
import type { Batch, StoredRecord } from "../../src/ports/store.ts";
import type { MemoryStore } from "../support/memory-store/store.ts";

/** Files of one simulation. */
export interface Disks {
  /** An empty record in a file of its own. */
  newStore(): MemoryStore;
  /** Rejects when a file does not say what was written to it. Closes and removes everything. */
  dispose(): Promise<void>;
}

/** In memory where the machine offers that: what is flushed there costs nothing, and the program flushes all the same. */
const SHARED_MEMORY = "/dev/shm";

export function createDisks(): Disks {
  const folder = makeFolder();
  const disks: Disk[] = [];
  return {
    newStore() {
      const disk = createDisk(join(folder, String(disks.length), "factory.db"));
      disks.push(disk);
      return disk.open();
    },
    async dispose() {
      try {
        for (const disk of disks) await disk.close();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function makeFolder(): string {
  try {
    return mkdtempSync(join(SHARED_MEMORY, "factory-sim-"));
  } catch {
    return mkdtempSync(join(tmpdir(), "factory-sim-"));
  }
}

interface Disk {
  open(): MemoryStore;
  close(): Promise<void>;
}

/** What the batches that were answered say, for a witness who cannot wait; compared with the file at the end. */
interface Mirror {
  readonly states: Map<string, StoredRecord["states"][number]>;
  fleet: StoredRecord["fleet"];
  readonly effects: Map<string, StoredRecord["effects"][number]>;
  readonly outbox: Map<string, StoredRecord["outbox"][number]>;
}

function createDisk(file: string): Disk {
  const mirror: Mirror = { states: new Map(), fleet: INITIAL_FLEET, effects: new Map(), outbox: new Map() };
  let newest: Promise<SqliteStore> | null = null;

  /** A controller that is killed leaves its lock; what it had handed over before is written. */
  function open(): MemoryStore {
    const before = newest;
    const own = (async () => {
      await (await before)?.close();
      return openSqliteStore({ file });
    })();
    newest = own;
    return {
      lease: {
        acquire: async (request, signal) => (await own).lease.acquire(request, signal),
        renew: async (grant, signal) => (await own).lease.renew(grant, signal),
        release: async (grant) => (await own).lease.release(grant),
      },
      load: async () => (await own).load(),
      term: async () => (await own).term(),
      async commit(batch) {
        const answer = await (await own).commit(batch);
        note(mirror, batch);
        return answer;
      },
      putSignals: async (signals, term) => (await own).putSignals(signals, term),
      receipt: async (key) => (await own).receipt(key),
      action: async (missionId, key) => (await own).action(missionId, key),
      actions: async (query) => (await own).actions(query),
      // A witness reads on, whoever has the record now.
      events: async (query) => ((await newest) ?? (await own)).events(query),
      verify: async () => (await own).verify(),
      close: async () => (await own).close(),
      reopen: open,
      share: () => {
        throw new FactoryError("store/locked", "stall", "a file has one controller");
      },
      peek: () => ({
        states: [...mirror.states.values()],
        fleet: mirror.fleet,
        effects: [...mirror.effects.values()],
        outbox: [...mirror.outbox.values()],
      }),
      failNextCommit: () => {
        throw new Error("commits of a real file are made to fail around it");
      },
    };
  }

  return {
    open,
    async close() {
      const store = await newest;
      if (store === null) return;
      const { states, fleet, effects, outbox } = await store.load();
      const said = { states: byName(states), fleet, effects: byId(effects), outbox: byId(outbox) };
      const meant = {
        states: byName([...mirror.states.values()]),
        fleet: mirror.fleet,
        effects: byId([...mirror.effects.values()]),
        outbox: byId([...mirror.outbox.values()]),
      };
      await store.close();
      const difference = firstDifference(meant, said);
      if (difference !== null) throw new Error(`${file} does not say what was written to it: ${difference}`);
    },
  };
}

function note(mirror: Mirror, batch: Batch): void {
  for (const state of batch.states) mirror.states.set(state.name, state);
  if (batch.fleet !== undefined) mirror.fleet = batch.fleet;
  for (const effect of batch.effects) mirror.effects.set(effect.id, { ...effect, createdAt: batch.at });
  for (const id of batch.settled) mirror.effects.delete(id);
  for (const id of batch.outbox?.removed ?? []) mirror.outbox.delete(id);
  for (const row of batch.outbox?.put ?? []) mirror.outbox.set(row.id, row);
}

function byName<Named extends { readonly name: string }>(list: readonly Named[]): Record<string, Named> {
  return Object.fromEntries(list.map((one) => [one.name, one]));
}

function byId<Known extends { readonly id: string }>(list: readonly Known[]): Record<string, Known> {
  return Object.fromEntries(list.map((one) => [one.id, one]));
}
