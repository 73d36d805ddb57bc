/** Memory and number of processes, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

export interface Footprint {
  readonly processes: number;
  /** Proportional: pages that several processes share are counted once in sum. Null where we may not look. */
  readonly pssMiB: number | null;
  readonly rssMiB: number;
}

/** Processes whose arguments are accepted, without this one. */
export function pidsWith(accept: (args: readonly string[]) => boolean): readonly number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    const args = readOr(`/proc/${entry}/cmdline`).split("\0").slice(0, -1);
    return args.length > 0 && accept(args) ? [Number(entry)] : [];
  });
}

export function footprint(pids: readonly number[]): Footprint {
  let pss: number | null = 0;
  let rss = 0;
  for (const pid of pids) {
    const rollup = readOr(`/proc/${pid}/smaps_rollup`);
    const own = /^Pss:\s+(\d+)/m.exec(rollup)?.[1];
    pss = own === undefined || pss === null ? null : pss + Number(own);
    rss += Number(/^VmRSS:\s+(\d+)/m.exec(readOr(`/proc/${pid}/status`))?.[1] ?? 0);
  }
  return { processes: pids.length, pssMiB: pss === null ? null : pss / 1_024, rssMiB: rss / 1_024 };
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
