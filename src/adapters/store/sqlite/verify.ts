import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { walkChain } from "../../../core/record/walk.ts";
import type { ChainReport } from "../../../ports/store.ts";
import { FLEET } from "./read.ts";

/** Events held in memory at a time; between two pages, other work gets its turn. */
const PAGE_EVENTS = 500;

/**
 * Walks the chain from its first event to the head that stood when the walk
 * began; what is appended meanwhile is the next walk's.
 */
export function createVerifier(db: DatabaseSync): () => Promise<ChainReport> {
  const head = db.prepare("SELECT seq, hash FROM chain_head");
  const page = db.prepare("SELECT * FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?");
  const beyond = db.prepare("SELECT min(seq) AS seq FROM events WHERE seq > ? OR seq < 1");

  return async () => {
    const row = head.get();
    const recorded = { seq: Number(row?.["seq"] ?? 0), hash: String(row?.["hash"] ?? "") };
    const stray = beyond.get(recorded.seq)?.["seq"];
    const walk = walkChain();
    for (;;) {
      const rows = page.all(walk.head.seq, recorded.seq, PAGE_EVENTS);
      for (const link of rows) {
        const missionId = link["mission_id"];
        const broken = walk.next({
          seq: Number(link["seq"]),
          at: Number(link["at"]),
          clone: link["clone"] === FLEET ? null : String(link["clone"]),
          missionId: typeof missionId === "string" ? missionId : null,
          eventText: String(link["event"]),
          prevHash: String(link["prev_hash"]),
          hash: String(link["hash"]),
        });
        if (broken) return { ok: false, ...broken };
      }
      if (rows.length < PAGE_EVENTS) break;
      await setImmediate();
    }
    const broken = walk.end(recorded);
    if (broken) return { ok: false, ...broken };
    if (stray !== null && stray !== undefined) {
      return { ok: false, brokenAtSeq: Number(stray), message: `event ${stray} stands outside of the chain` };
    }
    return { ok: true, events: walk.head.seq, head: walk.head.hash };
  };
}
