import type { Migration } from "../migrate.ts";

/**
 * The first layout: the chain, the states that are its fold, open effects,
 * receipts, settings, and the newest heartbeat per clone.
 *
 * The insert trigger also covers `INSERT OR REPLACE`, which removes rows
 * without asking the delete trigger.
 */
export const record: Migration = {
  version: 1,
  sql: `
    CREATE TABLE events (
      seq INTEGER PRIMARY KEY,
      at INTEGER NOT NULL,
      clone TEXT NOT NULL,
      mission_id TEXT,
      event TEXT NOT NULL,
      prev_hash TEXT NOT NULL,
      hash TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_by_clone ON events (clone, seq);
    CREATE INDEX events_by_mission ON events (mission_id, seq) WHERE mission_id IS NOT NULL;

    CREATE TRIGGER events_never_change BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER events_never_go BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
    CREATE TRIGGER events_follow_the_head BEFORE INSERT ON events
    WHEN NEW.seq <> (SELECT seq + 1 FROM chain_head) OR NEW.prev_hash <> (SELECT hash FROM chain_head)
    BEGIN SELECT RAISE(ABORT, 'events are appended to the head of the chain'); END;
    CREATE TRIGGER events_move_the_head AFTER INSERT ON events
    BEGIN UPDATE chain_head SET seq = NEW.seq, hash = NEW.hash; END;

    CREATE TABLE chain_head (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      seq INTEGER NOT NULL,
      hash TEXT NOT NULL
    ) STRICT;
    INSERT INTO chain_head VALUES (1, 0, '${"0".repeat(64)}');

    CREATE TABLE states (
      clone TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      state TEXT NOT NULL
    ) STRICT;

    CREATE TABLE effects (
      id TEXT PRIMARY KEY,
      clone TEXT NOT NULL,
      effect TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE receipts (
      key TEXT PRIMARY KEY,
      digest TEXT NOT NULL,
      status INTEGER NOT NULL,
      body TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE settings (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE signals (
      clone TEXT PRIMARY KEY,
      epoch INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      received_at INTEGER NOT NULL,
      heartbeat TEXT NOT NULL
    ) STRICT;
  `,
};
