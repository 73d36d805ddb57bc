/** Drills: each round once, none forgotten, and no failure forgotten. */
import { describe, expect, test } from "vitest";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { at, type Case, reviewed, type Timed, verdict } from "./story.ts";

const planned = reviewed({ clones: new Set(["scribe"]), drillEveryMinutes: 10 });
const drilled = (minute: number, passed = true): Timed => [
  minute * 60,
  { type: "drilled", target: "scribe", at: minute * MINUTE_MS, beganMs: minute * MINUTE_MS, passed },
];
const later = (ms: number): Timed => [ms / SECOND_MS, { type: "pushed" }];
const calm = (...inbox: readonly string[]): Timed =>
  at({ calm: true, inbox: inbox.map((kind) => ({ kind, subject: "scribe" })) });

describe("drills-are-made", () => {
  test.each<readonly [string, readonly Timed[], string | null]>([
    ["two rounds", [planned, drilled(1), drilled(10)], null],
    [
      "one round twice",
      [planned, drilled(10), drilled(19)],
      "it was drilled on twice for one round of the schedule",
    ],
    [
      "one round twice by a clock that was set",
      [planned, drilled(10), { type: "jumped" }, drilled(19)],
      null,
    ],
    [
      "one round twice, the second of which had begun before the clock was set",
      [planned, [11 * 60, { type: "jumped" }], [18 * 60, { type: "jumped" }], drilled(12), drilled(19)],
      null,
    ],
    [
      "a failure that nobody hears of",
      [planned, drilled(10, false), later(20 * MINUTE_MS), calm()],
      "its drill failed, and nobody is told",
    ],
    ["a failure", [planned, drilled(10, false), later(20 * MINUTE_MS), calm("drill_failed")], null],
    [
      "a proof that is called a failure",
      [planned, drilled(10, false), drilled(20), later(30 * MINUTE_MS), calm("drill_failed")],
      "its kill is proven, and called a failure",
    ],
    [
      "a round that is never made",
      [planned, later(2 * HOUR_MS), calm()],
      `its drill is due for ${2 * HOUR_MS} ms, and nobody is told`,
    ],
    ["a round that is told of", [planned, later(2 * HOUR_MS), calm("drill_overdue")], null],
  ] satisfies readonly Case[])("%s", (_name, story, found) => {
    expect(verdict("drills-are-made", story)).toEqual(found === null ? [] : [found]);
  });
});
