import type { Migration } from "../migrate.ts";

/** The effect ledger: one row per action of a mission. A fold of the events, kept because it is asked by key. */
export const actions: Migration = {
  version: 2,
  sql: `
    CREATE TABLE actions (
      mission_id TEXT NOT NULL,
      key TEXT NOT NULL,
      reserved_at INTEGER NOT NULL,
      row TEXT NOT NULL,
      PRIMARY KEY (mission_id, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX actions_by_time ON actions (mission_id, reserved_at, key);
  `,
};
