/** What is to be seen of an instance before it ends. */
import { readFileSync } from "node:fs";
import { findMembers, type Target } from "../../../instance/containment.ts";
import { freezeAgent } from "../../../instance/freeze.ts";
import type { ProcessRow } from "../../../instance/process-table.ts";
import type { InstanceEvidence, SeenProcess } from "../../../ports/driver.ts";
import { nextCensus } from "./census.ts";
import { type Instance, targetOf } from "./layout.ts";

/** A fork bomb is told by its first processes. */
const PROCESSES_MAX = 500;
const NAMES_MAX = 1_000;

export const NO_EVIDENCE: InstanceEvidence = { processes: [], environmentNames: [] };

export async function evidenceOf(instance: Instance): Promise<InstanceEvidence> {
  const target = targetOf(instance);
  let members = findMembers(target, await nextCensus());
  if (members.some((row) => !isShim(row, target))) {
    freezeAgent(target, true);
    // What was forked while it was being frozen.
    members = findMembers(target, await nextCensus());
  }
  const shown = members.slice(0, PROCESSES_MAX);
  return {
    processes: shown.map((row) => seen(row, target)),
    environmentNames: [
      ...new Set(shown.filter((row) => !isShim(row, target)).flatMap((row) => variableNames(row.pid))),
    ]
      .sort()
      .slice(0, NAMES_MAX),
  };
}

function seen(row: ProcessRow, target: Target): SeenProcess {
  return {
    pid: row.pid,
    parent: row.ppid,
    group: row.pgid,
    session: row.session,
    state: row.state,
    name: textOf(`/proc/${row.pid}/comm`).trim(),
    role: isShim(row, target) ? "shim" : "agent",
  };
}

function isShim(row: ProcessRow, { shim }: Target): boolean {
  return row.pid === shim?.pid && row.startTicks === shim.startTicks;
}

/** As it was started; what it has set since is its own. A name that is no name is left out, since it may be part of a value. */
function variableNames(pid: number): string[] {
  return textOf(`/proc/${pid}/environ`)
    .split("\0")
    .map((entry) => entry.slice(0, Math.max(0, entry.indexOf("="))))
    .filter((name) => /^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(name));
}

/** Empty when it is gone or may not be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
