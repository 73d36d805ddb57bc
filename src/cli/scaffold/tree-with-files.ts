import { createHash } from "node:crypto";
import type { FleetTree } from "../../reconciler/reviews/fleet-tree.ts";

/** The tree as a commit of these files on top of it would be. Ids of what is new are of no repository. */
export function withFiles(tree: FleetTree, files: ReadonlyMap<string, string>): FleetTree {
  const added = [...files].map(([path, text]) => {
    const bytes = Buffer.from(text);
    const blob = createHash("sha256").update(`new file ${path}\0`).update(bytes).digest("hex");
    return { path, bytes, blob };
  });
  const known = new Map<string, Uint8Array>(added.map(({ blob, bytes }) => [blob, bytes]));
  const entries = [
    ...tree.entries.filter(({ path }) => !files.has(path)),
    ...added.map(({ path, blob, bytes }) => ({ path, blob, type: "file" as const, size: bytes.length })),
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    ...tree,
    entries,
    async read(ids) {
      const found = await tree.read(ids.filter((id) => !known.has(id)));
      return new Map([...found, ...[...known].filter(([id]) => ids.includes(id))]);
    },
  };
}
