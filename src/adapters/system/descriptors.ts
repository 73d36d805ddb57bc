/** Notices that somebody takes the descriptors of this process: by looking how many are left, and by what its listeners had to end. */

import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { MachineProblem } from "../../core/status/machine-problem.ts";
import { type DescriptorUse, descriptorUse } from "../../instance/spare-descriptors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Descriptors, FullListener } from "../../ports/descriptors.ts";
import type { Log } from "../../ports/log.ts";

export interface DescriptorWatch extends Descriptors {
  /** A listener had no room. Cheap: it comes as often as somebody connects. */
  full(listener: FullListener): void;
}

/** For so long it is told of: who asks once a minute sees it. */
const TOLD_MS = MINUTE_MS;
/** Counting takes a look at each of them. */
const COUNTED_EVERY_MS = SECOND_MS;
/** Fewer left than this part of all: what a few programs take at once. */
const LEFT_SHARE = 1 / 8;

interface Fullness {
  readonly connectionsMax: number;
  ended: number;
  at: number;
}

export function watchDescriptors(parts: {
  readonly clock: Clock;
  readonly log: Log;
  /** Default: those of this process. */
  readonly use?: () => DescriptorUse;
}): DescriptorWatch {
  const { clock, log, use = descriptorUse } = parts;
  /** By where they listen; of three at most. */
  const full = new Map<string, Fullness>();
  let counted: { readonly at: number; readonly problem: string | null } | null = null;
  let told: MachineProblem | null = null;

  function problem(): MachineProblem | null {
    const now = clock.now();
    const message = [...crowded(now), ...short(now)].join("; ");
    if (message === "") {
      if (told !== null) log.info("there are enough descriptors again");
      told = null;
      return null;
    }
    if (told === null) log.error("descriptors are short", { problem: message });
    told = { since: told?.since ?? now, message };
    return told;
  }

  function* crowded(now: number): Iterable<string> {
    for (const [where, { connectionsMax, ended, at }] of full) {
      if (Math.abs(now - at) > TOLD_MS) full.delete(where);
      else
        yield `somebody holds connections to ${where} and says nothing on them: all ${connectionsMax} were taken, and ${ended} have been ended for others`;
    }
  }

  function short(now: number): readonly string[] {
    if (counted === null || Math.abs(now - counted.at) > COUNTED_EVERY_MS)
      counted = { at: now, problem: countedProblem(use()) };
    return counted.problem === null ? [] : [counted.problem];
  }

  return {
    problem,
    full({ where, connectionsMax }) {
      const known = full.get(where) ?? { connectionsMax, ended: 0, at: 0 };
      known.ended += 1;
      known.at = clock.now();
      full.set(where, known);
      if (told === null) problem();
    },
  };
}

function countedProblem({ open, limit, spare, missedMsAgo }: DescriptorUse): string | null {
  const left = limit - (open - spare);
  const missed = missedMsAgo !== null && missedMsAgo <= TOLD_MS;
  if (!missed && left >= limit * LEFT_SHARE) return null;
  return `${open - spare} of ${limit} descriptors of the controller are in use${missed ? ", and some were missing a moment ago" : ""}; ${spare} more are kept for the kill switch and for stopping`;
}
