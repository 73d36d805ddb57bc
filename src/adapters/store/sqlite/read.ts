import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { ActionRow } from "../../../core/model/action.ts";
import type { Effect } from "../../../core/model/effect.ts";
import type { CloneEvent } from "../../../core/model/event.ts";
import type { FleetEvent } from "../../../core/model/fleet-event.ts";
import { type FleetState, INITIAL_FLEET } from "../../../core/model/fleet-state.ts";
import type { Heartbeat } from "../../../core/model/instance.ts";
import type { OutboxRow } from "../../../core/model/notice.ts";
import { upgradeEventActors } from "../../../core/model/upgrade-actors.ts";
import { upgradeHeartbeat } from "../../../core/model/upgrade-state.ts";
import { compareEffectIds } from "../../../core/record/order.ts";
import type { ActionQuery, EventQuery, Receipt, StoredEvent, StoredRecord } from "../../../ports/store.ts";
import type { StateTable } from "./states.ts";

export interface Reader {
  load(): StoredRecord;
  receipt(key: string): Receipt | null;
  action(missionId: string, key: string): ActionRow | null;
  actions(query: ActionQuery): readonly ActionRow[];
  events(query: EventQuery): readonly StoredEvent[];
}

type Row = Record<string, SQLOutputValue>;

/** What stands in place of a clone's name, which is never empty, with events of the fleet. */
export const FLEET = "";

/** Everything that is read outside of a transaction. What stands in the file was written by us, so its JSON is taken as it is. */
export function createReader(db: DatabaseSync, states: Pick<StateTable, "load">): Reader {
  const fleet = db.prepare("SELECT state FROM fleet");
  const effects = db.prepare("SELECT id, clone, effect, created_at FROM effects");
  const signals = db.prepare("SELECT heartbeat, received_at FROM signals ORDER BY clone");
  const settings = db.prepare("SELECT key, value FROM settings ORDER BY key");
  const outbox = db.prepare("SELECT row FROM outbox ORDER BY position");
  const head = db.prepare("SELECT seq FROM chain_head");
  const receipt = db.prepare("SELECT key, digest, status, body FROM receipts WHERE key = ?");
  const action = db.prepare("SELECT row FROM actions WHERE mission_id = ? AND key = ?");
  const actions = db.prepare(
    "SELECT row FROM actions WHERE mission_id = ? ORDER BY reserved_at DESC, key DESC LIMIT ?",
  );

  return {
    load: () => ({
      states: states.load(),
      fleet: fleetOf(fleet.get()?.["state"]),
      effects: effects
        .all()
        .map((row) => ({
          id: String(row["id"]),
          clone: String(row["clone"]),
          effect: parse<Effect>(row["effect"]),
          createdAt: Number(row["created_at"]),
        }))
        .sort((a, b) => compareEffectIds(a.id, b.id)),
      signals: signals.all().map((row) => ({
        heartbeat: upgradeHeartbeat(parse<Heartbeat>(row["heartbeat"])),
        receivedAt: Number(row["received_at"]),
      })),
      settings: Object.fromEntries(settings.all().map((row) => [String(row["key"]), String(row["value"])])),
      outbox: outbox.all().map((row) => parse<OutboxRow>(row["row"])),
      lastSeq: Number(head.get()?.["seq"] ?? 0),
    }),

    receipt(key) {
      const row = receipt.get(key);
      if (!row) return null;
      return {
        key,
        digest: String(row["digest"]),
        status: Number(row["status"]),
        body: String(row["body"]),
      };
    },

    action(missionId, key) {
      const row = action.get(missionId, key);
      return row ? parse<ActionRow>(row["row"]) : null;
    },

    actions({ missionId, limit }) {
      const found = actions.all(missionId, Math.max(0, limit));
      return found.map((row) => parse<ActionRow>(row["row"])).reverse();
    },

    events(query) {
      const { sql, values, newestFirst } = eventSql(query);
      const found = db
        .prepare(sql)
        .all(...values)
        .map(storedEvent);
      return newestFirst ? found.reverse() : found;
    },
  };
}

function eventSql(query: EventQuery): { sql: string; values: (string | number)[]; newestFirst: boolean } {
  const where = ["seq > ?"];
  const values: (string | number)[] = [query.afterSeq ?? 0];
  if (query.clone !== undefined) {
    where.push("clone = ?");
    values.push(query.clone ?? FLEET);
  }
  if (query.missionId !== undefined) {
    where.push("mission_id = ?");
    values.push(query.missionId);
  }
  const newestFirst = query.last !== undefined;
  values.push(Math.max(0, Math.min(query.last ?? query.limit, query.limit)));
  const sql = `SELECT * FROM events WHERE ${where.join(" AND ")} ORDER BY seq ${newestFirst ? "DESC" : "ASC"} LIMIT ?`;
  return { sql, values, newestFirst };
}

function storedEvent(row: Row): StoredEvent {
  const place = {
    seq: Number(row["seq"]),
    at: Number(row["at"]),
    hash: String(row["hash"]),
    prevHash: String(row["prev_hash"]),
  };
  const clone = String(row["clone"]);
  if (clone === FLEET)
    return { ...place, clone: null, missionId: null, event: parse<FleetEvent>(row["event"]) };
  const missionId = row["mission_id"];
  return {
    ...place,
    clone,
    missionId: missionId === null || missionId === undefined ? null : String(missionId),
    event: upgradeEventActors(parse<CloneEvent>(row["event"])),
  };
}

/** A record that has no event of the fleet yet has no row. */
function fleetOf(text: SQLOutputValue | undefined): FleetState {
  return text === undefined ? INITIAL_FLEET : parse<FleetState>(text);
}

function parse<T>(text: SQLOutputValue | undefined): T {
  return JSON.parse(String(text)) as T;
}
