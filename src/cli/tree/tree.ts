import type { DesiredState } from "../../core/model/desired.ts";
import type { RepositoryFile } from "../../documents/layout.ts";
import { createTreeParser } from "../../documents/read-documents.ts";
import { blobsToResolve, resolveFleet } from "../../resolve/resolve.ts";

/** A tree that can be parsed, wherever it comes from. */
export interface Tree {
  /** Commit id, or `working tree`. */
  readonly revision: string;
  readonly entries: readonly RepositoryFile[];
  /** Contents by blob id; what cannot be read is missing. */
  read(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** Parses and resolves a tree as the controller would. `repository` goes into the missions' ids. */
export async function desiredOf(tree: Tree, repository: string): Promise<DesiredState> {
  const parser = createTreeParser();
  const documents = await tree.read(parser.wanted(tree.entries));
  const parsed = parser.parse({ entries: tree.entries, contents: documents });
  const contents = await tree.read(blobsToResolve(tree.entries));
  const { revision, entries } = tree;
  return resolveFleet({ revision, parsed, entries, contents, repository }).desired;
}
