/** What is left of a database. */
import { existsSync } from "node:fs";
import { openSqliteStore } from "../../adapters/store/sqlite/store.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { AnchorVerdict } from "../../core/record/anchor.ts";
import { type Anchor, judgeAnchor } from "../../core/record/anchor.ts";
import { chainAt } from "../../reconciler/record/guard.ts";
import { replacedBy } from "../../reconciler/record/upgrade.ts";

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
      const { lastSeq, settings, fleet } = await store.load();
      if (lastSeq === 0) return { type: "empty" };
      const chain = await store.verify();
      if (!chain.ok) return { type: "damaged", message: chain.message };
      const verdict =
        anchor === null
          ? null
          : judgeAnchor(anchor, await chainAt(store, replacedBy({ fleet, settings }), anchor));
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
