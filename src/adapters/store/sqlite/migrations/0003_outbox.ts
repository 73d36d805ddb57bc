import type { Migration } from "../migrate.ts";

/** Notices on their way to people: kept until their delivery was acknowledged, in the order of their first writing. */
export const outbox: Migration = {
  version: 3,
  sql: `
    CREATE TABLE outbox (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      next_attempt_at INTEGER NOT NULL,
      row TEXT NOT NULL
    ) STRICT;
  `,
};
