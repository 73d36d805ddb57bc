/** Where something is put before another one takes its place. Nothing is ever removed. */
import { existsSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { FactoryError } from "../core/model/error.ts";

/** More attempts than anybody makes in one folder. */
const LOST_MAX = 1_000;

/** Renames what stands there to `<file>.lost-<n>`, a database's log with it; durable on return. Answers where it went; null when there was nothing. */
export async function putAside(file: string): Promise<string | null> {
  const parts = ["", "-wal", "-shm", "-journal"].filter((suffix) => existsSync(file + suffix));
  if (parts.length === 0) return null;
  for (let n = 1; n <= LOST_MAX; n += 1) {
    const target = `${file}.lost-${n}`;
    if (parts.some((suffix) => existsSync(target + suffix))) continue;
    for (const suffix of parts) await rename(file + suffix, target + suffix);
    await syncFolder(dirname(file));
    return target;
  }
  throw new FactoryError(
    "record/no-room",
    "stall",
    `${dirname(file)} holds ${LOST_MAX} things that were put aside`,
  );
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
