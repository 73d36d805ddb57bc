/** `npm run sim:mutants`: plants each bug in a copy of the program and sees whether its invariant trips. */
import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { INVARIANTS } from "./check/invariants.ts";
import { MUTANTS } from "./mutants/list.ts";
import { type Mutant, pathOf } from "./mutants/mutant.ts";

/** Each hunt ends at its first catch; what is not caught within these is taken for missed. */
const SEEDS_MAX = 40;
/** Forty seeds of the slowest hunt take this long on a machine that has more to do. */
const HUNT_MS_MAX = 300_000;

const ROOT = join(import.meta.dirname, "..", "..");

interface Hunt {
  readonly caught: boolean;
  readonly seed: number;
  readonly message: string;
}

const { values } = parseArgs({ options: { only: { type: "string" } } });
const { only } = values;
const wanted =
  only === undefined
    ? MUTANTS
    : MUTANTS.filter(({ invariant, bug }) => invariant === only || bug.includes(only));
const scratch = await mkdtemp(join(tmpdir(), "factory-mutants-"));
let missed = 0;
try {
  await cp(join(ROOT, "src"), join(scratch, "src"), { recursive: true });
  for (const folder of ["simulation", "support"])
    await cp(join(ROOT, "test", folder), join(scratch, "test", folder), { recursive: true });
  await cp(join(ROOT, "package.json"), join(scratch, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(scratch, "node_modules"));
  for (const mutant of wanted) {
    const begunAt = performance.now();
    const hunt = await withEdits(mutant, () => runHunt(mutant));
    if (!hunt.caught) missed += 1;
    const seconds = ((performance.now() - begunAt) / 1_000).toFixed(1);
    const verdict = hunt.caught ? `caught at seed ${hunt.seed}` : `MISSED in ${hunt.seed} seeds`;
    process.stdout.write(
      `${mutant.invariant.padEnd(26)} ${verdict.padEnd(20)} ${seconds.padStart(5)} s  ${mutant.bug}\n`,
    );
    process.stdout.write(`${" ".repeat(26)} ${hunt.message}\n`);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
const covered = new Set(MUTANTS.map(({ invariant }) => invariant));
const idle = INVARIANTS.filter(({ name }) => !covered.has(name)).map(({ name }) => name);
process.stdout.write(
  `${wanted.length} mutants, ${missed} missed; invariants without one: ${idle.join(", ") || "none"}\n`,
);
process.exitCode = missed === 0 && idle.length === 0 ? 0 : 1;

async function withEdits<T>({ edits }: Mutant, work: () => Promise<T>): Promise<T> {
  const originals = new Map<string, string>();
  try {
    for (const { file, find, replace } of edits) {
      const path = join(scratch, pathOf(file));
      const text = await readFile(path, "utf8");
      if (!originals.has(path)) originals.set(path, text);
      if (text.split(find).length !== 2)
        throw new Error(`${file} does not hold this exactly once, so the bug cannot be planted: ${find}`);
      await writeFile(
        path,
        text.replace(find, () => replace),
      );
    }
    return await work();
  } finally {
    for (const [path, text] of originals) await writeFile(path, text);
  }
}

async function runHunt({ invariant, troubles, hours }: Mutant): Promise<Hunt> {
  const child = spawn(
    process.execPath,
    [
      join(scratch, "test/simulation/mutants/hunt.ts"),
      ...[
        "--invariant",
        invariant,
        "--troubles",
        troubles.join(","),
        "--seeds",
        String(SEEDS_MAX),
        "--hours",
        String(hours ?? 0.7),
      ],
    ],
    { stdio: ["ignore", "pipe", "pipe"], timeout: HUNT_MS_MAX, killSignal: "SIGKILL" },
  );
  let out = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  await new Promise((resolve) => child.on("close", resolve));
  try {
    return JSON.parse(out) as Hunt;
  } catch {
    return {
      caught: false,
      seed: 0,
      message: errors.trim().split("\n").slice(-6).join(" ") || "it took too long",
    };
  }
}
