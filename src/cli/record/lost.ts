/** What is left of a database, and where it is put before another one takes its place. Nothing is ever removed. */
import { existsSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openSqliteStore } from "../../adapters/sqlite/store.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { AnchorVerdict } from "../../core/record/anchor.ts";
import { type Anchor, judgeAnchor } from "../../core/record/anchor.ts";
import { chainAt } from "../../reconcile/record-guard.ts";

/** More attempts than anybody makes in one folder. */
const LOST_MAX = 1_000;

export type Remains =
  | { readonly type: "absent" | "empty" }
  | { readonly type: "damaged"; readonly message: string }
  | { readonly type: "readable"; readonly events: number; readonly verdict: AnchorVerdict | null };

/** Rejects `store/locked` while a controller runs on it. */
export async function inspect(file: string, anchor: Anchor | null): Promise<Remains> {
  if (!existsSync(file)) return { type: "absent" };
  try {
    const store = await openSqliteStore({ file });
    try {
      const { lastSeq, settings } = await store.load();
      if (lastSeq === 0) return { type: "empty" };
      const chain = await store.verify();
      if (!chain.ok) return { type: "damaged", message: chain.message };
      const verdict =
        anchor === null
          ? null
          : judgeAnchor(anchor, await chainAt(store, new Map(Object.entries(settings)), anchor));
      return { type: "readable", events: lastSeq, verdict };
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof FactoryError) || error.code === "store/locked" || error.code === "store/newer")
      throw error;
    return { type: "damaged", message: error.message };
  }
}

/** Renames what stands there to `<file>.lost-<n>`, a database's log with it. Answers where it went; null when there was nothing. */
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
  throw new FactoryError("record/no-room", "stall", `${join(dirname(file))} holds ${LOST_MAX} lost records`);
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
