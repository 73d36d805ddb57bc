import type { DatabaseSync } from "node:sqlite";
import { FactoryError } from "../../../core/model/error.ts";

/** One step from the layout before to the layout `version`. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/**
 * Brings the file to the newest layout, in one transaction: a crash leaves the
 * old layout or the new one. Running it again does nothing.
 *
 * Throws `store/newer` (`stall`) when the file was written by a newer program;
 * guessing at an unknown layout could lose what it added.
 */
export function migrate(db: DatabaseSync, migrations: readonly Migration[], file: string): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const found = schemaVersion(db);
  if (found > newest) {
    throw new FactoryError(
      "store/newer",
      "stall",
      `the store ${file} has layout ${found}, this program knows layouts up to ${newest}: run the newer program`,
    );
  }
  if (found === newest) return;
  db.exec("BEGIN EXCLUSIVE");
  try {
    for (const migration of migrations) {
      if (migration.version <= found) continue;
      db.exec(migration.sql);
    }
    db.exec(`PRAGMA user_version = ${newest}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

export function schemaVersion(db: DatabaseSync): number {
  const row = db.prepare("PRAGMA user_version").get();
  return Number(row?.["user_version"] ?? 0);
}
