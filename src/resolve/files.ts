import { foldAll } from "../core/model/output-places.ts";
import type { RepositoryFile } from "../documents/layout.ts";

/** Of one file in a workspace, as skeleton, skill or input. A source reads no larger blob, so this is said at its place. */
export const FILE_BYTES_MAX = 2 * 1024 * 1024;

/** The tree of one revision, asked by path. Links and submodules are listed but hold nothing that may be read. */
export interface RepositoryTree {
  get(path: string): RepositoryFile | null;
  /** Everything below a folder (named without its final slash), ordered by path. */
  below(folder: string): readonly RepositoryFile[];
  /** What a folder holds in files, links and submodules left out; null when there is no such folder. */
  measure(folder: string): FolderSize | null;
  /** What stands where a disk that folds names (`foldPath`) would find this: a file, a link or a folder. */
  folded(path: string): string | null;
}

export interface FolderSize {
  readonly files: number;
  readonly bytes: number;
  readonly largest: number;
}

export function indexTree(entries: readonly RepositoryFile[]): RepositoryTree {
  const sorted = [...entries].sort((left, right) =>
    left.path < right.path ? -1 : left.path > right.path ? 1 : 0,
  );
  const byPath = new Map(sorted.map((entry) => [entry.path, entry]));
  let sizes: Map<string, FolderSize> | null = null;
  let folded: ReadonlyMap<string, string> | null = null;
  return {
    get: (path) => byPath.get(path) ?? null,
    below: (folder) => slice(sorted, `${folder}/`),
    measure: (folder) => {
      sizes ??= measureAll(sorted);
      return sizes.get(folder) ?? null;
    },
    folded: (path) => {
      folded ??= foldAll(sorted.map((entry) => entry.path));
      return folded.get(path) ?? null;
    },
  };
}

export function isFile(entry: RepositoryFile | null): entry is RepositoryFile {
  return entry !== null && (entry.type === "file" || entry.type === "executable");
}

/** Entries whose path starts with the prefix: one binary search, since equal prefixes stand together. */
function slice(sorted: readonly RepositoryFile[], prefix: string): RepositoryFile[] {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.path ?? "") < prefix) low = middle + 1;
    else high = middle;
  }
  const found: RepositoryFile[] = [];
  for (let index = low; index < sorted.length; index++) {
    const entry = sorted[index];
    if (entry === undefined || !entry.path.startsWith(prefix)) break;
    found.push(entry);
  }
  return found;
}

function measureAll(entries: readonly RepositoryFile[]): Map<string, FolderSize> {
  const sizes = new Map<string, FolderSize>();
  for (const entry of entries) {
    const counts = isFile(entry);
    for (let at = entry.path.lastIndexOf("/"); at > 0; at = entry.path.lastIndexOf("/", at - 1)) {
      const folder = entry.path.slice(0, at);
      const before = sizes.get(folder) ?? { files: 0, bytes: 0, largest: 0 };
      sizes.set(folder, {
        files: before.files + (counts ? 1 : 0),
        bytes: before.bytes + (counts ? entry.size : 0),
        largest: Math.max(before.largest, counts ? entry.size : 0),
      });
    }
  }
  return sizes;
}
