/**
 * Puts back what a program changes on the machine, also when that program is killed: a process of its own in a session of
 * its own, which acts when the pipe to it closes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const CORE_PATTERN = "/proc/sys/kernel/core_pattern";

export interface Guard {
  /** Gives back what has been changed by what lies in the folders, and keeps on guarding. */
  restore(): Promise<void>;
  /** Gives everything back and resolves when that is done. */
  end(): Promise<void>;
}

/** What its program is told, in one line. */
export interface Guarded {
  /** Value by file of the kernel. Written back where somebody has put in what names one of the folders. */
  readonly settings: Readonly<Record<string, string>>;
  /** Removed at the end. */
  readonly folders: readonly string[];
  /** Processes that have one of these, or a folder, in their arguments, environment or working folder are ended. */
  readonly marks: readonly string[];
  /** Never ended, whatever it names. */
  readonly spare: readonly number[];
}

const PROGRAM = fileURLToPath(new URL("./guard-program.ts", import.meta.url));
/** Of runs like these: what such a folder has put into a setting is no value to go back to. */
const OURS = /\/factory-(attack|escapes)-/;
/** Another run that has changed the setting gives it back within this. */
const BUSY_MS = 60_000;
const LOOK_MS = 100;

export async function openGuard(options: {
  readonly settings?: readonly string[];
  readonly folders: readonly string[];
  readonly marks?: readonly string[];
}): Promise<Guard> {
  const { settings = [], folders, marks = [] } = options;
  const saved: Record<string, string> = {};
  for (const path of settings) if (existsSync(path)) saved[path] = await undisturbed(path);
  const guarded: Guarded = { settings: saved, folders, marks, spare: [process.pid] };
  const child = spawn(process.execPath, [PROGRAM], { detached: true, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {}); // Told by what it does not answer.
  await asked(child, `${JSON.stringify(guarded)}\n`);
  // Alone it keeps nobody waiting.
  child.unref();
  return {
    restore: () => asked(child, "restore\n"),
    async end() {
      if (child.exitCode !== null) return;
      const over = once(child, "exit");
      child.ref();
      child.stdin.end();
      await over;
    },
  };
}

/** One line, answered by one. */
async function asked(child: ChildProcess, line: string): Promise<void> {
  const answer = once(child.stdout as NonNullable<ChildProcess["stdout"]>, "data");
  child.stdin?.write(line);
  const over = once(child, "exit").then(([code]) => {
    throw new Error(`the guard ended with ${code}`);
  });
  over.catch(() => {});
  await Promise.race([answer, over]);
}

async function undisturbed(path: string): Promise<string> {
  const deadline = Date.now() + BUSY_MS;
  for (;;) {
    const value = readFileSync(path, "utf8").trimEnd();
    if (!OURS.test(value)) return value;
    if (Date.now() > deadline)
      throw new Error(`${path} is "${value}", as another run has left it: write back what it was`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
