import { FactoryError } from "../../core/model/error.ts";
import type { TreeEntry } from "../../ports/source.ts";

/** More files than any fleet needs, and few enough to hold their names in memory. */
export const TREE_ENTRIES_MAX = 200_000;

const TYPES: Readonly<Record<string, TreeEntry["type"]>> = {
  "100644": "file",
  "100664": "file", // of very old repositories
  "100755": "executable",
  "120000": "symlink",
  "160000": "commit",
};

/**
 * The entries of `git ls-tree -r -z -l`, in git's order, which is the byte
 * order of the paths. Bytes of a path that are not UTF-8 become U+FFFD.
 * Throws `git/tree-too-large` and `git/bad-tree`.
 */
export function parseTree(listing: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = [];
  const text = listing.toString("utf8");
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf("\0", start);
    if (end < 0)
      throw new FactoryError("git/bad-tree", "retry", "the listing of the tree ends in the middle");
    if (entries.length === TREE_ENTRIES_MAX) {
      const message = `the tree has more than ${TREE_ENTRIES_MAX} files`;
      throw new FactoryError("git/tree-too-large", "stall", message);
    }
    const tab = text.indexOf("\t", start);
    const [mode, , blob, size] = text.slice(start, tab).split(/ +/);
    const type = TYPES[mode ?? ""];
    if (type === undefined || blob === undefined || size === undefined) {
      throw new FactoryError("git/bad-tree", "stall", `the tree has an entry of mode ${mode}`);
    }
    entries.push({
      path: text.slice(tab + 1, end),
      type,
      blob,
      size: type === "commit" ? 0 : Number.parseInt(size, 10),
    });
    start = end + 1;
  }
  return entries;
}

/** Whether a path names something inside of a folder, on every file system, and nothing of git's own. */
export function isSafePath(path: string): boolean {
  return path !== "" && !path.includes("\0") && path.split("/").every(isSafeName);
}

function isSafeName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/^(\.git|git~1)$/i.test(name);
}
