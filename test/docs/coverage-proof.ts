/**
 * `npm run coverage:proof`: takes the code that `docs/runbook-coverage.md` names out of a copy, one function after the
 * other, and runs the tests of its row. "Fails without that code" is true when at least one of them does.
 *
 *   npm run coverage:proof                 every row whose tests start no processes
 *   npm run coverage:proof -- --only 5.1   the rows of one line
 *   npm run coverage:proof -- --code due   one function, in every row that names it; may be given more than once
 *   npm run coverage:proof -- --all        with the tests that do, which takes long
 *
 * A function is taken out by an empty one of its type: it decides nothing, finds nothing and changes nothing.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dirname, "../..");
/** Whose tests are functions over functions. */
const QUICK = /^test\/(core|resolve|documents|reconciler)\//;
const RUN_MS_MAX = 300_000;

interface Row {
  readonly line: string;
  readonly says: string;
  readonly code: readonly { readonly file: string; readonly name: string }[];
  readonly tests: readonly { readonly file: string; readonly names: readonly string[] }[];
}

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    code: { type: "string", multiple: true },
    all: { type: "boolean", default: false },
  },
});
const scratch = mkdtempSync(join(tmpdir(), "factory-coverage-"));
const sums = { proven: 0, unproven: 0, left: 0 };
try {
  for (const folder of [
    "src",
    "test",
    "docs",
    "schemas",
    "specs",
    "tools",
    "overlays",
    "missions",
    "clones",
    "checks",
  ])
    cpSync(join(ROOT, folder), join(scratch, folder), { recursive: true });
  for (const file of ["package.json", "vitest.config.ts", "tsconfig.json", "fleet.yaml"])
    cpSync(join(ROOT, file), join(scratch, file));
  symlinkSync(join(ROOT, "node_modules"), join(scratch, "node_modules"));
  for (const row of rowsOf(readFileSync(join(ROOT, "docs/runbook-coverage.md"), "utf8")))
    if (values.only === undefined || row.line === values.only) prove(row);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(
  `${sums.proven} functions were taken out and missed by a test of their row; ${sums.unproven} were not missed; ${sums.left} are left open\n`,
);
process.exitCode = sums.unproven === 0 ? 0 : 1;

function prove({ line, says, code, tests }: Row): void {
  const asked = tests.filter(({ file }) => values.all || QUICK.test(file));
  for (const { file, name } of code.filter((one) => values.code?.includes(one.name) ?? true)) {
    const path = join(scratch, file);
    const whole = readFileSync(path, "utf8");
    const without = takenOut(whole, name);
    if (without === null || asked.length === 0) {
      sums.left += 1;
      tell(
        line,
        name,
        asked.length === 0 ? "left in: its tests start processes" : "left in: it is no function",
        says,
      );
      continue;
    }
    writeFileSync(path, without);
    const failed = failing(asked);
    writeFileSync(path, whole);
    const slow = asked.length < tests.length;
    sums[failed !== null ? "proven" : slow ? "left" : "unproven"] += 1;
    const passed = slow
      ? "left open: the tests that were asked pass, the others start processes"
      : "NOT MISSED by any test of its row";
    tell(line, name, failed === null ? passed : `missed by "${failed}"`, says);
  }
}

function tell(line: string, name: string, verdict: string, says: string): void {
  process.stdout.write(`${line.padEnd(4)} ${name.padEnd(26)} ${verdict}\n     ${says}\n`);
}

/** The first test that fails; null where none does. A file that cannot even be loaded fails with all that is in it. */
function failing(tests: Row["tests"]): string | null {
  for (const { file, names } of tests) {
    const pattern = names
      .map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/%[a-z]|\\\$[\w.]+/g, ".*"))
      .join("|");
    const { status } = spawnSync(
      process.execPath,
      [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", file, "-t", pattern, "--reporter", "dot"],
      { cwd: scratch, stdio: "ignore", timeout: RUN_MS_MAX },
    );
    if (status !== 0) return `${file.replace("test/", "")}: ${names[0] ?? ""}`;
  }
  return null;
}

function rowsOf(text: string): readonly Row[] {
  return text
    .split("\n")
    .filter((line) => /^\| \d/.test(line))
    .map((line) => {
      const [number = "", says = "", , code = "", tests = ""] = line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim());
      return {
        line: number,
        says,
        code: links(code).flatMap(({ file, rest }) =>
          [...rest.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => ({ file, name })),
        ),
        tests: links(tests).map(({ file, rest }) => ({
          file,
          names: [...rest.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name),
        })),
      };
    });
}

function links(cell: string): readonly { readonly file: string; readonly rest: string }[] {
  return cell.split("<br>").flatMap((part) => {
    const [, file, rest] = /\]\(\.\.\/([^)]+)\)(.*)/.exec(part) ?? [];
    return file === undefined ? [] : [{ file, rest: rest ?? "" }];
  });
}

/** The file with an empty function in its place; null where it holds none of that name. */
function takenOut(source: string, name: string): string | null {
  const begin = new RegExp(`\\bfunction ${name}\\b[^(]*\\(`).exec(source);
  if (begin === null) return null;
  const parametersEnd = closing(source, begin.index + begin[0].length - 1);
  const body = bodyOf(source, parametersEnd + 1);
  const type = source
    .slice(parametersEnd + 1, body)
    .replace(/^\s*:/, "")
    .trim();
  return `${source.slice(0, body)}{\n  ${emptyOf(type)}\n}${source.slice(closing(source, body) + 1)}`;
}

/** Where the bracket at this place is closed; texts and comments of our own sources do not hold half of one. */
function closing(source: string, open: number): number {
  const pairs: Readonly<Record<string, string>> = { "(": ")", "{": "}", "[": "]" };
  const stack: string[] = [];
  for (let at = open; at < source.length; at++) {
    const sign = source[at] ?? "";
    if (sign === '"' || sign === "`" || sign === "'") {
      if (sign === "'" && /\w/.test(source[at - 1] ?? "")) continue;
      for (at++; at < source.length && source[at] !== sign; at++) if (source[at] === "\\") at++;
      continue;
    }
    if (source.startsWith("//", at)) at = source.indexOf("\n", at);
    if (source.startsWith("/*", at)) at = source.indexOf("*/", at) + 1;
    if (pairs[sign] !== undefined) stack.push(pairs[sign]);
    else if (sign === stack.at(-1)) stack.pop();
    if (stack.length === 0) return at;
  }
  throw new Error("a bracket is not closed");
}

/** A type may have braces of its own; those of the body come after something that is whole. */
function bodyOf(source: string, from: number): number {
  for (let at = from; at < source.length; at++) {
    if (source[at] === "(" || source[at] === "[") at = closing(source, at);
    if (source[at] !== "{") continue;
    const before = source.slice(from, at).trimEnd();
    if (before !== "" && /[:|&,(<=]$/.test(before)) at = closing(source, at);
    else return at;
  }
  throw new Error("a function has no body");
}

function emptyOf(type: string): string {
  if (/\bStep$/.test(type)) return "return { state: arguments[0], effects: [] };";
  if (type.startsWith("Promise<"))
    return `return Promise.resolve(${/\[\]>$/.test(type) ? "[]" : "null"}) as never;`;
  if (type === "boolean" || / is /.test(type)) return "return false;";
  if (type === "void") return "return;";
  if (type === "string") return 'return "";';
  if (type === "number") return "return 0;";
  if (/\[\]$/.test(type)) return "return [] as never;";
  if (/\bnull\b/.test(type)) return "return null as never;";
  return "return {} as never;";
}
