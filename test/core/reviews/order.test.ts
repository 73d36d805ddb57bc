import { describe, expect, test } from "vitest";
import { type CheckText, checkInQueue, checkWaiting } from "../../../src/core/reviews/check.ts";
import { hasLabels, labelsOf } from "../../../src/core/reviews/labels.ts";
import { type Claimant, waitingText, waitsFor } from "../../../src/core/reviews/order.ts";

const one = (number: number, touches: readonly string[], change: Partial<Claimant> = {}): Claimant => ({
  number,
  ready: true,
  traits: { touches, onlyStops: false },
  ...change,
});
const FINE: CheckText = { conclusion: "success", title: "starts 1", summary: "fine", problems: [] };

describe("one change at a time", () => {
  const nine = one(9, ["clone/a", "mission/m", "mission/n"]);

  test.each<[string, readonly Claimant[], readonly object[]]>([
    [
      "an earlier one that changes the same goes first",
      [one(5, ["mission/m"])],
      [{ number: 5, subjects: ["mission/m"] }],
    ],
    ["one that changes something else does not", [one(5, ["mission/x"])], []],
    ["nor a later one", [one(10, ["mission/m"])], []],
    ["nor itself", [nine], []],
    ["nor one that is a draft, or cannot be used", [one(5, ["mission/m"], { ready: false })], []],
    [
      "several go in their order, with all that both change",
      [one(7, ["clone/a"]), one(5, ["mission/m", "mission/n"])],
      [
        { number: 5, subjects: ["mission/m", "mission/n"] },
        { number: 7, subjects: ["clone/a"] },
      ],
    ],
  ])("%s", (_, open, expected) => {
    expect(waitsFor(nine, open)).toEqual(expected);
  });

  test("what only stops or tightens waits for nobody, and goes first like any other", () => {
    const stop = one(9, ["mission/m"], { traits: { touches: ["mission/m"], onlyStops: true } });
    expect(waitsFor(stop, [one(5, ["mission/m"])])).toEqual([]);
    expect(waitsFor(one(10, ["mission/m"]), [stop])).toHaveLength(1);
  });

  test("the text names whom it waits for, and counts the rest", () => {
    const many = Array.from({ length: 5 }, (_, n) => ({
      number: n + 1,
      subjects: ["a", "b", "c", "d", "e"],
    }));
    expect(waitingText(many.slice(0, 1))).toBe("#1, which changes a, b, c and 2 more too");
    expect(waitingText(many)).toMatch(/#3, which .*; and 2 more pull requests$/);
  });
});

describe("a check", () => {
  const waiting = [{ number: 5, subjects: ["mission/m"] }];

  test("waits where an earlier one goes first, and says for which", () => {
    const text = checkWaiting(FINE, waiting);
    expect(text).toMatchObject({ conclusion: "pending", title: "waits for #5, which changes mission/m too" });
    expect(text.summary).toContain("fine");
    expect(checkWaiting(FINE, [])).toBe(FINE);
  });

  test("that fails goes on failing", () => {
    const failing: CheckText = { ...FINE, conclusion: "failure" };
    expect(checkWaiting(failing, waiting)).toBe(failing);
  });

  test("in a queue fails where what was reviewed is not what would be merged, with both hashes", () => {
    const reviewed = { planHash: `sha256:${"a".repeat(64)}`, base: "1".repeat(40) };
    const queued = { planHash: `sha256:${"b".repeat(64)}`, base: "2".repeat(40) };
    const stale = checkInQueue(FINE, { reviewed, queued });
    expect(stale).toMatchObject({ conclusion: "failure", title: "stale plan" });
    for (const part of ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "111111111111", "222222222222"])
      expect(stale.summary).toContain(part);
    expect(checkInQueue(FINE, { reviewed, queued: { ...queued, planHash: reviewed.planHash } })).toBe(FINE);
    expect(checkInQueue(FINE, { reviewed: null, queued })).toBe(FINE);
  });
});

describe("labels", () => {
  const traits = { touches: [], starts: true, stops: false, loosens: true, onlyStops: false };

  test("say what a pull request does", () => {
    const names = (change: Partial<Parameters<typeof labelsOf>[0]>) =>
      labelsOf({ traits, usable: true, waits: false, closure: false, ...change }).map(({ name }) => name);
    expect(names({})).toEqual(["factory:starts", "factory:loosens"]);
    expect(names({ traits: null, usable: false })).toEqual(["factory:broken"]);
    expect(names({ traits: null, waits: true, closure: true })).toEqual(["factory:waits", "factory:closure"]);
  });

  test("of others do not matter to whether ours are there", () => {
    const wanted = labelsOf({ traits, usable: true, waits: false, closure: false });
    expect(hasLabels(["urgent", "Factory:Starts", "factory:loosens"], wanted)).toBe(true);
    expect(hasLabels(["factory:starts"], wanted)).toBe(false);
    expect(hasLabels(["factory:starts", "factory:loosens", "factory:stops"], wanted)).toBe(false);
    expect(hasLabels(["urgent"], [])).toBe(true);
  });
});
