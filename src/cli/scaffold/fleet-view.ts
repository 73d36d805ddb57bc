/** What a new document is made to fit: the files of a fleet, in a folder or at a commit. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { FleetTree } from "../../reconciler/reviews/fleet-tree.ts";
import { readText } from "../place.ts";

export interface FleetFiles {
  /** A file; a folder where the path ends in `/`. */
  has(path: string): boolean;
  /** Null where there is none. Of a commit, the documents of overlays alone. */
  text(path: string): string | null;
  /** Names below `overlays/`, in order. */
  overlayFolders(): string[];
}

export function filesIn(dir: string): FleetFiles {
  return {
    has: (path) => existsSync(join(dir, path)),
    text: (path) => readText(join(dir, path)),
    overlayFolders() {
      const overlays = join(dir, "overlays");
      if (!existsSync(overlays)) return [];
      return readdirSync(overlays, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
        .sort();
    },
  };
}

const OVERLAY_DOCUMENT = /^overlays\/([^/]+)\/(?:overlay|baseline)\.yaml$/;

export async function filesAt(tree: FleetTree): Promise<FleetFiles> {
  const documents = tree.entries.filter(({ path }) => OVERLAY_DOCUMENT.test(path));
  const contents = await tree.read(documents.map(({ blob }) => blob));
  const texts = new Map(
    documents.flatMap(({ path, blob }) => {
      const bytes = contents.get(blob);
      return bytes === undefined ? [] : [[path, Buffer.from(bytes).toString("utf8")] as const];
    }),
  );
  const paths = new Set(tree.entries.map(({ path }) => path));
  return {
    has: (path) => (path.endsWith("/") ? [...paths].some((one) => one.startsWith(path)) : paths.has(path)),
    text: (path) => texts.get(path) ?? null,
    overlayFolders: () =>
      [...new Set(documents.map(({ path }) => OVERLAY_DOCUMENT.exec(path)?.[1] ?? ""))].sort(),
  };
}
