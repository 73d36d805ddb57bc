import type { TreeEntry } from "./source.ts";

/** Whether a path is where a document of ours stands: `fleet.yaml`, or YAML below one of our folders. */
export function isDocumentPath(path: string): boolean {
  return /^(fleet\.ya?ml|(missions|clones|overlays)\/.*\.ya?ml)$/s.test(path);
}

/** Whether a tree asks for anything at all. One that does not is `verified_empty`, for every source alike. */
export function holdsDocuments(entries: readonly TreeEntry[]): boolean {
  return entries.some((entry) => entry.type !== "commit" && isDocumentPath(entry.path));
}
