/** The status branch. */

import { at, judged, type Told } from "./story.ts";

const pushed: Told = { type: "pushed" };

judged("push-budget", [
  [
    "four in a minute",
    [
      [0, pushed],
      [1, pushed],
      [2, pushed],
      [59, pushed],
    ],
    null,
  ],
  [
    "five in a minute",
    [
      [0, pushed],
      [1, pushed],
      [2, pushed],
      [3, pushed],
      [59, pushed],
    ],
    "5 pushes within 59000 ms",
  ],
  [
    "five in a little more",
    [
      [0, pushed],
      [1, pushed],
      [2, pushed],
      [3, pushed],
      [60, pushed],
    ],
    null,
  ],
  [
    "the clock was set in between",
    [
      [0, pushed],
      [1, pushed],
      [2, pushed],
      [3, { type: "jumped" }],
      [4, pushed],
      [5, pushed],
    ],
    null,
  ],
]);

const foreign: Told = { type: "foreign", path: "README.md", content: "hello" };
const branch = (
  actual: readonly (readonly [string, string])[],
  expected: readonly (readonly [string, string])[] = [],
): Told => at({ status: { actual: new Map(actual), expected: new Map(expected) } });

judged("others-kept", [
  ["kept", [foreign, branch([["README.md", "hello"]])], null],
  ["gone", [foreign, branch([])], "README.md, which somebody else wrote, is gone or changed"],
  [
    "changed",
    [foreign, branch([["README.md", "bye"]])],
    "README.md, which somebody else wrote, is gone or changed",
  ],
  ["nobody looked", [foreign, at({})], null],
]);

judged("status-says-record", [
  ["the same", [branch([["a", "1"]], [["a", "1"]])], null],
  ["missing", [branch([], [["a", "1"]])], "a is missing"],
  [
    "different",
    [branch([["a", "1\n2\n3"]], [["a", "1\ntwo\n3"]])],
    'a differs: line 2 says "2", expected "two"',
  ],
  ["shorter", [branch([["a", "1"]], [["a", "1\n2"]])], 'a differs: line 2 says null, expected "2"'],
  ["nobody looked", [at({})], null],
]);
