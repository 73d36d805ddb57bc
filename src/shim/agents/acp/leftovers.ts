/** Processes that a turn's tools have left behind. */
import type { Intent } from "../../../instance/claim.ts";
import { type AgentRecord, findAgentMembers } from "../../../instance/containment.ts";
import { ownProcess, type ProcessRow, signalProcess } from "../../../instance/process-table.ts";

export interface Leftovers {
  /** What lives now was there before the turn. */
  begin(): void;
  /** Ends what began in the turn, in a session of its own; answers how many there were. The agent's own helpers share its session. */
  sweep(): number;
}

/** A fork in flight may be missed by one look. */
const LOOKS_MAX = 5;

export function createLeftovers(intent: Intent, record: () => AgentRecord): Leftovers {
  let before = new Set<string>();

  const members = (): readonly ProcessRow[] =>
    findAgentMembers({
      nonce: intent.nonce,
      plan: intent.containment,
      shim: ownProcess(),
      agent: record(),
    });

  return {
    begin() {
      before = new Set(members().map(keyOf));
    },
    sweep() {
      const own = record().outer.pid;
      const found = new Set<string>();
      for (let look = 0; look < LOOKS_MAX; look += 1) {
        const left = members().filter((row) => row.session !== own && !before.has(keyOf(row)));
        if (left.length === 0) break;
        for (const row of left) {
          found.add(keyOf(row));
          signalProcess(row, "SIGKILL");
        }
      }
      return found.size;
    },
  };
}

function keyOf({ pid, startTicks }: ProcessRow): string {
  return `${pid}/${startTicks}`;
}
