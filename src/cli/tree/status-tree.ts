import { signerOf } from "../../adapters/git/commit-signature.ts";
import { FactoryError } from "../../core/model/error.ts";
import { RECORD_FOLDER } from "../../reconciler/record/published-files.ts";
import type { StatusTree } from "../../reconciler/reviews/status-world.ts";
import { readCommitObject, readCommitTree } from "./commit-tree.ts";

/**
 * The status branch as the local repository has it: that of its origin where it was fetched, else its own. Null: it has
 * neither, or a name of which nothing can be read.
 */
export async function readStatusTree(dir: string, branch: string): Promise<StatusTree | null> {
  for (const ref of [`refs/remotes/origin/${branch}`, `refs/heads/${branch}`]) {
    const tree = await there(dir, ref);
    if (tree === null) continue;
    const mine = tree.entries.filter(({ path, type }) => path.startsWith(RECORD_FOLDER) && type === "file");
    const blobs = await tree.read(mine.map(({ blob }) => blob));
    const text = (blob: string): string => Buffer.from(blobs.get(blob) ?? new Uint8Array()).toString("utf8");
    const raw = await readCommitObject(dir, tree.revision);
    return {
      commit: tree.revision,
      files: new Map(mine.map(({ path, blob }) => [path, text(blob)])),
      signer: raw === null ? null : signerOf(raw),
    };
  }
  return null;
}

async function there(dir: string, ref: string) {
  try {
    return await readCommitTree(dir, ref);
  } catch (error) {
    if (error instanceof FactoryError && error.code === "source/unknown-revision") return null;
    throw error;
  }
}
