/** Which commits follow each other, and what a person has allowed beyond that. */
import { ACCEPTED, BEFORE_REWRITE, type Mirror } from "./mirror.ts";
import type { RefUpdater } from "./ref-updater.ts";
import { readPermit, removePermit } from "./rewrite-permit.ts";

export interface Step {
  /** Last accepted commit. */
  readonly from: string;
  readonly to: string;
}

/** A step with what is known of it before git is asked: a merge follows what it was merged into. */
export interface KnownStep extends Step {
  readonly parents?: readonly string[];
}

/** `descends`: the usual way. `permitted`: rewritten, and a person allowed it. `refused`: rewritten. */
export type Following = "descends" | "permitted" | "refused";

/** How the branch goes from one commit to the other. */
export async function compareHistories(
  mirror: Mirror,
  { from, to, parents = [] }: KnownStep,
): Promise<Following> {
  if (from === to || parents.includes(from) || (await mirror.isAncestor(from, to))) return "descends";
  const permit = await readPermit(mirror.directory);
  if (permit?.from !== from || !(await mirror.has(permit.to))) return "refused";
  // What was added on top of the permitted commit came the usual way.
  return (await mirror.isAncestor(permit.to, to)) ? "permitted" : "refused";
}

/**
 * Records a commit as the last accepted one, in one step. A permission is used
 * up by it, and what was accepted before a rewrite stays readable, for
 * missions that were dispatched from it.
 */
export async function acceptCommit(
  mirror: Mirror,
  step: { readonly from: string | null; readonly to: string; readonly how: Following },
  updater: RefUpdater,
): Promise<void> {
  const { from, to, how } = step;
  if (from === to) return;
  const lines = [`update ${ACCEPTED} ${to} ${from ?? "0".repeat(to.length)}`];
  if (from !== null && how === "permitted") {
    const kept = `${BEFORE_REWRITE}/${from}`;
    if ((await mirror.ref(kept)) === null) lines.push(`create ${kept} ${from}`);
  }
  // Where the one that is there for that does not say that it has done it, nobody knows whether it has.
  if (!(await updater.update(lines)) && (await mirror.refValue(ACCEPTED)) !== to) await mirror.update(lines);
  await removePermit(mirror.directory);
}

export function rewriteMessage(ref: string, { from, to }: Step): string {
  return `${ref} went from ${from} to ${to}, which does not descend from it; allow this rewrite by naming both commits, or restore the branch`;
}
