import { describe, expect, test } from "vitest";
import { findLoop, LOOP_WINDOW, type LoopEvent } from "../../../../src/core/clone/conduct/loop-patterns.ts";

/** One letter, one event: `a` to `d` are actions that work, `A` to `D` the same actions with an error, `m` a message, `e` an effect, `n` a nudge, `?` an action of which nobody knows what came. */
function events(text: string): LoopEvent[] {
  return [...text].map((letter): LoopEvent => {
    if (letter === "m") return { type: "message", label: "let me think" };
    if (letter === "e") return { type: "effect" };
    if (letter === "n") return { type: "nudge" };
    if (letter === "?") return { type: "action", action: "a", result: null, failed: false, label: "a" };
    const failed = letter !== letter.toLowerCase();
    const action = letter.toLowerCase();
    // Every error has a text of its own.
    return {
      type: "action",
      action,
      result: failed ? `error ${action}` : `${action}!`,
      failed,
      label: action,
    };
  });
}

describe("a loop is", () => {
  test.each([
    ["aaaa", "repeated_result", 4],
    ["bcaaaa", "repeated_result", 4],
    ["aaaaa", "repeated_result", 5],
    ["amamaea", "repeated_result", 4], // Words between them change nothing.
    ["aaaana", "repeated_result", 5], // Nor does a word of ours.
    ["AAA", "repeated_error", 3],
    ["aAAA", "repeated_error", 3],
    ["AAAA", "repeated_error", 4],
    ["AmAmA", "repeated_error", 3],
    ["ababab", "alternation", 6],
    ["cababab", "alternation", 6],
    ["bababa", "alternation", 6],
    ["abababa", "alternation", 7],
    ["aBaBaB", "alternation", 6],
    ["mmm", "monologue", 3],
    ["ammm", "monologue", 3],
    ["mmmm", "monologue", 4],
  ] as const)("%s: %s, %i times", (text, pattern, times) => {
    expect(findLoop(events(text))).toMatchObject({ pattern, times });
  });
});

describe("no loop is", () => {
  test.each([
    ["", "nothing"],
    ["aaa", "three times the same"],
    ["aaba", "something else between"],
    ["aaaab", "what was left with the newest event"],
    ["aaaam", "what a message does not continue"],
    ["aaaae", "what an effect does not continue"],
    ["aaaan", "what only we have spoken after"],
    ["AA", "two errors"],
    ["AaA", "an error that went well in between"],
    ["ABA", "errors of different actions"],
    ["????", "what nobody knows the result of"],
    ["?a?a?a", "an alternation of the unknown"],
    ["ababa", "five steps to and fro"],
    ["abcabcabc", "three things in turn"],
    ["abab" + "c" + "ab", "an alternation that was interrupted"],
    ["mm", "two messages"],
    ["mmam", "messages with an action between"],
    ["mmem", "messages with something that came of it"],
    ["mmnm", "an answer to our own word"],
    ["e", "an effect"],
  ])("%s: %s", (text) => {
    expect(findLoop(events(text))).toBe(null);
  });

  test("what lies further back than the window", () => {
    expect(findLoop(events(`aaa${"m".repeat(LOOP_WINDOW - 1)}a`))).toBe(null);
    expect(findLoop(events(`aaa${"em".repeat(8)}a`))?.pattern).toBe("repeated_result");
  });
});

test("the evidence names what was done and how often", () => {
  expect(findLoop(events("AAA"))?.evidence).toBe("a failed 3 times in a row");
  expect(findLoop(events("ababab"))?.evidence).toBe("a and b alternated over 6 steps with the same results");
  expect(findLoop(events("mmm"))?.evidence).toContain("let me think");
});
