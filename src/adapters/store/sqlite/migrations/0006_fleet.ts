import type { Migration } from "../migrate.ts";

/**
 * The state of the fleet as a whole: the fold of those events whose `clone` is empty, which no clone's name is, so
 * that the rows and hashes of older records stay what they are. What an older program kept of the fleet in settings
 * becomes its first event when the record is opened for writing (`core/record/former-settings.ts`).
 */
export const fleet: Migration = {
  version: 6,
  sql: `
    CREATE TABLE fleet (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      version INTEGER NOT NULL,
      state TEXT NOT NULL
    ) STRICT;
  `,
};
