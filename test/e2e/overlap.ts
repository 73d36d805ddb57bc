import type { LedgerLine } from "./world.ts";

/**
 * Every two epochs of a clone that were at work at the same time, by what the
 * agents themselves wrote down. Empty is as it should be.
 */
export function overlaps(lines: readonly LedgerLine[]): readonly string[] {
  const spans = new Map<string, { clone: string; epoch: number; from: number; to: number }>();
  for (const { clone, epoch, ms } of lines) {
    const span = spans.get(`${clone}/${epoch}`);
    if (span === undefined) spans.set(`${clone}/${epoch}`, { clone, epoch, from: ms, to: ms });
    else span.to = Math.max(span.to, ms);
  }
  const found: string[] = [];
  const sorted = [...spans.values()].sort((a, b) => a.clone.localeCompare(b.clone) || a.epoch - b.epoch);
  for (const [index, later] of sorted.entries()) {
    const earlier = sorted[index - 1];
    if (earlier === undefined || earlier.clone !== later.clone) continue;
    if (later.from < earlier.to)
      found.push(
        `${later.clone}: epoch ${later.epoch} began ${earlier.to - later.from} ms before epoch ${earlier.epoch} ended`,
      );
  }
  return found;
}
