/** Holds the tables of `docs/security.md` to the attacks that there are: `npm run attack -- --markdown` writes them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ATTACKS } from "../attack/catalogue.ts";
import { MARKS, title } from "../attack/report.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/security.md"), "utf8");
const between = PAGE.slice(PAGE.indexOf(MARKS[0]), PAGE.indexOf(MARKS[1]));
const rows = between.split("\n").flatMap((line) => {
  const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
  return cells[1]?.startsWith("`") === true ? [cells.slice(1, -1)] : [];
});

test("every attack has its row, and there is no other", () => {
  const inOrder = [...ATTACKS.filter(({ levels }) => levels), ...ATTACKS.filter(({ levels }) => !levels)];
  expect(rows.map(([name, how]) => [name, how])).toEqual(inOrder.map((one) => [title(one), one.how]));
});

test("what holds it is what the attack says", () => {
  const others = ATTACKS.filter(({ levels }) => levels === undefined);
  expect(rows.slice(-others.length).map((cells) => cells[3])).toEqual(others.map(({ holds }) => holds));
});

test("none of them is broken, and each was tried", () => {
  expect(rows.filter((cells) => cells.some((cell) => cell.includes("**")))).toEqual([]);
  const untried = rows.filter((cells) => cells.slice(2).includes("not tried")).map(([name]) => name);
  // Two fleets of one user are one user's: what nothing contains reads whatever that user may.
  expect(untried).toEqual(["`two-fleets`"]);
});

test("names are one word each, in the letters of a command line", () => {
  const names = ATTACKS.map(({ name }) => name);
  expect(names.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});
