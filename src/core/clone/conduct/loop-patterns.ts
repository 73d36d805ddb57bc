/**
 * Whether an agent goes round in circles (design section 7), from the last things
 * that it did. Pure and small: the shim runs it over its ring, the simulator over its own.
 *
 * A pattern is only found at the end of what happened: it is the newest event that
 * completes it. So whoever does something else once has left it.
 */

/** One thing that an agent did, in the terms in which it is compared. */
export type LoopEvent =
  /** A tool call that has ended. `result` is null when nobody said what came of it: that is equal to nothing. */
  | {
      readonly type: "action";
      readonly action: string;
      readonly result: string | null;
      readonly failed: boolean;
      /** For people: name and arguments, cut. */
      readonly label: string;
    }
  /** The agent spoke, and did nothing. */
  | { readonly type: "message"; readonly label: string }
  /** Something came of it: a new artifact, a new step of progress. Whoever gets somewhere is not talking to itself. */
  | { readonly type: "effect" }
  /** A word of ours to the agent. Never part of a pattern. */
  | { readonly type: "nudge" };

export const LOOP_PATTERNS = ["repeated_result", "repeated_error", "alternation", "monologue"] as const;
export type LoopPattern = (typeof LOOP_PATTERNS)[number];

export interface Loop {
  readonly pattern: LoopPattern;
  /** How often in a row by now. */
  readonly times: number;
  /** A sentence with what was done. */
  readonly evidence: string;
}

/** Events that are looked at, since a person last said something. */
export const LOOP_WINDOW = 20;
/** Same action, same result. */
export const REPEATED_RESULT_MIN = 4;
/** Same action, an error each time, whatever it says: whoever does it a third time has learnt nothing. */
export const REPEATED_ERROR_MIN = 3;
/** Messages without an action. */
export const MONOLOGUE_MIN = 3;
/** Steps that alternate between two: A-B-A-B-A-B. */
export const ALTERNATION_MIN = 6;

/** The pattern that the newest event completes or continues; oldest event first, at most `LOOP_WINDOW` are looked at. */
export function findLoop(events: readonly LoopEvent[]): Loop | null {
  const window = events.slice(-LOOP_WINDOW);
  const newest = window.at(-1);
  if (newest === undefined) return null;
  if (newest.type === "message") return monologue(window);
  if (newest.type !== "action") return null;
  const actions = window.filter((event) => event.type === "action");
  return repeatedError(actions) ?? repeatedResult(actions) ?? alternation(actions);
}

type Action = Extract<LoopEvent, { type: "action" }>;

function repeatedError(actions: readonly Action[]): Loop | null {
  const last = actions.at(-1);
  if (last === undefined) return null;
  const times = countBack(actions, (event) => event.failed && event.action === last.action);
  if (times < REPEATED_ERROR_MIN) return null;
  return {
    pattern: "repeated_error",
    times,
    evidence: `${last.label} failed ${times} times in a row`,
  };
}

function repeatedResult(actions: readonly Action[]): Loop | null {
  const last = actions.at(-1);
  if (last === undefined || last.result === null) return null;
  const times = countBack(actions, (event) => isSame(event, last));
  if (times < REPEATED_RESULT_MIN) return null;
  return {
    pattern: "repeated_result",
    times,
    evidence: `${last.label} was done ${times} times in a row with the same result`,
  };
}

function alternation(actions: readonly Action[]): Loop | null {
  const [before, last] = actions.slice(-2);
  if (before === undefined || last === undefined || isSame(before, last)) return null;
  if (before.result === null || last.result === null) return null;
  let times = 0;
  for (const event of [...actions].reverse()) {
    if (!isSame(event, times % 2 === 0 ? last : before)) break;
    times += 1;
  }
  if (times < ALTERNATION_MIN) return null;
  return {
    pattern: "alternation",
    times,
    evidence: `${before.label} and ${last.label} alternated over ${times} steps with the same results`,
  };
}

/** Actions and effects end it, and so does our own word: what the agent answers to us is no monologue yet. */
function monologue(window: readonly LoopEvent[]): Loop | null {
  const times = countBack(window, (event) => event.type === "message");
  if (times < MONOLOGUE_MIN) return null;
  const last = window.at(-1);
  const label = last?.type === "message" ? last.label : "";
  return {
    pattern: "monologue",
    times,
    evidence: `${times} messages in a row without an action, the last: ${label}`,
  };
}

function isSame(one: Action, other: Action): boolean {
  return one.action === other.action && one.result === other.result && one.failed === other.failed;
}

function countBack<T>(events: readonly T[], holds: (event: T) => boolean): number {
  let count = 0;
  for (const event of [...events].reverse()) {
    if (!holds(event)) break;
    count += 1;
  }
  return count;
}
