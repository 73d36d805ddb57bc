/**
 * Watches from outside whether a clone has two instances: it reads /proc and the
 * claims on disk, and nothing that a controller says or keeps.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readClaim } from "../../src/instance/claim.ts";

export interface Living {
  readonly role: "shim" | "agent";
  readonly clone: string;
  /** Of a shim, by its folder; agents are told apart by their process alone. */
  readonly epoch: number | null;
  readonly pid: number;
  readonly startTicks: string;
}

export interface Watcher {
  /** What lives now: shims that hold their claim, and agents. */
  look(): readonly Living[];
  /** Two of one role and clone that were alive at the same moment, as sentences. */
  readonly violations: readonly string[];
  samples(): number;
  /** Outboxes by `<clone>/<epoch>`, kept under a second name, so that a reaped instance's can still be read. */
  readonly outboxes: ReadonlyMap<string, string>;
  stop(): void;
}

const SAMPLE_MS = 40;
const VIOLATIONS_MAX = 50;

export function startWatcher(options: {
  /** Of the process driver. */
  readonly instances: string;
  /** Where outboxes get their second names; on the same file system. */
  readonly keep: string;
  /** Path of the agents' program; its last argument names the clone, and the first is the ledger. */
  readonly agentFile: string;
  /** Of this fleet: the same program may work for another one at the same time. */
  readonly ledger: string;
}): Watcher {
  const violations: string[] = [];
  const outboxes = new Map<string, string>();
  let samples = 0;
  mkdirSync(options.keep, { recursive: true });

  function look(): readonly Living[] {
    const found: Living[] = [];
    for (const entry of readdirSync("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      const living = classify(Number(entry));
      if (living !== null) found.push(living);
    }
    return found;
  }

  function classify(pid: number): Living | null {
    const args = readOr(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
    // What a shim from the reserve had in the place of its folder was longer: empty arguments follow.
    const last = args.findLast((arg) => arg !== "") ?? "";
    if (args[1] === options.agentFile && args[2] === options.ledger) {
      const startTicks = startOf(pid);
      return startTicks === null ? null : { role: "agent", clone: last, epoch: null, pid, startTicks };
    }
    if (!last.startsWith(`${options.instances}/`) || !args.some((arg) => /\/main\.(cjs|[jt]s)$/.test(arg)))
      return null;
    const [clone = "", epoch] = last.slice(options.instances.length + 1).split("/");
    const startTicks = startOf(pid);
    if (startTicks === null || !holdsClaim(last, pid)) return null;
    return { role: "shim", clone, epoch: Number(epoch), pid, startTicks };
  }

  function sample(): void {
    samples += 1;
    const first = new Map<string, Living>();
    for (const living of look()) {
      const key = `${living.role} ${living.clone}`;
      const other = first.get(key);
      if (other === undefined) first.set(key, living);
      // Seen one after the other proves nothing; if the first one still lives now, they lived together.
      else if (startOf(other.pid) === other.startTicks && startOf(living.pid) === living.startTicks) {
        if (violations.length < VIOLATIONS_MAX)
          violations.push(
            `two ${key}: process ${other.pid} (epoch ${other.epoch ?? "?"}) and process ${living.pid} (epoch ${living.epoch ?? "?"})`,
          );
      }
    }
    keepOutboxes();
  }

  function keepOutboxes(): void {
    for (const clone of namesIn(options.instances)) {
      if (clone.startsWith(".")) continue;
      for (const epoch of namesIn(join(options.instances, clone))) {
        const key = `${clone}/${epoch}`;
        if (outboxes.has(key) || !/^\d+$/.test(epoch)) continue;
        const path = join(options.keep, `${clone}.${epoch}`);
        try {
          mkdirSync(path, { recursive: true });
          linkSync(join(options.instances, clone, epoch, "outbox.jsonl"), join(path, "outbox.jsonl"));
          outboxes.set(key, path);
        } catch {
          // Not there yet.
        }
      }
    }
  }

  const timer = setInterval(sample, SAMPLE_MS);
  return {
    look,
    violations,
    outboxes,
    samples: () => samples,
    stop() {
      clearInterval(timer);
      sample();
    },
  };
}

function holdsClaim(instanceDirectory: string, pid: number): boolean {
  try {
    const claim = readClaim(instanceDirectory);
    return claim !== null && !claim.fenced && claim.shim.pid === pid;
  } catch {
    return false;
  }
}

/** Start time of a living process; null for none and for one that is dead and not yet reaped. */
function startOf(pid: number): string | null {
  const stat = readOr(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return stat === "" || fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
