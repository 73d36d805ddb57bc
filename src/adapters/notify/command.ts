import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { startProgram } from "../../instance/start-program.ts";
import type { Delivery, Notifier } from "../../ports/notifier.ts";
import { toWire } from "./body.ts";
import type { ReadSecret } from "./secret.ts";

/** A program that has not ended by then never will. */
export const COMMAND_TIMEOUT_MS = 15_000;
/** Of what it prints; the end is shown when it fails. */
const OUTPUT_BYTES_MAX = 8 * 1024;
const TAIL_CHARS = 200;

/** Exit codes of sysexits.h with which a program says that it will never take the notice: usage, data, configuration. */
const REFUSED_CODES: ReadonlySet<number> = new Set([64, 65, 78]);

/**
 * Runs a program with the notice as one JSON line on its standard input. No shell. Exit 0 is delivered;
 * 64, 65 and 78 refuse it for good; everything else, a signal or a timeout is tried again. Its
 * environment is `PATH`, `HOME`, `LANG`, `FACTORY_NOTICE_ID` and, where one is declared, `FACTORY_NOTIFY_SECRET`.
 */
export function createCommand(options: {
  readonly command: readonly [string, ...string[]];
  readonly secret: ReadSecret | null;
  /** Where it runs. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
}): Notifier {
  return {
    async deliver(notice, signal) {
      const secret = (await options.secret?.(signal)) ?? null;
      if (secret !== null && "problem" in secret) return { type: "retry", message: secret.problem };
      const env: Record<string, string> = { FACTORY_NOTICE_ID: notice.id };
      for (const name of ["PATH", "HOME", "LANG"]) {
        const value = options.env[name];
        if (value !== undefined) env[name] = value;
      }
      if (secret !== null) env["FACTORY_NOTIFY_SECRET"] = secret.value;
      return run(
        {
          command: options.command,
          directory: options.directory,
          env,
          input: `${JSON.stringify(toWire(notice))}\n`,
          timeoutMs: options.timeoutMs ?? COMMAND_TIMEOUT_MS,
        },
        signal,
      );
    },
  };
}

interface Run {
  readonly command: readonly [string, ...string[]];
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly timeoutMs: number;
}

function run({ command, directory, env, input, timeoutMs }: Run, signal: AbortSignal): Promise<Delivery> {
  const [program, ...args] = command;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ type: "retry", message: "given up by us" });
    // A group of its own, so that its children end with it.
    const { child, failure } = startProgram<ChildProcessWithoutNullStreams>(program, args, {
      cwd: directory,
      env,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    if (child === null) {
      void failure.then(({ message }) => resolve({ type: "retry", message }));
      return;
    }
    let tail = "";
    let ended: string | null = null;
    const end = (why: string): void => {
      ended ??= why;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // It is gone already.
      }
    };
    const onAbort = (): void => end("given up by us");
    const timer = setTimeout(() => end(`it did not end within ${timeoutMs / 1_000} s`), timeoutMs);
    signal.addEventListener("abort", onAbort, { once: true });
    const settle = (delivery: Delivery): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      end("over"); // What it left behind in its group.
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(delivery);
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        tail = (tail + chunk.toString("utf8")).slice(-OUTPUT_BYTES_MAX);
      });
      stream.on("error", () => {});
    }
    child.stdin.on("error", () => {}); // A program need not read what it is told.
    child.stdin.end(input);
    // Not `close`: a grandchild that keeps the output open must not keep us.
    child.once("exit", (code, killed) => {
      if (code === 0 && ended === null) return settle({ type: "delivered" });
      const how = ended ?? (code === null ? `ended by ${killed}` : `exit ${code}`);
      const shown = tail.trim().slice(-TAIL_CHARS);
      const message = `${program}: ${how}${shown === "" ? "" : `: ${shown}`}`;
      settle({ type: code !== null && REFUSED_CODES.has(code) ? "refused" : "retry", message });
    });
  });
}
