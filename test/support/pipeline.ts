/**
 * Runs the steps of a composite action as a runner would: bash without a profile, a working directory, values of expressions,
 * what a step hands to the next one by file, and the commands that a runner would have read from the log.
 */
import { spawn } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly if?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly "working-directory"?: string;
}

export interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs?: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly steps: readonly Step[] };
}

/** Numbers of user and group; null: the user of the tests. */
export type User = { readonly uid: number; readonly gid: number } | null;

/** As whom the steps run that meet a proposal: never as root. */
export const ORDINARY: User = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null;

export interface Job {
  /** Of the action's own files. */
  readonly actionPath: string;
  /** An empty folder of the job, of its user. */
  readonly place: string;
  /** Working directory of the steps. */
  readonly workspace: string;
  readonly user: User;
  /** `github.…`, as the event and the server have it. */
  readonly github: Readonly<Record<string, unknown>>;
  /** As the step of a workflow has them below `with`. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Of the machine, besides what every runner sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Steps that were done beforehand, by name. */
  readonly skip?: readonly string[];
}

export interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

export interface Done {
  readonly ok: boolean;
  readonly log: string;
  /** That the runner would have carried out, in order. */
  readonly commands: readonly Command[];
  readonly summary: string;
  readonly outputs: Readonly<Record<string, string>>;
  /** Of each step that ran. */
  readonly exits: Readonly<Record<string, number | null>>;
}

const STEP_MS_MAX = 120_000;

export function readAction(folder: string): Action {
  return parse(readFileSync(join(folder, "action.yml"), "utf8")) as Action;
}

export async function runAction(job: Job): Promise<Done> {
  const action = readAction(job.actionPath);
  const temporary = join(job.place, "temp");
  const home = join(job.place, "home");
  const files = { output: join(job.place, "output"), summary: join(job.place, "summary") };
  for (const folder of [temporary, home]) mkdirSync(folder, { recursive: true });
  for (const file of Object.values(files)) writeFileSync(file, "");
  if (job.user !== null)
    for (const path of [job.place, temporary, home, ...Object.values(files)])
      chownSync(path, job.user.uid, job.user.gid);
  const github: Record<string, unknown> = { ...job.github, action_path: job.actionPath };
  const inputs: Record<string, string> = {};
  const steps: Record<string, { outputs: Record<string, string>; outcome: string }> = {};
  const values = { github, inputs, steps };
  for (const [name, { default: text = "" }] of Object.entries(action.inputs))
    inputs[name] = fill(job.inputs?.[name] ?? text, values);
  const environment = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: home,
    LC_ALL: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
    GITHUB_ACTION_PATH: job.actionPath,
    GITHUB_WORKSPACE: job.workspace,
    GITHUB_OUTPUT: files.output,
    GITHUB_STEP_SUMMARY: files.summary,
    RUNNER_TEMP: temporary,
    ...job.env,
  };
  let ok = true;
  let log = "";
  const exits: Record<string, number | null> = {};
  for (const step of action.runs.steps) {
    const name = step.name ?? step.id ?? "";
    if (step.run === undefined) throw new Error(`${name} is no step that can be run here`);
    if (job.skip?.includes(name) === true) continue;
    if (step.if === undefined ? !ok : fill(step.if, values) !== "true") continue;
    const env = Object.fromEntries(
      Object.entries(step.env ?? {}).map(([key, text]) => [key, fill(text, values)]),
    );
    const cwd =
      step["working-directory"] === undefined ? job.workspace : fill(step["working-directory"], values);
    const { code, text } = await bash(step.run, { cwd, env: { ...environment, ...env }, user: job.user });
    log += text;
    exits[name] = code;
    if (code !== 0) ok = false;
    if (step.id !== undefined)
      steps[step.id] = { outputs: outputsIn(files.output), outcome: code === 0 ? "success" : "failure" };
  }
  const outputs = Object.fromEntries(
    Object.entries(action.outputs ?? {}).map(([name, { value }]) => [name, fill(value, values)]),
  );
  return { ok, log, commands: commandsIn(log), summary: readFileSync(files.summary, "utf8"), outputs, exits };
}

