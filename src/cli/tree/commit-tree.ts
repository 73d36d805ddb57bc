import { createGitEnvironment } from "../../adapters/git/environment.ts";
import { createObjectReader } from "../../adapters/git/objects.ts";
import { runGit } from "../../adapters/git/process.ts";
import { parseTree } from "../../adapters/git/tree.ts";
import { FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { FleetTree } from "../../reconciler/reviews/fleet-tree.ts";

const GIT_TIMEOUT_MS = 60 * SECOND_MS;
const BLOB_BYTES_MAX = 2 * 1024 * 1024;
const BLOBS_BYTES_MAX = 256 * 1024 * 1024;

/**
 * The tree of a commit that is in the local repository, which may be bare.
 * Reads objects only: nothing is checked out and no hook runs. Rejects
 * `source/unknown-revision` when the name stands for no commit that is here.
 */
export async function readCommitTree(dir: string, name: string): Promise<FleetTree> {
  const { gitDir, env } = await openRepository(dir);
  const revision = await ask({
    gitDir,
    env,
    args: ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`],
  });
  if (revision === null) {
    throw new FactoryError(
      "source/unknown-revision",
      "stall",
      `${name} names no commit in ${dir}; fetch it first (in CI: check out with full history)`,
    );
  }
  const listing = await ask({
    gitDir,
    env,
    args: ["ls-tree", "-r", "-z", "-l", "--full-tree", revision.toString().trim()],
  });
  if (listing === null)
    throw new FactoryError("git/bad-tree", "retry", `the tree of ${name} could not be listed`);
  const entries = parseTree(listing);
  return {
    revision: revision.toString().trim(),
    entries,
    async read(ids) {
      const reader = createObjectReader(gitDir, env);
      try {
        return await reader.read(ids, { bytesMax: BLOB_BYTES_MAX, totalBytesMax: BLOBS_BYTES_MAX });
      } finally {
        reader.close();
      }
    },
  };
}

/** The commit itself, as git has it; null when it is not here. */
export async function readCommitObject(dir: string, commit: string): Promise<Buffer | null> {
  return await ask({ ...(await openRepository(dir)), args: ["cat-file", "commit", commit] });
}

/** Commit at which a name stands in the local repository; null when there is none, or no repository. */
export async function localCommit(dir: string, name: string): Promise<string | null> {
  try {
    return (await readCommitTree(dir, name)).revision;
  } catch (error) {
    if (error instanceof FactoryError) return null;
    throw error;
  }
}

interface Repository {
  readonly gitDir: string;
  readonly env: Readonly<Record<string, string>>;
}

async function openRepository(dir: string): Promise<Repository> {
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", LC_ALL: "C" };
  const outcome = await runGit({
    args: ["rev-parse", "--absolute-git-dir"],
    env,
    cwd: dir,
    timeoutMs: GIT_TIMEOUT_MS,
  });
  if (outcome.exitCode !== 0) {
    const why = /dubious ownership/.test(outcome.stderr)
      ? "belongs to another user"
      : "is not in a git repository";
    throw new FactoryError("cli/no-fleet", "stall", `${dir} ${why}`);
  }
  const gitDir = outcome.stdout.toString("utf8").trim();
  return { gitDir, env: createGitEnvironment({ url: gitDir }).local(gitDir) };
}

async function ask(call: Repository & { readonly args: readonly string[] }): Promise<Buffer | null> {
  const { gitDir, env, args } = call;
  const outcome = await runGit({ args, env, cwd: gitDir, timeoutMs: GIT_TIMEOUT_MS });
  return outcome.exitCode === 0 ? outcome.stdout : null;
}
