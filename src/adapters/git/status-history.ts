/** Which heads of the journal were published, commit by commit: somebody who rewrites a journal cannot take these back unseen. */
import { dirname } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { GitEnvironment } from "./environment.ts";
import { complaint } from "./errors.ts";
import { runGit } from "./process.ts";

const FETCH_TIMEOUT_MS = 2 * MINUTE_MS;
const REF = "refs/factory/history";

export interface PublishedHead {
  readonly commit: string;
  readonly seq: number;
  readonly hash: string;
}

/**
 * Newest first, at most `limit` commits back. `directory` is made, and left to the caller.
 * Commits of others, and trailers that are not ours to read, are passed over. Rejects `status/unreachable`.
 */
export async function readPublishedHeads(request: {
  readonly environment: GitEnvironment;
  readonly branch: string;
  readonly directory: string;
  /** `<trailer>: <seq> <hash>` */
  readonly trailer: string;
  readonly limit: number;
  readonly signal: AbortSignal;
}): Promise<readonly PublishedHead[]> {
  const { environment, branch, directory, trailer, limit, signal } = request;
  const ref = branch.startsWith("refs/") ? branch : `refs/heads/${branch}`;
  const local = { env: environment.local(directory), timeoutMs: FETCH_TIMEOUT_MS, signal };
  const { GIT_DIR: _, ...env } = local.env;
  await demand(
    runGit({ ...local, env, cwd: dirname(directory), args: ["init", "--quiet", "--bare", directory] }),
  );
  await demand(
    runGit({
      args: ["fetch", "--quiet", "--no-tags", `--depth=${limit}`, "--", environment.url, `+${ref}:${REF}`],
      env: await environment.remote(directory),
      cwd: directory,
      timeoutMs: FETCH_TIMEOUT_MS,
      signal,
    }),
  );
  const format = `--format=%H %(trailers:key=${trailer},valueonly,separator=%x20)`;
  const args = ["log", `--max-count=${limit}`, format, REF];
  const { stdout } = await demand(runGit({ ...local, cwd: directory, args }));
  return stdout
    .toString("utf8")
    .split("\n")
    .flatMap((line) => {
      const [, commit, seq, hash] = /^([0-9a-f]+) ([1-9]\d{0,14}) ([0-9a-f]{64})$/.exec(line.trim()) ?? [];
      return commit === undefined || hash === undefined ? [] : [{ commit, seq: Number(seq), hash }];
    });

  async function demand(call: ReturnType<typeof runGit>): ReturnType<typeof runGit> {
    const outcome = await call;
    if (outcome.exitCode === 0) return outcome;
    throw new FactoryError(
      "status/unreachable",
      "retry",
      environment.redact(complaint(outcome, FETCH_TIMEOUT_MS)),
    );
  }
}
