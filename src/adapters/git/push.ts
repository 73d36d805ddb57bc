import type { GitEnvironment } from "./environment.ts";
import type { GitOutcome } from "./process.ts";
import { runRemoteGit } from "./remote-process.ts";

export interface LeasedPush {
  readonly environment: GitEnvironment;
  readonly directory: string;
  readonly ref: string;
  readonly commit: string;
  /** Where the ref must stand for the push to be taken; null: it must not be there. */
  readonly expected: string | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Compare and swap: moves one ref of the origin, and only from where it is believed to stand. */
export async function pushLeased(push: LeasedPush): Promise<GitOutcome> {
  const { environment, directory, ref, commit, expected, timeoutMs, signal } = push;
  const lease = `--force-with-lease=${ref}:${expected ?? ""}`;
  return await runRemoteGit({
    args: ["push", "--porcelain", "--no-follow-tags", lease, "--", environment.url, `${commit}:${ref}`],
    env: await environment.remote(directory),
    cwd: directory,
    timeoutMs,
    signal,
  });
}
