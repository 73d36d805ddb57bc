/** Holds `docs/fields.md` true: no field of a document without an answer to what becomes of it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { KINDS } from "../../src/documents/schema/kinds.ts";
import { fieldPaths } from "../../src/documents/schema/walk.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BECOMES = ["acts", "refused", "not enforced", "for people"];

interface Row {
  readonly kind: string;
  readonly field: string;
  readonly becomes: string;
  readonly code: { readonly file: string; readonly word: string };
  readonly test: { readonly file: string; readonly title: string };
}

/** Of the document, one for each line of its tables. */
function rowsIn(text: string): readonly Row[] {
  let kind = "";
  return text.split("\n").flatMap((line): Row[] => {
    kind = /^## (\w+)$/.exec(line)?.[1] ?? kind;
    const row = /^\| `([^`]+)` \| ([^|]+) \| `([^`]+)`: `([^`]+)` \| `([^`]+)`: "(.+)" \| .*\|$/.exec(line);
    if (row === null) return [];
    const [, field = "", becomes = "", code = "", word = "", file = "", title = ""] = row;
    return [{ kind, field, becomes, code: { file: code, word }, test: { file, title } }];
  });
}

/** What is wrong with a row, against the files that there are. */
function problemsOf({ kind, field, becomes, code, test: forced }: Row, root = ROOT): readonly string[] {
  const at = `${kind} ${field}`;
  const source = read(join(root, "src", code.file));
  const tests = read(join(root, "test", forced.file));
  return [
    ...(BECOMES.includes(becomes) ? [] : [`${at}: ${becomes} is none of ${BECOMES.join(", ")}`]),
    ...(source === null ? [`${at}: there is no src/${code.file}`] : []),
    ...(source === null || source.includes(code.word) ? [] : [`${at}: src/${code.file} has no ${code.word}`]),
    ...(tests === null ? [`${at}: there is no test/${forced.file}`] : []),
    ...(tests === null || tests.includes(forced.title)
      ? []
      : [`${at}: test/${forced.file} has no "${forced.title}"`]),
  ];
}

/** Fields without a row, and rows without a field. */
function differences(rows: readonly Row[], kinds: Readonly<Record<string, z.ZodType>>): readonly string[] {
  const written = rows.map(({ kind, field }) => `${kind} ${field}`);
  const declared = Object.entries(kinds).flatMap(([kind, schema]) =>
    fieldPaths(schema).map((field) => `${kind} ${field}`),
  );
  return [
    ...declared.filter((field) => !written.includes(field)).map((field) => `${field} has no row`),
    ...written.filter((field) => !declared.includes(field)).map((field) => `${field} is no field`),
    ...written
      .filter((field, index) => written.indexOf(field) !== index)
      .map((field) => `${field} has two rows`),
  ];
}

function read(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

const rows = rowsIn(readFileSync(join(ROOT, "docs/fields.md"), "utf8"));

test("every field of every kind has its row, and every row its field", () => {
  expect(rows.length).toBeGreaterThan(150);
  expect(differences(rows, KINDS)).toEqual([]);
});

test("what a row names is there: the code with its word, the test with its title", () => {
  expect(rows.flatMap((row) => problemsOf(row))).toEqual([]);
});

describe("is noticed:", () => {
  const first = rows.find(({ kind, field }) => kind === "Mission" && field === "spec.report_cadence");

  test("a field that nobody wrote a row for", () => {
    const others = rows.filter((row) => row !== first);
    expect(differences(others, KINDS)).toEqual(["Mission spec.report_cadence has no row"]);
  });

  test("a row of a field that is gone", () => {
    const gone = { ...(first as Row), field: "spec.hat" };
    expect(differences([...rows, gone], KINDS)).toEqual(["Mission spec.hat is no field"]);
  });

  test.each<[string, Partial<Row>]>([
    ["code that is not there", { code: { file: "core/hat.ts", word: "hat" } }],
    ["code without that word", { code: { file: "about.ts", word: "report_cadence" } }],
    ["a test that is not there", { test: { file: "core/hat.test.ts", title: "hat" } }],
    [
      "a test without that title",
      { test: { file: "docs/fields.test.ts", title: ["no", "such"].join(" hat ") } },
    ],
    ["a word for what becomes of it that means nothing", { becomes: "maybe" }],
  ])("%s", (_, change) => {
    expect(problemsOf({ ...(first as Row), ...change })).toHaveLength(1);
  });
});

test("what is not enforced says so at its line, and its description does not promise it", () => {
  const open = rows.filter(({ becomes }) => becomes === "not enforced");
  expect(open.every(({ code }) => read(join(ROOT, "src", code.file))?.includes("NotEnforced"))).toBe(true);
});
