/** The process clock: what the operating system says of an agent's own program, not of what holds it. */

import type { WireHeartbeat } from "../api/heartbeat.ts";
import type { ProcessState } from "../core/model/liveness.ts";
import { type AgentRecord, childrenOf } from "./containment.ts";
import { bootId, type ProcessId, processState, readProcess } from "./process-table.ts";

export interface AgentLook {
  readonly state: ProcessState;
  readonly id: ProcessId;
}

/**
 * The program that was asked for: the first child of the namespace's first process, or the
 * spawned process itself. Whichever of them is stopped keeps the agent from working, or from being collected.
 */
export function lookAtAgent(record: AgentRecord): AgentLook {
  const { outer, init } = record;
  if (init === null) return { state: processState(outer), id: outer };
  for (const id of [outer, init]) {
    const state = processState(id);
    if (state !== "running") return { state, id };
  }
  const main = mainOf(init);
  return main === null ? { state: "gone", id: init } : { state: processState(main), id: main };
}

/** Notices when the state changes, and so knows for how long it has lasted. */
export function createProcessClock(now: () => number): {
  read(record: AgentRecord): NonNullable<WireHeartbeat["process"]>;
} {
  const boot = bootId();
  let seen = "";
  let seenAt = 0;
  return {
    read(record) {
      const { state, id } = lookAtAgent(record);
      const text = `${state} ${id.pid} ${id.startTicks}`;
      if (text !== seen) seenAt = now();
      seen = text;
      const sinceMs = Math.round(now() - seenAt);
      return { state, pid: id.pid, start_ticks: id.startTicks, boot_id: boot, since_ms: sinceMs };
    },
  };
}

/** Orphans of the agent are handed to the first process as well, but they are younger. */
function mainOf(init: ProcessId): ProcessId | null {
  let main: ProcessId | null = null;
  for (const pid of childrenOf(init)) {
    const row = readProcess(pid);
    if (row !== null && (main === null || row.startTicks < main.startTicks))
      main = { pid: row.pid, startTicks: row.startTicks };
  }
  return main;
}
