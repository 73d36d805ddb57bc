import { AsyncLocalStorage } from "node:async_hooks";
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { setImmediate as nextTurn } from "node:timers/promises";
import { simpleGit } from "simple-git";
import { startFailure } from "../../instance/start-program.ts";
import { createLeash, type GitCall, type GitOutcome, notStarted, tail } from "./process.ts";

/**
 * Runs a command that talks to the origin, through simple-git.
 *
 * simple-git refuses by default every variable and setting that could make git
 * run something. Ours are all made in `environment.ts` from the operator's
 * settings, none comes from a repository, so exactly those are let through.
 *
 * It waits 50 ms after each git that prints nothing, so a fetch, which stands between a commit and
 * its agent, is run by `runGit`.
 */
export async function runRemoteGit(call: GitCall): Promise<GitOutcome> {
  const leash = createLeash(call);
  let exitCode: number | null = null;
  let unstarted: string | null = null;
  const hold = (child: ChildProcess): void => {
    // simple-git does not listen where a child has no streams, for want of descriptors; unheard, the event would end us.
    child.on("error", (error) => {
      unstarted ??= child.pid === undefined ? startFailure("git", error).message : null;
    });
    leash.hold(child);
  };
  let stderr: Buffer = Buffer.alloc(0);
  let stdout: Buffer = Buffer.alloc(0);
  const git = simpleGit({
    baseDir: call.cwd,
    // A group of its own; also, what interrupts us in a terminal does not interrupt a push.
    ...(process.platform === "linux" ? { binary: ["setsid", "git"] as [string, string] } : {}),
    allowEnvironment: Object.keys(call.env).filter((name) => name.toUpperCase().startsWith("GIT_")),
    unsafe: {
      allowUnsafeConfigPaths: true, // GIT_CONFIG_GLOBAL
      allowUnsafeConfigEnvCount: true, // GIT_CONFIG_COUNT: keeps settings out of the arguments
      allowUnsafeHooksPath: true, // core.hooksPath=/dev/null: no hooks
      allowUnsafeFsMonitor: true, // core.fsmonitor=false
      allowUnsafeSshCommand: true, // GIT_SSH_COMMAND
      allowUnsafeCredentialHelper: true, // the helper that hands over the token
    },
    errors(_error, result) {
      exitCode = result.exitCode;
      stdout = Buffer.concat(result.stdOut);
      stderr = Buffer.concat(result.stdErr);
      return undefined;
    },
  })
    .env({ ...call.env })
    .outputHandler((_command, out, err) => leash.watch(out, err));
  try {
    await spawned.run(hold, async () => git.raw([...call.args]));
    return {
      exitCode: leash.ended === "exit" ? exitCode : null,
      stdout,
      stderr: tail(stderr),
      ended: leash.ended,
    };
  } catch (error) {
    // Only simple-git's own refusals and a git that cannot be started end here. Why not is told in the turn after.
    await nextTurn();
    return notStarted(unstarted ?? (error instanceof Error ? error.message : ""));
  } finally {
    leash.release();
  }
}

/** simple-git keeps its child to itself; Node announces every child, and the async context tells whose it is. */
const spawned = new AsyncLocalStorage<(child: ChildProcess) => void>();
subscribe("child_process", (message) => {
  const hold = spawned.getStore();
  if (hold !== undefined) hold((message as { process: ChildProcess }).process);
});
