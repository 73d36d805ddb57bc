import type { Migration } from "../migrate.ts";

/** The highest term under which somebody acted on this record; it never falls. `holder` is null where only a batch told of it. */
export const term: Migration = {
  version: 4,
  sql: `
    CREATE TABLE term (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      term INTEGER NOT NULL,
      holder TEXT
    ) STRICT;
    INSERT INTO term VALUES (1, 0, NULL);
    CREATE TRIGGER term_never_falls BEFORE UPDATE ON term WHEN NEW.term < OLD.term
    BEGIN SELECT RAISE(ABORT, 'the term never falls'); END;
  `,
};
