import { createHash } from "node:crypto";
import type { RepositoryFile } from "../../src/documents/layout.ts";

/** A tree as a source would list it, with the contents of its blobs. Links are given as `{ link: target }`. */
export interface TestTree {
  readonly entries: RepositoryFile[];
  readonly contents: Map<string, Uint8Array>;
}

export type TestFile = string | Uint8Array | { readonly link: string };

export function tree(files: Readonly<Record<string, TestFile>>): TestTree {
  const contents = new Map<string, Uint8Array>();
  const entries = Object.entries(files).map(([path, file]): RepositoryFile => {
    const isLink = typeof file === "object" && "link" in file;
    const bytes = Buffer.from(isLink ? file.link : file);
    const blob = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    contents.set(blob, bytes);
    return { path, type: isLink ? "symlink" : "file", blob, size: bytes.length };
  });
  return { entries, contents };
}
