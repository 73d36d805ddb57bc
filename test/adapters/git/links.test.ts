import { expect, test } from "vitest";
import { linkStaysInside } from "../../../src/adapters/git/links.ts";

const links = new Map([
  ["here", "."],
  ["up", ".."],
  ["abs", "/etc"],
  ["loop", "loop"],
  ["ping", "pong"],
  ["pong", "ping"],
  ["deep/er/way", "../../a"],
  ["deep/er/out", "../../../a"],
  ["deep/er/self", "."],
  ["deep/er/sly", "self/../../../a"],
  ["deep/er/fine", "self/../../a"],
  ["sly", "here/../a"],
  ["through", "up/a"],
  ["through-abs", "abs/passwd"],
  ["plain", "deep/er"],
  ["via", "plain/../x"],
  ["via-out", "plain/../../../x"],
  ["empty", ""],
  ["cut", "..\0x"],
  ["dots", "./deep/./er//x"],
]);

test.each([
  ...["here", "deep/er/way", "deep/er/self", "deep/er/fine", "plain", "via", "dots"].map(
    (path) => [path, true] as const,
  ),
  ...["up", "abs", "deep/er/out", "deep/er/sly", "sly", "through", "through-abs", "via-out"].map(
    (path) => [path, false] as const,
  ),
  // They lead nowhere, and are not worth the risk.
  ...["loop", "ping", "empty", "cut"].map((path) => [path, false] as const),
])("%s stays inside: %s", (path, inside) => {
  expect(linkStaysInside(path, links)).toBe(inside);
});
