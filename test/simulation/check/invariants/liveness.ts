/** What has to come about once nothing disturbs it any more. */
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import type { Hold } from "../../../../src/core/model/hold.ts";
import { HOUR_MS, type Instant } from "../../../../src/core/model/time.ts";
import {
  FINE,
  type Finding,
  found,
  type Invariant,
  type Moment,
  type Unfinished,
  type Wanted,
} from "../fact.ts";

/**
 * In calm every mission closes, or is held with reasons that `why` names. What is wanted is known from the files, and not
 * from what the controller shows; and where people answer everything, nothing waits for them.
 */
const everyMissionCloses: Invariant = {
  name: "every-mission-closes",
  promise:
    "in calm every mission that the files want closes, or is held with a reason that `why` names, and for no person who has answered",
  facts: ["repository"],
  watch() {
    let newest: Wanted | null = null;
    return {
      on(fact) {
        if (fact.type === "repository" && fact.ok) newest = fact.wanted;
        return FINE;
      },
      at({ unfinished, states, now, answered = false }) {
        if (unfinished === null) return FINE;
        return [
          ...unfinished.flatMap(unexplained),
          ...forgotten(newest, states, unfinished),
          ...(answered ? [...states.values()].flatMap((state) => stillAsked(state, now)) : FINE),
        ];
      },
    };
  },
};

function unexplained({ mission, reasons, explained }: Unfinished): readonly Finding[] {
  if (reasons.length === 0) return found(null, null, `mission ${mission} is neither closed nor held`);
  const silent = reasons.filter((reason) => !explained.includes(reason));
  return silent.length === 0
    ? FINE
    : found(null, null, `mission ${mission} is held by ${silent.join(", ")}, which \`why\` does not name`);
}

/** The files ask for it, no lane has closed that run or a later one, and the controller does not speak of it. */
function forgotten(
  wanted: Wanted | null,
  states: Moment["states"],
  unfinished: readonly Unfinished[],
): readonly Finding[] {
  return [...(wanted?.missions ?? [])].flatMap(([name, { run, ends }]) => {
    const closed = [...states.values()].some(
      ({ past, forgottenRuns }) =>
        past.some((one) => one.name === name && one.run >= run) || (forgottenRuns[name] ?? 0) >= run,
    );
    return ends || closed || unfinished.some(({ mission }) => mission === name)
      ? FINE
      : found(null, null, `the files want run ${run} of ${name}, and nobody speaks of it`);
  });
}

/** People look every quarter of an hour, and may have to answer twice. */
const ANSWERED_WITHIN_MS = HOUR_MS;

function stillAsked({ name, holds, mission }: CloneState, now: Instant): readonly Finding[] {
  const long = holds.filter(({ since }) => now - since > ANSWERED_WITHIN_MS);
  const theirs = mission === null ? undefined : long.find(isTheirs);
  return theirs === undefined
    ? FINE
    : found(
        name,
        null,
        `people have answered everything, and it is still held (${theirs.kind}, ${theirs.message})`,
      );
}

/** What only people clear; a file that says `paused` is meant so. */
export function isTheirs({ kind, owner, clearBy }: Hold): boolean {
  if (kind === "operator") return owner !== "repository";
  return clearBy === "operator" || clearBy === "decision" || clearBy === "anyone";
}

export const LIVENESS_INVARIANTS: readonly Invariant[] = [everyMissionCloses];
