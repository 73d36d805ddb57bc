/** One change at a time for each mission and clone: which open pull request goes first, and which waits for it. */
import type { PlanTraits } from "../proposal/touched.ts";

/** An open pull request that was planned. */
export interface Claimant {
  readonly number: number;
  /** Its files can be used, it can be merged, and it is no draft: otherwise nobody waits for it. */
  readonly ready: boolean;
  readonly traits: Pick<PlanTraits, "touches" | "onlyStops">;
}

export interface Waiting {
  /** The one that goes first. */
  readonly number: number;
  /** What both change; sorted. */
  readonly subjects: readonly string[];
}

/**
 * Whom a pull request waits for: those of a lower number that are ready and change the same. Derived from what is open each time, so
 * that nothing is left behind by one that is merged or closed. What only ends or tightens waits for nobody.
 */
export function waitsFor(own: Claimant, open: Iterable<Claimant>): readonly Waiting[] {
  if (own.traits.onlyStops) return [];
  const mine = new Set(own.traits.touches);
  const found: Waiting[] = [];
  for (const { number, ready, traits } of open) {
    if (number >= own.number || !ready) continue;
    const subjects = traits.touches.filter((subject) => mine.has(subject));
    if (subjects.length > 0) found.push({ number, subjects });
  }
  return found.sort((a, b) => a.number - b.number);
}

/** Pull requests and subjects that a text names; more are counted. */
const NAMED_MAX = 3;

/** `#5, which changes mission/audit too`. */
export function waitingText(waiting: readonly Waiting[]): string {
  const texts = waiting.slice(0, NAMED_MAX).map(({ number, subjects }) => {
    const left = subjects.length - NAMED_MAX;
    const names = subjects.slice(0, NAMED_MAX).join(", ");
    return `#${number}, which changes ${names}${left > 0 ? ` and ${left} more` : ""} too`;
  });
  const left = waiting.length - texts.length;
  return `${texts.join("; ")}${left > 0 ? `; and ${left} more pull requests` : ""}`;
}
