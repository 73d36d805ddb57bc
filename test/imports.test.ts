import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const SRC = join(ROOT, "src");

interface SourceFile {
  /** Below `src/`, with forward slashes. */
  readonly path: string;
  /** Without comments and the contents of strings that are no imports. */
  readonly code: string;
  readonly imports: readonly { readonly to: string; readonly typeOnly: boolean }[];
}

const FILES: readonly SourceFile[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .sort()
  .map((path) => readSource(join(SRC, path)));

/** Who may import whom, by the first part of the path below `src/`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ["core"],
  wire: ["core", "wire"],
  spec: ["core", "spec"],
  ports: ["core", "wire", "ports"],
  resolve: ["core", "spec", "ports", "wire", "resolve"],
  reconcile: ["core", "ports", "spec", "resolve", "wire", "reconcile"],
  shim: ["core", "wire", "shim"],
  adapters: ["core", "ports", "spec", "wire", "adapters"],
  dashboard: ["core", "dashboard"],
};

/** Meetings that the map allows beside the rule, each with its reason. */
const ALLOWED_BESIDE: readonly { readonly from: RegExp; readonly to: RegExp; readonly because: string }[] = [
  {
    from: /^adapters\/drivers\/process\//,
    to: /^shim\//,
    because: "driver and shim share what lies on disk between them: the claim, the outbox, the containment",
  },
  {
    from: /^spec\/schema\/generate\.ts$/,
    to: /^wire\/schema\.ts$/,
    because: "the program that writes `schemas/` writes those of the wire, too",
  },
];

/** Files that join the parts and may import any of them. */
const JOINS = /^(app|main)\.ts$|^cli\//;

describe("who imports whom", () => {
  test("every part imports only what it may know", () => {
    const strangers = FILES.flatMap((file) =>
      file.imports
        .filter(({ to }) => to.startsWith(".") && !mayImport(file.path, resolved(file.path, to)))
        .map(({ to }) => `${file.path} imports ${resolved(file.path, to)}`),
    );
    expect(strangers).toEqual([]);
  });

  test("every part of src has its line in the map", () => {
    const parts = new Set(FILES.filter(({ path }) => !JOINS.test(path)).map(({ path }) => partOf(path)));
    expect([...parts].filter((part) => MAY_IMPORT[part] === undefined)).toEqual([]);
  });

  test("every part of src and of the core has its row in docs/architecture.md", () => {
    const parts = FILES.map(({ path }) => /^(?:core\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? path);
    const map = readFileSync(join(SRC, "../docs/architecture.md"), "utf8");
    const unnamed = [...new Set(parts)].filter((part) => !map.includes(`\`src/${part}\``));
    expect(unnamed.filter((part) => part !== "main.ts")).toEqual([]);
  });

  test("adapters do not import each other", () => {
    const meetings = FILES.filter(({ path }) => path.startsWith("adapters/")).flatMap((file) =>
      file.imports
        .map(({ to }) => (to.startsWith(".") ? resolved(file.path, to) : ""))
        .filter((to) => to.startsWith("adapters/") && adapterOf(to) !== adapterOf(file.path))
        .map((to) => `${file.path} imports ${to}`),
    );
    expect(meetings).toEqual([]);
  });

  test("nobody but the joints knows an adapter", () => {
    const knowing = FILES.filter(({ path }) => !JOINS.test(path) && !path.startsWith("adapters/")).flatMap(
      (file) =>
        file.imports
          .filter(({ to }) => to.startsWith(".") && resolved(file.path, to).startsWith("adapters/"))
          .map(() => file.path),
    );
    expect(knowing).toEqual([]);
  });

  test("nobody below the joints knows them", () => {
    const knowing = FILES.filter(({ path }) => !JOINS.test(path)).flatMap((file) =>
      file.imports
        .filter(({ to }) => to.startsWith(".") && JOINS.test(resolved(file.path, to)))
        .map(() => file.path),
    );
    expect(knowing).toEqual([]);
  });

  test("the shim starts without zod", () => {
    const heavy = FILES.filter(({ path }) => path.startsWith("shim/")).flatMap((file) =>
      file.imports
        .filter(
          ({ to, typeOnly }) =>
            !typeOnly && (to.startsWith(".") ? resolved(file.path, to).startsWith("wire/") : !isBuiltin(to)),
        )
        .map(({ to }) => `${file.path} imports ${to}`),
    );
    // `wire/event.ts` and `wire/envelope.ts` have no import of their own.
    expect(heavy.filter((line) => !/wire\/(event|envelope)\.ts$/.test(line))).toEqual([]);
  });

  test("ports are interfaces: they pull in nothing at run time but the core", () => {
    const heavy = FILES.filter(({ path }) => path.startsWith("ports/")).flatMap((file) =>
      file.imports
        .filter(
          ({ to, typeOnly }) =>
            !typeOnly && !(to.startsWith(".") && /^(core|ports)\//.test(resolved(file.path, to))),
        )
        .map(({ to }) => `${file.path} imports ${to}`),
    );
    expect(heavy).toEqual([]);
  });
});

describe("the core", () => {
  const core = FILES.filter(({ path }) => path.startsWith("core/"));

  test("knows no package and no builtin, but a hash and a reader of cron expressions", () => {
    const outside = core.flatMap((file) =>
      file.imports.filter(({ to }) => !to.startsWith(".")).map(({ to }) => `${file.path} imports ${to}`),
    );
    expect(outside).toEqual([
      "core/drill/due.ts imports croner",
      "core/model/digest.ts imports node:crypto",
      "core/supervise/day.ts imports croner",
      "core/supervise/window.ts imports croner",
    ]);
  });

  test("does not wait", () => {
    const waiting = core.filter(({ code }) =>
      /\b(async|await|Promise|setTimeout|setInterval|setImmediate)\b/.test(code),
    );
    expect(waiting.map(({ path }) => path)).toEqual([]);
  });
});

describe("clock and dice", () => {
  /** The system adapter is the clock; the shim and the drivers control processes, which have no other. */
  const MAY = /^(adapters\/system\/|shim\/|adapters\/drivers\/)/;
  const CLOCK = /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/;
  const DICE = /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b|\bgetRandomValues\b|\brandomInt\b/;

  test.each([
    ["the clock", CLOCK],
    ["dice", DICE],
  ])("only adapters/system, the shim and the drivers use %s", (_what, pattern) => {
    const using = FILES.filter(({ path, code }) => !MAY.test(path) && pattern.test(code)).map(
      ({ path }) => path,
    );
    expect(using.filter((path) => !BESIDE_THE_CONTROLLER.test(path))).toEqual([]);
  });
});

/** Programs of their own, in front of a person and not inside of the controller: a progress line may look at the clock. */
const BESIDE_THE_CONTROLLER = /^cli\//;

function mayImport(from: string, to: string): boolean {
  if (JOINS.test(from)) return true;
  if (ALLOWED_BESIDE.some((one) => one.from.test(from) && one.to.test(to))) return true;
  return MAY_IMPORT[partOf(from)]?.includes(partOf(to)) ?? false;
}

function partOf(path: string): string {
  return path.split("/")[0] ?? path;
}

/** `adapters/git`, or `adapters/drivers/process`. */
function adapterOf(path: string): string {
  const [, first, second] = path.split("/");
  return first === "drivers" ? `drivers/${second}` : `${first}`;
}

function resolved(from: string, to: string): string {
  return relative(SRC, join(SRC, dirname(from), to))
    .split(sep)
    .join("/");
}

function isBuiltin(name: string): boolean {
  return name.startsWith("node:") && builtinModules.includes(name.slice("node:".length));
}

function readSource(file: string): SourceFile {
  const text = readFileSync(file, "utf8");
  const imports = [
    ...text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'"();]*?\sfrom\s+)?["']([^"']+)["']/gm),
  ].map(([statement, type, to]) => ({
    to: to ?? "",
    typeOnly: type !== undefined || namesOnlyTypes(statement),
  }));
  for (const [, to] of text.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g))
    imports.push({ to: to ?? "", typeOnly: false });
  return { path: relative(SRC, file).split(sep).join("/"), code: withoutComments(text), imports };
}

/** `import { type A, type B } from …` is erased like `import type`. */
function namesOnlyTypes(statement: string): boolean {
  const names = /\{([^}]*)\}/.exec(statement)?.[1]?.split(",") ?? [];
  const named = names.map((name) => name.trim()).filter((name) => name !== "");
  return named.length > 0 && named.every((name) => name.startsWith("type "));
}

function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:"'`])\/\/.*$/gm, "$1")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}
