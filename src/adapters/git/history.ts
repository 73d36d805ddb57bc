/** Which commits follow each other, and what a person has allowed beyond that. */
import { ACCEPTED, BEFORE_REWRITE, type Mirror } from "./mirror.ts";
import { readPermit, removePermit } from "./rewrite-permit.ts";

export interface Step {
  /** Last accepted commit. */
  readonly from: string;
  readonly to: string;
}

/** Whether the branch may go from one commit to the other: the second descends from the first, or a person allowed it. */
export async function mayFollow(mirror: Mirror, { from, to }: Step): Promise<boolean> {
  if (from === to || (await mirror.isAncestor(from, to))) return true;
  const permit = await readPermit(mirror.directory);
  // What was added on top of the permitted commit came the usual way.
  return permit?.from === from && (await mirror.has(permit.to)) && (await mirror.isAncestor(permit.to, to));
}

/**
 * Records a commit as the last accepted one, in one step. A permission is used
 * up by it, and what was accepted before a rewrite stays readable, for
 * missions that were dispatched from it.
 */
export async function acceptCommit(mirror: Mirror, from: string | null, to: string): Promise<void> {
  if (from === to) return;
  const lines = [`update ${ACCEPTED} ${to} ${from ?? "0".repeat(to.length)}`];
  if (from !== null && !(await mirror.isAncestor(from, to))) {
    const kept = `${BEFORE_REWRITE}/${from}`;
    if ((await mirror.ref(kept)) === null) lines.push(`create ${kept} ${from}`);
  }
  await mirror.update(lines);
  await removePermit(mirror.directory);
}

export function rewriteMessage(ref: string, { from, to }: Step): string {
  return `${ref} went from ${from} to ${to}, which does not descend from it; allow this rewrite by naming both commits, or restore the branch`;
}
