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
  api: ["core", "api"],
  documents: ["core", "documents"],
  ports: ["core", "api", "ports"],
  resolve: ["core", "documents", "ports", "api", "resolve"],
  reconciler: ["core", "ports", "documents", "resolve", "api", "reconciler"],
  instance: ["core", "api", "instance"],
  shim: ["core", "api", "instance", "shim"],
  adapters: ["core", "ports", "documents", "api", "instance", "adapters"],
  dashboard: ["core", "dashboard"],
};

/** What is started: the commands, the shim, the tools of its agent and the door to its model, and the threads that validate outputs and plan proposals. */
const PROGRAMS: readonly string[] = [
  "main.ts",
  "shim/main.ts",
  "shim/tools-main.ts",
  "shim/door-main.ts",
  "adapters/judge/validate-worker.ts",
  "cli/plan/proposal-worker.ts",
];

/** Files that join the parts and may import any of them. */
const JOINS = /^(about|app|drivers|main)\.ts$|^cli\//;

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

  test("no file reaches itself by what it imports at run time", () => {
    expect(
      circles(
        FILES.map(({ path }) => path),
        runtimeImports,
      ),
    ).toEqual([]);
  });

  test("the folders of the core form no knot, types included", () => {
    const folders = [...new Set(FILES.filter(({ path }) => path.startsWith("core/")).map(coreFolder))];
    const meets = (folder: string): readonly string[] => [
      ...new Set(
        FILES.filter((file) => coreFolder(file) === folder)
          .flatMap((file) => file.imports.map(({ to }) => resolved(file.path, to)))
          .filter((to) => to.startsWith("core/"))
          .map((path) => coreFolder({ path }))
          .filter((to) => to !== folder),
      ),
    ];
    expect(circles(folders, meets)).toEqual([]);
    expect(meets("core/model"), "the words import nothing but each other").toEqual([]);
  });

  test("no file is published that no program reaches", () => {
    const reached = new Set<string>();
    const open = [...PROGRAMS];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      const file = FILES.find((one) => one.path === path);
      for (const { to } of file?.imports ?? []) if (to.startsWith(".")) open.push(resolved(path, to));
    }
    expect(FILES.map(({ path }) => path).filter((path) => !reached.has(path))).toEqual([]);
  });

  test("every program is started where its failure is heard", () => {
    // `execFileSync` throws, and its errors are caught where it stands.
    const starters = FILES.filter(
      ({ path, code, imports }) =>
        path !== "instance/start-program.ts" &&
        imports.some(({ to, typeOnly }) => to === "node:child_process" && !typeOnly) &&
        /(?<!\.)\b(spawn|spawnSync|exec|execSync|execFile|fork)\(/.test(code),
    );
    expect(starters.map(({ path }) => path)).toEqual([]);
  });

  test("nobody needs a user to have a name: in a container a number is all there may be", () => {
    // There it is asked for in a `try`, with a word in its place.
    const asking = FILES.filter(({ path, code }) => path !== "cli/place.ts" && /\buserInfo\(/.test(code));
    expect(asking.map(({ path }) => path)).toEqual([]);
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

  test("the shim starts without a package: it loads this program and Node's own modules", () => {
    const loaded = new Set<string>();
    const load = (path: string): void => {
      if (loaded.has(path)) return;
      loaded.add(path);
      for (const to of runtimeImports(path)) load(to);
    };
    for (const { path } of FILES) if (path.startsWith("shim/")) load(path);
    expect(loaded.size).toBeGreaterThan(50);
    const packages = FILES.filter(({ path }) => loaded.has(path)).flatMap((file) =>
      file.imports
        .filter(({ to, typeOnly }) => !typeOnly && !to.startsWith(".") && !isBuiltin(to))
        .map(({ to }) => `${file.path} imports ${to}`),
    );
    // Where there is a gateway, and not before: they are imported late, and lie beside the shim's bundle.
    expect(packages).toEqual([
      "shim/metering/call-cost.ts imports @pydantic/genai-prices",
      "shim/metering/usage-tap.ts imports eventsource-parser",
    ]);
    const early = FILES.filter(({ path }) =>
      /^import (?!type\b)[^;]*"\.\/(call-cost|usage-tap)\.ts"/m.test(readFileSync(join(SRC, path), "utf8")),
    );
    expect(early.map(({ path }) => path)).toEqual([]);
  });

  test("a session knows no way of talking to agents: only the registry knows an adapter", () => {
    const ADAPTERS = /^shim\/agents\/(command|agent-line|prompt|output\/.*)\.ts$/;
    const knowing = FILES.filter(
      ({ path }) => path !== "shim/agents/registry.ts" && !ADAPTERS.test(path),
    ).flatMap((file) =>
      file.imports
        .map(({ to }) => (to.startsWith(".") ? resolved(file.path, to) : ""))
        .filter((to) => ADAPTERS.test(to))
        .map((to) => `${file.path} imports ${to}`),
    );
    expect(knowing).toEqual([]);
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
      "core/model/calendar.ts imports croner",
      "core/model/digest.ts imports node:crypto",
    ]);
  });

  test("keeps nothing from one question to the next: what is remembered belongs to the caller", () => {
    // An empty map that is typed as one that is only read is a constant.
    const kept =
      /^(?:export )?(?:let |const \w+(?:: (?!Readonly)[^=]+)? = new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\))/m;
    expect(core.filter(({ code }) => kept.test(code)).map(({ path }) => path)).toEqual([]);
  });

  test("does not wait", () => {
    const waiting = core.filter(({ code }) =>
      /\b(async|await|Promise|setTimeout|setInterval|setImmediate)\b/.test(code),
    );
    expect(waiting.map(({ path }) => path)).toEqual([]);
  });
});

