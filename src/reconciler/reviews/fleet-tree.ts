/** A tree that can be read, wherever it comes from: a commit, a working tree, a snapshot of the source. */
import type { DesiredState } from "../../core/model/desired.ts";
import type { Issue } from "../../core/model/issue.ts";
import type { RepositoryFile } from "../../documents/layout.ts";
import { createTreeParser } from "../../documents/read-documents.ts";
import { blobsToResolve, type Resolved, resolveFleet } from "../../resolve/resolve.ts";

export interface FleetTree {
  /** Commit id, or `working tree`. */
  readonly revision: string;
  readonly entries: readonly RepositoryFile[];
  /** What was found amiss while the tree was read, before anything in it. */
  readonly issues?: readonly Issue[];
  /** Contents by blob id; what cannot be read is missing. */
  read(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** Parses and resolves a tree as the controller would. `repository` goes into the missions' ids. */
export async function resolveTree(tree: FleetTree, repository: string): Promise<Resolved> {
  const parser = createTreeParser();
  const documents = await tree.read(parser.wanted(tree.entries));
  const parsed = parser.parse({ entries: tree.entries, contents: documents });
  const contents = await tree.read(blobsToResolve(tree.entries));
  const { revision, entries } = tree;
  return resolveFleet({ revision, parsed, entries, contents, repository });
}

export async function desiredOf(tree: FleetTree, repository: string): Promise<DesiredState> {
  const { desired } = await resolveTree(tree, repository);
  return { ...desired, issues: [...(tree.issues ?? []), ...desired.issues] };
}
