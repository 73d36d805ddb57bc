/** What a proposal is about, for the order in which proposals are merged, and for the labels that say at a glance what it does. */
import type { PlanExplanation } from "./explanation.ts";

export interface PlanTraits {
  /** `mission/<name>` and `clone/<name>`: one change at a time. Sorted. */
  readonly touches: readonly string[];
  readonly starts: boolean;
  readonly stops: boolean;
  readonly loosens: boolean;
  /** It only ends or tightens: such a change waits for nobody. */
  readonly onlyStops: boolean;
}

export function traitsOf(plan: PlanExplanation): PlanTraits {
  const { starts, parked, stops, newClones, changes } = plan;
  const fields = changes.flatMap((change) => (change.applies ? change.fields : []));
  const touches = new Set<string>();
  for (const { mission, clone } of [...starts, ...parked])
    touches.add(`mission/${mission}`).add(`clone/${clone}`);
  for (const { mission, clone } of stops) {
    touches.add(`clone/${clone}`);
    if (mission !== null) touches.add(`mission/${mission}`);
  }
  for (const { clone } of newClones) touches.add(`clone/${clone}`);
  for (const { subject } of changes) if (subject !== "fleet") touches.add(subject);
  const ends = stops.length > 0 || fields.some(({ direction }) => direction === "tightened");
  return {
    touches: [...touches].sort(),
    starts: starts.length > 0,
    stops: stops.length > 0,
    loosens: fields.some(({ direction }) => direction === "loosened"),
    onlyStops:
      ends &&
      starts.length + parked.length + newClones.length === 0 &&
      fields.every(({ direction }) => direction === "tightened"),
  };
}
