/**
 * `npm run attack`: plays every attack against the built program, as root and as an ordinary user; as whoever runs it
 * where that is not root. `--help` tells the options.
 *
 * Ends with 0 when none got through unnoticed, 1 when one is `broken`, 2 for wrong usage. It aims at what it has
 * started itself; what it changes on the machine is put back, also when it is killed.
 */
import { spawn } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openGuard } from "../support/guard.ts";
import { LEVELS, type Level, type Played } from "./attack.ts";
import { ATTACKS } from "./catalogue.ts";
import type { Half } from "./half.ts";
import { ensureBuilt, ROOT } from "./program.ts";
import { reportText, withTables } from "./report.ts";

const HELP = `npm run attack -- [options]

Without options: every attack, at every level of containment, as root and as an ordinary user.

  --list                 the names of all attacks, and end
  --only NAME[,NAME …]   these attacks
  --level NAME[,NAME …]  ${LEVELS.join(", ")}: at these levels
  --as NAME              root, ordinary: as that user alone
  --quick                what CI plays: what does not take long, with everything that contains agents
  --json                 print JSON
  --markdown             write the tables of docs/security.md anew
`;

const HALF = fileURLToPath(new URL("./half.ts", import.meta.url));
const PAGE = join(ROOT, "docs/security.md");
/** The user and group nobody: there on every Linux. */
const NOBODY = 65_534;

await main();

async function main(): Promise<void> {
  const wanted = readOptions();
  if (typeof wanted === "string") {
    process.stderr.write(`${wanted}\n`);
    process.exitCode = 2;
    return;
  }
  if (wanted.print !== null) {
    process.stdout.write(wanted.print);
    return;
  }
  const log = (line: string): boolean => process.stderr.write(`${line}\n`);
  ensureBuilt(log);
  const all: Played[] = [];
  for (const user of wanted.users) {
    const played = await playAs(user, wanted, (one) => {
      log(`${one.verdict.padEnd(8)} ${one.attack} (${one.level}, ${one.user}): ${one.got}`);
    });
    all.push(...played);
  }
  const order = (name: string): number => ATTACKS.findIndex((attack) => attack.name === name);
  all.sort((a, b) => order(a.attack) - order(b.attack));
  if (wanted.markdown) writeFileSync(PAGE, withTables(readFileSync(PAGE, "utf8"), all, ATTACKS));
  process.stdout.write(wanted.json ? `${JSON.stringify(all, null, 1)}\n` : `${reportText(all)}\n`);
  process.exitCode = all.some(({ verdict }) => verdict === "broken") ? 1 : 0;
}

/** In a process of that user, which ends with this one. */
async function playAs(
  user: Played["user"],
  wanted: Wanted,
  tell: (played: Played) => void,
): Promise<readonly Played[]> {
  const other = user === "ordinary" && process.getuid?.() === 0;
  // Neither in `/tmp` nor in a home, where nothing would have to be hidden by name.
  const base = mkdtempSync(join(process.getuid?.() === 0 ? "/var/lib" : tmpdir(), "factory-attack-"));
  if (other) chownSync(base, NOBODY, NOBODY);
  chmodSync(base, 0o711);
  const guard = await openGuard({ folders: [base] });
  process.stderr.write(`as ${user} user in ${base}\n`);
  const as = ["setpriv", "--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups", "--"];
  const [program = process.execPath, ...args] = [...(other ? as : []), process.execPath, HALF];
  const env = { ...process.env, ...(other ? { HOME: "/nonexistent", XDG_RUNTIME_DIR: undefined } : {}) };
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], env, cwd: "/" });
  const half: Half = { base, attacks: wanted.attacks, levels: wanted.levels };
  child.stdin.write(`${JSON.stringify(half)}\n`);
  const played: Played[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const one = JSON.parse(line) as Played;
    played.push(one);
    tell(one);
  });
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  await guard.end();
  if (code !== 0) throw new Error(`the attacks as ${user} user ended with ${String(code)}`);
  return played;
}

interface Wanted {
  readonly print: string | null;
  readonly attacks: readonly string[];
  readonly levels: readonly Level[];
  readonly users: readonly Played["user"][];
  readonly json: boolean;
  readonly markdown: boolean;
}

/** A sentence when it cannot be meant. */
function readOptions(): Wanted | string {
  let values: ReturnType<typeof parse>;
  try {
    values = parse();
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${HELP}`;
  }
  const names = ATTACKS.map(({ name }) => name);
  const only = list(values.only);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) return `there is no attack "${unknown}"; there are: ${names.join(", ")}`;
  const levels = list(values.level);
  const odd = levels.find((level) => !LEVELS.some((known) => known === level));
  if (odd !== undefined) return `there is no level "${odd}"; there are: ${LEVELS.join(", ")}`;
  const mine: readonly Played["user"][] = process.getuid?.() === 0 ? ["root", "ordinary"] : ["ordinary"];
  const users = mine.filter((user) => values.as === undefined || values.as === user);
  if (users.length === 0) return `--as ${values.as}: here there is ${mine.join(", ")}`;
  const part = only.length > 0 || levels.length > 0 || values.quick || users.length < 2;
  if (values.markdown && part)
    return "--markdown takes every attack, at every level, as root and as an ordinary user";
  const quick = ATTACKS.filter(({ slow }) => slow !== true).map(({ name }) => name);
  return {
    print: values.help ? HELP : values.list ? `${names.join("\n")}\n` : null,
    attacks: only.length > 0 ? only : values.quick ? quick : names,
    levels: levels.length > 0 ? (levels as Level[]) : values.quick ? ["shut"] : LEVELS,
    users,
    json: values.json,
    markdown: values.markdown,
  };
}

function list(given: readonly string[] | undefined): readonly string[] {
  return (given ?? []).flatMap((text) => text.split(",")).filter((name) => name !== "");
}

function parse() {
  return parseArgs({
    options: {
      list: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      level: { type: "string", multiple: true },
      as: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      help: { type: "boolean", default: false, short: "h" },
    },
  }).values;
}
