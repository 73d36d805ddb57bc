/** Holds `docs/runbook-coverage.md` true: whatever it names is there, and no line of the runbook is missing. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { createIo } from "../../src/cli/io.ts";
import { createProgram } from "../../src/cli/program.ts";
import { CONDITION_TYPES } from "../../src/core/model/condition.ts";
import { INCIDENT_SEVERITY } from "../../src/core/model/incident.ts";
import { NOTICE_KINDS } from "../../src/core/model/notice.ts";
import { REPORT_TYPES } from "../../src/core/model/report.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DOCS = join(ROOT, "docs");

/** Numbered lines of the runbook; those of 3.3 have bullets as well. */
const LINES = [
  ["1", 2],
  ["2.1", 1],
  ["2.2", 1],
  ["2.3", 1],
  ["2.4", 3],
  ["3.1", 1],
  ["3.2", 1],
  ["3.3", 5],
  ["3.4", 1],
  ["3.5", 1],
  ["3.6", 1],
  ["4.1", 2],
  ["4.2", 2],
  ["4.3", 1],
  ["4.4", 1],
  ["4.5", 2],
  ["5.1", 2],
  ["5.2", 2],
  ["5.3", 1],
  ["5.4", 1],
  ["6.1", 2],
  ["6.2", 2],
  ["6.3", 3],
  ["7", 4],
  ["8.1", 1],
  ["8.2", 4],
  ["8.3", 3],
] as const;

const text = readFileSync(join(DOCS, "runbook-coverage.md"), "utf8");
const rows = text
  .split("\n")
  .filter((line) => /^\| \d/.test(line))
  .map((line) => line.slice(1, -1).split("|"))
  .map((cells) => cells.map((cell) => cell.trim()));
const cellsOf = (column: number): readonly string[][] => rows.map((row) => [row[0] ?? "", row[column] ?? ""]);

test("every line has its rows, in order, and no cell is empty", () => {
  for (const row of rows) {
    expect(row, row[0]).toHaveLength(6);
    for (const cell of row) expect(cell, `${row[0]} ${row[1]}`).not.toBe("");
  }
  const numbers = rows.map(([number]) => number);
  expect(numbers).toEqual(LINES.flatMap(([number, count]) => Array(count).fill(number)));
});

describe("code", () => {
  test.each(cellsOf(3))("of %s is there: %s", (_number, cell) => {
    for (const { path, rest } of linksIn(cell)) {
      const source = read(path);
      for (const [, name = ""] of rest.matchAll(/`([^`]+)`/g))
        expect(source, `${name} in ${path}`).toMatch(new RegExp(`\\b(function|const) ${name}\\b`));
    }
  });
});

describe("tests", () => {
  test.each(cellsOf(4))("of %s are there: %s", (_number, cell) => {
    for (const { path, rest } of linksIn(cell)) {
      const names = [...rest.matchAll(/"([^"]+)"/g)].map(([, name]) => name ?? "");
      expect(names.length, `tests of ${path}`).toBeGreaterThan(0);
      const source = read(path);
      for (const name of names)
        expect(source.includes(`"${name}"`) || source.includes(`\`${name}\``), `${name} in ${path}`).toBe(
          true,
        );
    }
  });
});

test.each(cellsOf(5))("what shows %s is there: %s", (_number, cell) => {
  const named = [...cell.matchAll(/(\w+) `([^`]+)`/g)];
  expect(named.length, cell).toBeGreaterThan(0);
  for (const [, kind = "", name = ""] of named) expect(NAMES[kind]?.(), kind).toContain(name);
});

/** As `factory --help` has them. */
const COMMAND_NAMES = (await createProgram(createIo({ pipeClosed: () => {} }), { exitCode: 0 })).commands.map(
  (command) => command.name(),
);

/** What may stand behind each word of the last column. */
const NAMES: Readonly<Record<string, () => readonly string[]>> = {
  condition: () => CONDITION_TYPES,
  event: () => [...REPORT_TYPES, ...quoted("core/model/event.ts", /type: "([\w.]+)"/g)],
  incident: () => Object.keys(INCIDENT_SEVERITY),
  notice: () => NOTICE_KINDS,
  hold: () => union("core/model/hold.ts", "HoldKind"),
  request: () => union("core/model/request.ts", "RequestKind"),
  held: () => inFolder("core/plan", /"([A-Z]\w+)"/g),
  issue: () => [...inFolder("resolve", /"([A-Z]\w+)"/g), ...inFolder("documents", /"([A-Z]\w+)"/g)],
  file: () => quoted("reconciler/publish/status-files.ts", /\/([\w.]+\.(?:yaml|json|md))`/g),
  command: () => COMMAND_NAMES,
};

function quoted(file: string, pattern: RegExp): readonly string[] {
  return [...readFileSync(join(ROOT, "src", file), "utf8").matchAll(pattern)].map(([, name]) => name ?? "");
}

function union(file: string, type: string): readonly string[] {
  const source = readFileSync(join(ROOT, "src", file), "utf8");
  const body = new RegExp(`type ${type} =([^;]*;)`).exec(source.replaceAll(/\/\/.*$/gm, ""))?.[1] ?? "";
  return [...body.matchAll(/"(\w+)"/g)].map(([, name]) => name ?? "");
}

function inFolder(folder: string, pattern: RegExp): readonly string[] {
  return readdirSync(join(ROOT, "src", folder)).flatMap((file) =>
    file.endsWith(".ts") ? quoted(join(folder, file), pattern) : [],
  );
}

/** Each link of a cell and what stands behind it, up to the next one. */
function linksIn(cell: string): { path: string; rest: string }[] {
  const found = cell.split("<br>").map((part) => {
    const [, shown = "", path = "", rest = ""] = /^\[([^\]]+)\]\(([^)]+)\)(.*)$/.exec(part) ?? [];
    expect(path.endsWith(`/${shown}`), part).toBe(true);
    return { path: join(DOCS, path), rest };
  });
  return found;
}

function read(path: string): string {
  expect(existsSync(path), `${dirname(path)} has ${path}`).toBe(true);
  return readFileSync(path, "utf8");
}
