/** Moves refs through one long-lived `git update-ref --stdin`, for what stands between a commit and its agent: starting a git takes longer than moving a ref. */

import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { signalChild } from "../../instance/signal-child.ts";
import { startProgram } from "../../instance/start-program.ts";

export interface RefUpdater {
  /**
   * Changes refs, all or none: the lines of `git update-ref --stdin`. True when git says that it is done. False when it does not say so, be
   * it that it was refused, hung or ended: then nobody knows, and the next call starts another git. One call at a time.
   */
  update(lines: readonly string[]): Promise<boolean>;
  close(): void;
}

/** What git answers to a transaction that it has carried out. */
const DONE = "start: ok\nprepare: ok\ncommit: ok\n";

export function createRefUpdater(options: {
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}): RefUpdater {
  let child: ChildProcessWithoutNullStreams | null = null;

  /** Null: it cannot be started. */
  function running(): ChildProcessWithoutNullStreams | null {
    if (child !== null && child.exitCode === null && child.signalCode === null) return child;
    const { child: started } = startProgram<ChildProcessWithoutNullStreams>(
      "git",
      ["update-ref", "--stdin"],
      {
        cwd: options.directory,
        env: options.env,
        detached: true,
      },
    );
    if (started === null) return null;
    started.stdin.on("error", () => {}); // Its end says more.
    started.stderr.resume();
    keepAlive(started, false);
    child = started;
    return started;
  }

  function drop(): void {
    child?.stdin.destroy();
    if (child !== null) signalChild(child, "SIGTERM");
    child = null;
  }

  return {
    async update(lines) {
      const git = running();
      if (git === null) return false;
      keepAlive(git, true);
      const said = await answerOf(git, `start\n${lines.join("\n")}\nprepare\ncommit\n`, options.timeoutMs);
      keepAlive(git, false);
      if (said === DONE) return true;
      drop();
      return false;
    },
    close: drop,
  };
}

/** As much as a transaction's answer has, or what there was when git ended or its time was over. */
function answerOf(git: ChildProcessWithoutNullStreams, asked: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    const finish = (): void => {
      clearTimeout(timer);
      git.stdout.off("data", take);
      git.off("close", finish);
      resolve(said);
    };
    const take = (chunk: Buffer): void => {
      said += chunk.toString("latin1");
      if (said.length >= DONE.length) finish();
    };
    const timer = setTimeout(finish, timeoutMs);
    git.stdout.on("data", take);
    git.once("close", finish);
    git.stdin.write(asked);
  });
}

/** One that has nothing to do does not keep our process alive. */
function keepAlive(git: ChildProcessWithoutNullStreams, busy: boolean): void {
  for (const part of [git, git.stdin, git.stdout, git.stderr] as unknown as NodeJS.RefCounted[]) {
    if (busy) part.ref();
    else part.unref();
  }
}
