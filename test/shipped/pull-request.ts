/** A fleet at a private origin, and pull requests of it, as a forge would have them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { factory } from "../cli/support.ts";
import { type Files, git, type Origin } from "../support/git.ts";

export interface PullRequest {
  readonly base: string;
  readonly head: string;
  /** What a merge would give, at `refs/pull/<number>/merge`. */
  readonly merge: string;
}

/** Files of a fleet with one mission, `weekly-links`, made by the program itself. */
export async function fleetWithMission(directory: string): Promise<Record<string, string>> {
  const fleet = join(directory, "fleet");
  await factory({ cwd: directory }, "init", "fleet");
  const made = await factory({ cwd: fleet }, "new", "mission", "weekly-links");
  if (made.code !== 0) throw new Error(made.stderr);
  await git(fleet, ["add", "-A"]);
  const paths = (await git(fleet, ["ls-files", "-z"])).split("\0").filter((path) => path !== "");
  const texts = await Promise.all(
    paths.map(async (path) => [path, await readFile(join(fleet, path), "utf8")] as const),
  );
  return Object.fromEntries(texts);
}

/** One commit after the other on a branch of its own, and the merge that a forge makes of it. */
export async function openPull(
  origin: Origin,
  number: number,
  commits: readonly Files[],
): Promise<PullRequest> {
  const base = (await origin.head()) ?? "";
  const branch = `change-${number}`;
  await origin.git("update-ref", `refs/heads/${branch}`, base);
  let head = base;
  for (const files of commits) head = await origin.commit(files, { branch });
  const tree = await origin.git("merge-tree", "--write-tree", base, head);
  const merge = await origin.git(
    "commit-tree",
    "-p",
    base,
    "-p",
    head,
    "-m",
    `Merge ${head} into ${base}`,
    tree,
  );
  await origin.git("update-ref", `refs/pull/${number}/merge`, merge);
  await origin.git("update-ref", `refs/pull/${number}/head`, head);
  await origin.deleteBranch(branch);
  return { base, head, merge };
}
