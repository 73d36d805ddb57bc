/** Runs the real command as a child process: 80 columns, piped, without colour, with nobody's configuration. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COMPILE_CACHE } from "../support/compile-cache.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const MAIN = join(ROOT, "src/main.ts");
/** Long enough for a loaded machine; whatever takes longer hangs. */
const TIMEOUT_MS = 50_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FactoryRun {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The program's main file; default: its source. */
  readonly program?: string;
}

export function factory(run: FactoryRun, ...args: readonly string[]): Promise<Ended> {
  const child = start(run, args);
  return ended(child);
}

/** A command that goes on; end it by its handle. */
export function start(run: FactoryRun, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [run.program ?? MAIN, ...args], { cwd: run.cwd, env: environment(run.env) });
}

export function ended(child: ChildProcess, timeoutMs = TIMEOUT_MS): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({
        code,
        stdout: Buffer.concat(out).toString("utf8"),
        stderr: Buffer.concat(err).toString("utf8"),
      });
    });
  });
}

export function environment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: "/nonexistent",
    ...COMPILE_CACHE,
    LC_ALL: "C.UTF-8",
    NO_COLOR: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Ada Author",
    GIT_AUTHOR_EMAIL: "ada@example.com",
    GIT_COMMITTER_NAME: "Ada Author",
    GIT_COMMITTER_EMAIL: "ada@example.com",
    FACTORY_ACTOR: "ada",
    ...extra,
  };
}

/** Polls until the answer is not null; a deadline instead of a sleep. */
export async function eventually<T>(ask: () => Promise<T | null> | T | null, what: string): Promise<T> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > deadline) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export function widest(text: string): number {
  return Math.max(...text.split("\n").map((line) => [...line].length));
}

export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}
