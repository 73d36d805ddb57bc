/** System calls of a running process that fail, by `strace -e inject`: only of it and its threads, and only on these files. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { eventually } from "../../e2e/world.ts";
import { NotPossible } from "../scenario.ts";

export interface Injection {
  /** Calls that have failed so far. */
  injected(): number;
  /** Lets go of the process, which goes on as ever. */
  stop(): Promise<void>;
}

export async function injectErrors(options: {
  readonly pid: number;
  readonly files: readonly string[];
  readonly calls: readonly string[];
  readonly error: "EIO" | "ENOSPC" | "EROFS";
  /** `1+`: every call; `1+3`: every third. */
  readonly when: string;
  /** Where strace writes what it has done. */
  readonly output: string;
}): Promise<Injection> {
  const calls = options.calls.join(",");
  const child = spawn(
    "strace",
    [
      ...["-f", "-p", String(options.pid), "-o", options.output],
      ...options.files.flatMap((file) => ["-P", file]),
      ...["-e", `trace=${calls}`, "-e", `inject=${calls}:error=${options.error}:when=${options.when}`],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const said = { text: "", failed: "" };
  child.stderr?.on("data", (chunk: Buffer) => {
    said.text += chunk.toString("utf8");
  });
  child.on("error", (error) => {
    said.failed = error.message;
  });
  await eventually(
    () => said,
    ({ text, failed }) => failed !== "" || child.exitCode !== null || text.includes(" attached"),
    () => `strace to attach: ${said.text}`,
  );
  if (said.failed !== "") throw new NotPossible(`no strace (${said.failed})`);
  if (child.exitCode !== null) throw new NotPossible(`strace may not attach: ${said.text.trim()}`);
  return {
    injected: () =>
      existsSync(options.output) ? readFileSync(options.output, "utf8").split("(INJECTED)").length - 1 : 0,
    stop: () => stop(child),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGINT"); // It detaches before it goes.
  await gone;
}
