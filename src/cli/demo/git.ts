import { runGit } from "../../adapters/git/process.ts";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";

const GIT_TIMEOUT_MS = 2 * MINUTE_MS;

/** Runs git as an author of our own, without anybody's configuration. Rejects `demo/git` with git's complaint. */
export async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const outcome = await runGit({ args, cwd, env: environment(), timeoutMs: GIT_TIMEOUT_MS });
  if (outcome.exitCode === 0) return outcome.stdout.toString("utf8");
  throw new FactoryError(
    "demo/git",
    "retry",
    `git ${args[0]} failed in ${cwd}: ${outcome.stderr || outcome.ended}`,
  );
}

/** Like `git`, with null for a failure: for questions. */
export async function tryGit(cwd: string, ...args: readonly string[]): Promise<string | null> {
  const outcome = await runGit({ args, cwd, env: environment(), timeoutMs: GIT_TIMEOUT_MS });
  return outcome.exitCode === 0 ? outcome.stdout.toString("utf8") : null;
}

function environment(): Record<string, string> {
  const person = { NAME: "Factory demo", EMAIL: "demo@factory.invalid" };
  return {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    HOME: process.env["HOME"] ?? "/",
    LC_ALL: "C",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_AUTHOR_NAME: person.NAME,
    GIT_AUTHOR_EMAIL: person.EMAIL,
    GIT_COMMITTER_NAME: person.NAME,
    GIT_COMMITTER_EMAIL: person.EMAIL,
  };
}
