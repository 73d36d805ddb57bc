import type { DatabaseSync } from "node:sqlite";
import { type ChainHead, EMPTY_CHAIN, eventText, linkHash } from "../../../core/record/chain.ts";
import { checkVersions, effectConflict, receiptConflict } from "../../../core/record/versions.ts";
import type { Batch, NewEffect, NewEvent, Receipt } from "../../../ports/store.ts";
import { FLEET } from "./read.ts";
import type { StateTable } from "./states.ts";
import type { TermGuard } from "./term.ts";

/**
 * Writes one batch inside of the open transaction and answers the last seq.
 * Throws `store/fenced` and `store/conflict` without having to be undone by the caller: the
 * transaction's savepoint does that.
 */
export function createBatchWriter(
  db: DatabaseSync,
  { terms, states }: { readonly terms: TermGuard; readonly states: StateTable },
): (batch: Batch) => { readonly lastSeq: number } {
  const head = db.prepare("SELECT seq, hash FROM chain_head");
  const fleetVersion = db.prepare("SELECT version FROM fleet");
  const addEvent = db.prepare(
    "INSERT INTO events (seq, at, clone, mission_id, event, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const putFleet = db.prepare(
    `INSERT INTO fleet (id, version, state) VALUES (1, ?, ?)
     ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state`,
  );
  const addEffect = db.prepare(
    "INSERT INTO effects (id, clone, effect, created_at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
  );
  const settleEffect = db.prepare("DELETE FROM effects WHERE id = ?");
  const addReceipt = db.prepare(
    "INSERT INTO receipts (key, digest, status, body) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
  );
  const receiptDigest = db.prepare("SELECT digest FROM receipts WHERE key = ?");
  const putSetting = db.prepare(
    "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  const putAction = db.prepare(
    `INSERT INTO actions (mission_id, key, reserved_at, row) VALUES (?, ?, ?, ?)
     ON CONFLICT (mission_id, key) DO UPDATE SET reserved_at = excluded.reserved_at, row = excluded.row`,
  );
  const putNotice = db.prepare(
    `INSERT INTO outbox (id, next_attempt_at, row) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET next_attempt_at = excluded.next_attempt_at, row = excluded.row`,
  );
  const removeNotice = db.prepare("DELETE FROM outbox WHERE id = ?");
  const removeSetting = db.prepare("DELETE FROM settings WHERE key = ?");

  function appendEvents(events: readonly NewEvent[], at: number): ChainHead {
    const row = head.get();
    let last: ChainHead = row ? { seq: Number(row["seq"]), hash: String(row["hash"]) } : EMPTY_CHAIN;
    for (const { clone, missionId, event } of events) {
      const link = { seq: last.seq + 1, at, clone, missionId, eventText: eventText(event) };
      const hash = linkHash(last.hash, link);
      addEvent.run(link.seq, at, clone ?? FLEET, missionId, link.eventText, last.hash, hash);
      last = { seq: link.seq, hash };
    }
    return last;
  }

  function writeEffect({ id, clone, effect }: NewEffect, at: number): void {
    const { changes } = addEffect.run(id, clone, JSON.stringify(effect), at);
    if (Number(changes) === 0) throw effectConflict(id);
  }

  function writeReceipt({ key, digest, status, body }: Receipt): void {
    const { changes } = addReceipt.run(key, digest, status, body);
    // The first answer stays; the same payload answered twice is no conflict.
    if (Number(changes) === 0 && receiptDigest.get(key)?.["digest"] !== digest) throw receiptConflict(key);
  }

  function write(batch: Batch): { readonly lastSeq: number } {
    terms.admit(batch.term);
    checkVersions(batch, {
      clone: states.version,
      fleet: () => Number(fleetVersion.get()?.["version"] ?? 0),
    });
    const last = appendEvents(batch.events, batch.at);
    for (const state of batch.states) states.put(state);
    if (batch.fleet !== undefined) putFleet.run(batch.fleet.version, JSON.stringify(batch.fleet));
    for (const effect of batch.effects) writeEffect(effect, batch.at);
    for (const id of batch.settled) settleEffect.run(id);
    for (const receipt of batch.receipts) writeReceipt(receipt);
    for (const [key, value] of Object.entries(batch.settings)) {
      if (value === null) removeSetting.run(key);
      else putSetting.run(key, value);
    }
    for (const row of batch.actions ?? [])
      putAction.run(row.missionId, row.key, row.reservedAt, JSON.stringify(row));
    for (const id of batch.outbox?.removed ?? []) removeNotice.run(id);
    for (const row of batch.outbox?.put ?? []) putNotice.run(row.id, row.nextAttemptAt, JSON.stringify(row));
    return { lastSeq: last.seq };
  }

  return (batch) => {
    try {
      return write(batch);
    } catch (error) {
      states.takeBack(batch.states.map(({ name }) => name));
      throw error;
    }
  };
}
