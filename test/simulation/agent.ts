import type { Dice } from "./dice.ts";

/** What an agent will do, decided before it starts. Times are of unpaused work. */
export interface Script {
  readonly kind: Kind;
  readonly readyAfterMs: number;
  readonly acceptAfterMs: number;
  readonly progressEveryMs: number;
  readonly endsAfterMs: number;
  /** LLM calls per progress; null does not say. */
  readonly callsPerStep: number | null;
  readonly blocksAtStep: number | null;
  /** How often it then says so; from the third time on a person is asked. */
  readonly blocksTimes: number;
  /** How long it takes to end when asked; null ignores it. */
  readonly cancelMs: number | null;
  readonly result: "good" | "bad";
}

export const KINDS = [
  "completes",
  "fails",
  "crashes", // exits with an error in the middle of its work
  "crashes_alike", // the same, at once and always in the same way
  "never_ready",
  "unhealthy",
  "never_accepts",
  "silent", // works, and its heartbeats stop
  "stuck", // beats, and never gets anywhere
  "floods", // reports a hundred things at once
  "completes_twice",
  "completes_and_crashes",
  "vanishes", // body and shim die without a word
  "loops", // goes in circles until a person speaks
] as const;
/** What only looks like work. */
export const ODD_KINDS = [
  "lies", // says anything about what it used, less than before as well
  "spends_on", // uses more also while it is paused
  "asks_again", // is blocked for the same reason, over and over
  "floods_on", // reports a hundred things at once, all the time
] as const;
export type Kind = (typeof KINDS)[number] | (typeof ODD_KINDS)[number];

/** A well-behaved one, or with the given probabilities one of the others. */
export function writeScript(
  dice: Dice,
  { misbehaviour, oddities }: { readonly misbehaviour: number; readonly oddities: number },
): Script {
  const plain = dice.chance(misbehaviour) ? dice.pick(KINDS) : "completes";
  const kind = oddities > 0 && dice.chance(oddities) ? dice.pick(ODD_KINDS) : plain;
  return {
    kind,
    readyAfterMs: dice.between(50, 4_000),
    acceptAfterMs: dice.between(20, 5_000),
    progressEveryMs: dice.between(5_000, 120_000),
    endsAfterMs: dice.between(20_000, 1_500_000),
    callsPerStep: dice.chance(0.5) ? dice.between(0, 5) : null,
    blocksAtStep: dice.chance(0.2) ? dice.between(1, 5) : null,
    cancelMs: dice.chance(0.3) ? null : dice.between(10, 5_000),
    result: dice.chance(0.85) ? "good" : "bad",
    blocksTimes: dice.between(1, 4),
  };
}

/** The same agent at work of hours: it takes longer, and says something less often. */
export function lengthen(script: Script, dice: Dice): Script {
  const times = dice.between(1, 6) ** 2;
  return {
    ...script,
    endsAfterMs: script.endsAfterMs * times,
    progressEveryMs: script.progressEveryMs * dice.between(1, 8),
  };
}

export function isOdd(kind: Kind): boolean {
  return (ODD_KINDS as readonly Kind[]).includes(kind);
}