interface BashCall {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: User;
}

/** As `shell: bash` of a runner; both outputs are one log. */
export function bash(script: string, call: BashCall): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
      cwd: call.cwd,
      env: call.env,
      ...(call.user ?? {}),
      stdio: ["ignore", "pipe", "pipe"],
      timeout: STEP_MS_MAX,
    });
    const parts: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => parts.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => parts.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, text: Buffer.concat(parts).toString("utf8") }));
  });
}

interface Values {
  readonly github: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, string>>;
  readonly steps: Readonly<Record<string, { outputs: Readonly<Record<string, string>>; outcome: string }>>;
}

/** Every `${{ … }}` of a text; an expression is a lookup, or a comparison of lookups and literals. */
function fill(text: string, values: Values): string {
  return text.replace(/\$\{\{(.*?)\}\}/g, (_, expression: string) =>
    String(evaluate(expression.trim(), values)),
  );
}

function evaluate(expression: string, values: Values): unknown {
  const both = expression.split("&&").map((part) => part.trim());
  if (both.length > 1) return both.every((part) => evaluate(part, values) === true);
  const compared = /^(\S+) == '([^']*)'$/.exec(expression);
  if (compared !== null) return lookup(compared[1] ?? "", values) === compared[2];
  // Nobody cancels a run of a test.
  return expression === "!cancelled()" ? true : lookup(expression, values);
}

function lookup(path: string, values: Values): unknown {
  if (!/^(github|inputs|steps)(\.\w+)+$/.test(path))
    throw new Error(`${path} is no expression that is known here`);
  let value: unknown = values;
  for (const part of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[part];
  return value ?? "";
}

function outputsIn(file: string): Record<string, string> {
  const rows = readFileSync(file, "utf8").split("\n");
  return Object.fromEntries(
    rows
      .filter((row) => row.includes("="))
      .map((row) => [row.slice(0, row.indexOf("=")), row.slice(row.indexOf("=") + 1)]),
  );
}

/**
 * The commands that a runner finds in a log: `::name key=value::message` at the start of a line, behind white space, and
 * the older `##[name]message` anywhere in one. Between `stop-commands` and its token it takes none.
 */
export function commandsIn(log: string): readonly Command[] {
  const found: Command[] = [];
  let stopped: string | null = null;
  for (const line of log.split(/\r\n|\n|\r/)) {
    const command = newer(line) ?? older(line);
    if (command === null) continue;
    if (stopped !== null) {
      if (command.name === stopped) stopped = null;
    } else if (command.name === "stop-commands") stopped = command.message;
    else found.push(command);
  }
  return found;
}

function newer(line: string): Command | null {
  const [, name, properties = "", message = ""] = /^\s*::([^\s:]+)(?: ([^:]*))?::(.*)$/.exec(line) ?? [];
  if (name === undefined) return null;
  return { name, properties: pairs(properties, ","), message: plain(message) };
}

function older(line: string): Command | null {
  const [, name, properties = "", message = ""] = /##\[([^\s\]]+)(?: ([^\]]*))?\](.*)$/.exec(line) ?? [];
  if (name === undefined) return null;
  return { name, properties: pairs(properties, ";"), message: plain(message) };
}

function pairs(text: string, separator: string): Record<string, string> {
  const rows = text.split(separator).filter((row) => row.includes("="));
  return Object.fromEntries(
    rows.map((row) => [row.slice(0, row.indexOf("=")).trim(), plain(row.slice(row.indexOf("=") + 1))]),
  );
}

function plain(text: string): string {
  return text
    .replaceAll("%0D", "\r")
    .replaceAll("%0A", "\n")
    .replaceAll("%3A", ":")
    .replaceAll("%2C", ",")
    .replaceAll("%25", "%");
}
