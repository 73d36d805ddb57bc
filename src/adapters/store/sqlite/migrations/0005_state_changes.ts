import type { Migration } from "../migrate.ts";

/**
 * A state is a snapshot and what changed since (`core/record/state-writes.ts`), where it was written as a whole with each
 * commit before. States of the older layout become snapshots without changes.
 */
export const stateChanges: Migration = {
  version: 5,
  sql: `
    CREATE TABLE state_snapshots (
      clone TEXT PRIMARY KEY,
      version INTEGER NOT NULL,
      state TEXT NOT NULL
    ) STRICT;
    INSERT INTO state_snapshots SELECT clone, version, state FROM states ORDER BY clone;
    DROP TABLE states;

    CREATE TABLE state_changes (
      id INTEGER PRIMARY KEY,
      clone TEXT NOT NULL,
      version INTEGER NOT NULL,
      change TEXT NOT NULL
    ) STRICT;
    CREATE INDEX state_changes_by_clone ON state_changes (clone);
  `,
};