describe("who judges does not ask whom it judges", () => {
  /** Leaves: words of the design and what compares or writes down values. They decide nothing about a clone. */
  const LEAVES = new Set(
    [
      "actor",
      "clone-state",
      "digest",
      "event",
      "fleet-state",
      "hold",
      "incident",
      "kill-switch",
      "request",
      "same",
      "time",
    ].map((name) => `core/model/${name}.ts`),
  );
  /** Of the leaves, what decides something all the same. */
  const DECIDES =
    /\b(covers|coveringEntry|engage|release|merged|takeRelease|mayBeSame|isHuman|provenNames)\b/;
  /** The one that folds a record: what it makes of an event is what is judged. */
  const FOLD = "core/check/record-fold.ts";
  const CHECKS = join(ROOT, "test/simulation/check");
  const judges = [
    ...FILES.filter(({ path }) => path.startsWith("core/check/") && path !== FOLD),
    ...readdirSync(CHECKS, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => readSource(join(CHECKS, path))),
  ];

  test("an invariant imports types, leaves of the model and other invariants", () => {
    expect(judges.length).toBeGreaterThan(50);
    const asking = judges.flatMap((file) =>
      file.imports
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ to }) => resolved(file.path, to))
        .filter((to) => !/^(core\/check|\.\.\/test\/simulation\/check)\//.test(to) && !LEAVES.has(to))
        .map((to) => `${file.path} imports ${to}`),
    );
    expect(asking).toEqual([]);
  });

  test("nor what decides among the leaves", () => {
    const asking = judges.filter(({ path }) => DECIDES.test(importedNames(join(SRC, path))));
    expect(asking.map(({ path }) => path)).toEqual([]);
  });
});

describe("clock and dice", () => {
  /** The system adapter is the clock; shim, drivers and what they share control processes, which have no other. */
  const MAY = /^(adapters\/system\/|shim\/|instance\/|adapters\/drivers\/)/;
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

/** `core/clone` of `core/clone/start/launch.ts`. */
function coreFolder({ path }: { readonly path: string }): string {
  return path.split("/").slice(0, 2).join("/");
}

function runtimeImports(path: string): readonly string[] {
  const file = FILES.find((one) => one.path === path);
  return (file?.imports ?? [])
    .filter(({ to, typeOnly }) => to.startsWith(".") && !typeOnly)
    .map(({ to }) => resolved(path, to));
}

/** Every set of nodes that reach each other (Tarjan), each sorted. */
function circles(
  nodes: readonly string[],
  next: (node: string) => readonly string[],
): readonly (readonly string[])[] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    order.set(node, order.size);
    low.set(node, order.size - 1);
    open.push(node);
    for (const to of next(node)) {
      if (!order.has(to)) visit(to);
      if (open.includes(to)) low.set(node, Math.min(low.get(node) ?? 0, low.get(to) ?? 0));
    }
    if (low.get(node) !== order.get(node)) return;
    const circle = open.splice(open.indexOf(node));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const node of nodes) if (!order.has(node)) visit(node);
  return found.sort();
}

function mayImport(from: string, to: string): boolean {
  if (JOINS.test(from)) return true;
  return MAY_IMPORT[partOf(from)]?.includes(partOf(to)) ?? false;
}

function partOf(path: string): string {
  return path.split("/")[0] ?? path;
}

/** `adapters/git`, or `adapters/drivers/process`. */
function adapterOf(path: string): string {
  const [, first, second] = path.split("/");
  return first === "drivers" || first === "store" || first === "forge" ? `${first}/${second}` : `${first}`;
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

/** What a file takes from the folder of the model. */
function importedNames(file: string): string {
  const named = readFileSync(file, "utf8").matchAll(
    /import \{([^}]*)\} from "[^"]*core\/model\/[^"]*"|import \{([^}]*)\} from "[^"]*\/model\/[^"]*"/g,
  );
  return [...named].map(([, one, other]) => one ?? other ?? "").join(", ");
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
