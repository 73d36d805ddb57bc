import { expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import { plainLine, plainLines } from "../../../src/core/model/plain-text.ts";
import { closureReport } from "../../../src/core/status/closure-report.ts";
import { cell, code } from "../../../src/core/status/text.ts";
import { Life } from "../../support/fleet.ts";

/** By their numbers: escape, bell, both title sequences, C1, right-to-left override, zero-width space, tag, line separator, half a pair. */
const STEERS = ["1b", "07", "00", "9b", "202e", "2066", "200b", "feff", "e0041", "2028", "d800"];
const steering = STEERS.map((hex) => String.fromCodePoint(Number.parseInt(hex, 16)));

test.each(steering)("what steers is nowhere: %j", (char) => {
  const text = `be${char}fore ${char}[31mred\n`;
  for (const clean of [plainLine(text), plainLines(text), cell(text), code(text)])
    expect([...clean]).not.toContain(char);
});

test.each(["👩‍👩‍👧 family", "می‌خواهم", "क्‍ष", "naïve ❤️"])("what is read stays: %s", (text) => {
  expect(plainLine(text)).toBe(text);
  expect(plainLines(`a\tb\n${text}`)).toBe(`a\tb\n${text}`);
});

test("a name with backticks does not end its span", () => {
  expect(code("a`<img src=x>`b")).toBe("`a'<img src=x>'b`");
});

test("what somebody said at the end does not steer the terminal of a closure's reader", () => {
  const reason = "\u001b]0;owned\u0007 \u001b[2J gone \u202e txt.exe";
  const { state } = new Life("a")
    .declared()
    .assigned()
    .on({ type: "kill.requested", by: operator("ann"), reason, now: true });
  const [closed] = state.past;
  if (closed === undefined) throw new Error("nothing was closed");
  const text = closureReport("a", closed);
  expect(text).toContain("owned");
  expect(text).not.toMatch(/[\u001b\u0007\u202e]/);
});
