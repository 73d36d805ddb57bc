/** What is known of the open pull requests, and the order in which they may be merged. Forgotten with the process. */
import { type Claimant, type Waiting, waitsFor } from "../../core/reviews/order.ts";
import type { ReviewedPull } from "../../core/status/forge.ts";
import type { Pull } from "../../ports/forge.ts";
import { isClosureBranch } from "../closures/closure-pull.ts";
import type { Planned } from "./review-pull.ts";

export interface StandingPull {
  readonly pull: Pull;
  /** What was looked at, as `seenOf` says it; null: it is to be looked at. */
  readonly seen: string | null;
  /** By the steady clock: the forge's limits leave no room for it before, and a look would be a plan in vain. */
  readonly restsUntil?: number;
  readonly view: ReviewedPull;
  /** As it was planned last; null: not yet, or it cannot be. */
  readonly planned: Planned | null;
}

/** Whom a pull request waits for, among those that are known. `planned`: as it is planned now. */
export function orderOf(
  { pull, planned }: Pick<StandingPull, "pull" | "planned">,
  known: ReadonlyMap<number, StandingPull>,
): readonly Waiting[] {
  if (planned === null) return [];
  const open = [...known.values()].flatMap((one) => claimantOf(one) ?? []);
  return waitsFor({ number: pull.number, ready: true, traits: planned.traits }, open);
}

/** Pull requests of ours that ask what becomes of a clone hold up nobody: who changes the clone has decided. */
function claimantOf({ pull, planned }: StandingPull): Claimant | null {
  if (planned === null || isClosureBranch(pull.head.branch)) return null;
  return { number: pull.number, ready: planned.usable && !pull.draft, traits: planned.traits };
}

/** What was looked at, as one text: what is obeyed, the head, and whom it waits for. */
export function seenAs(base: string | null, { head }: Pull, order: readonly Waiting[]): string {
  return JSON.stringify([base, head.commit, order]);
}

export function unseen(pull: Pull): StandingPull {
  return { pull, seen: null, planned: null, view: viewOf(pull, "waiting", "not looked at yet") };
}

export function viewOf(pull: Pull, state: ReviewedPull["state"], message: string): ReviewedPull {
  return { number: pull.number, head: pull.head.commit, state, message, waitsFor: [] };
}
