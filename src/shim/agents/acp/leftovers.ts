/** Processes that a turn's tools have left behind. */
import type { Intent } from "../../../instance/claim.ts";
import { type AgentRecord, findAgentMembers } from "../../../instance/containment.ts";
import { ownProcess, type ProcessRow, signalProcess } from "../../../instance/process-table.ts";

export interface Leftovers {
  /** What lives now was there before the turn. Where the machine cannot tell, nothing of this turn is ended. */
  begin(): void;
  /** Ends what began in the turn, in a session of its own; answers how many there were. The agent's own helpers share its session. */
  sweep(): number;
}

/** A fork in flight may be missed by one look. */
const LOOKS_MAX = 5;

export function createLeftovers(intent: Intent, record: () => AgentRecord): Leftovers {
  /** Null: nobody knows. */
  let before: ReadonlySet<string> | null = null;

  const members = (): readonly ProcessRow[] =>
    findAgentMembers({
      nonce: intent.nonce,
      plan: intent.containment,
      shim: ownProcess(),
      agent: record(),
    });

  return {
    begin() {
      try {
        before = new Set(members().map(keyOf));
      } catch {
        before = null;
      }
    },
    sweep() {
      const known = before;
      if (known === null) return 0;
      const own = record().outer.pid;
      const found = new Set<string>();
      try {
        for (let look = 0; look < LOOKS_MAX; look += 1) {
          const left = members().filter((row) => row.session !== own && !known.has(keyOf(row)));
          if (left.length === 0) break;
          for (const row of left) {
            found.add(keyOf(row));
            signalProcess(row, "SIGKILL");
          }
        }
      } catch {
        // A machine that has run out of something: what is left ends with the instance.
      }
      return found.size;
    },
  };
}

function keyOf({ pid, startTicks }: ProcessRow): string {
  return `${pid}/${startTicks}`;
}
