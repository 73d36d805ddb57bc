import type { Issue } from "../core/model/issue.ts";
import type { Kind } from "./schema/kinds.ts";

/** One entry of a git tree; the shape of `TreeEntry` of the source port. */
export interface RepositoryFile {
  readonly path: string;
  readonly type: "file" | "executable" | "symlink" | "commit";
  readonly blob: string;
  readonly size: number;
}

/** A file that is a document by its place. */
export interface FilePlace {
  readonly kind: Kind;
  /** By the file's name, or its folder's for overlays and baselines. */
  readonly name: string;
  /** `fleet`, `mission/<name>`, `clone/<name>`, `overlay/<name>`, `baseline/<name>`. */
  readonly subject: string;
  readonly entry: RepositoryFile;
}

export interface Places {
  /** In the order of the tree. */
  readonly documents: readonly FilePlace[];
  /** `schemas/policy/*.schema.json` */
  readonly policies: readonly RepositoryFile[];
  /** Everything below `overlays/` that is no document: agents, skills, prompts, skeletons. */
  readonly resources: readonly RepositoryFile[];
  /** Files that look like documents but are not read. */
  readonly issues: readonly Issue[];
}

/**
 * Blobs that a reader of this tree needs: documents and house rules to parse,
 * resources to resolve. Equal to what `sortPlaces` finds, by id, each once.
 */
export function documentPaths(entries: readonly RepositoryFile[]): {
  readonly documents: readonly string[];
  readonly policies: readonly string[];
  readonly resources: readonly string[];
} {
  const places = sortPlaces(entries);
  return {
    documents: places.documents.map((place) => place.entry.path),
    policies: places.policies.map((entry) => entry.path),
    resources: places.resources.map((entry) => entry.path),
  };
}

/** Whether the tree holds any of our documents at all; without one a repository is `verified_empty`. */
export function hasDocuments(entries: readonly RepositoryFile[]): boolean {
  return entries.some((entry) => placeOf(entry) !== null);
}

export function sortPlaces(entries: readonly RepositoryFile[]): Places {
  const documents: FilePlace[] = [];
  const policies: RepositoryFile[] = [];
  const resources: RepositoryFile[] = [];
  const issues: Issue[] = [];
  for (const entry of [...entries].sort((left, right) =>
    left.path < right.path ? -1 : left.path > right.path ? 1 : 0,
  )) {
    const place = placeOf(entry);
    if (place !== null) documents.push(place);
    else if (POLICY.test(entry.path)) policies.push(entry);
    else if (entry.path.startsWith("overlays/")) resources.push(entry);
    else if (MISPLACED.test(entry.path)) issues.push(misplaced(entry.path));
  }
  return { documents, policies, resources, issues };
}

export function placeOf(entry: RepositoryFile): FilePlace | null {
  const { path } = entry;
  if (path === "fleet.yaml") return { kind: "Fleet", name: "fleet", subject: "fleet", entry };
  const match = PLACE.exec(path);
  if (match === null) return null;
  const [, flat, flatName, folder, file] = match;
  if (flat === "missions" && flatName !== undefined) {
    return { kind: "Mission", name: flatName, subject: `mission/${flatName}`, entry };
  }
  if (flat === "clones" && flatName !== undefined) {
    return { kind: "Clone", name: flatName, subject: `clone/${flatName}`, entry };
  }
  if (folder === undefined) return null;
  if (file === "overlay") return { kind: "Overlay", name: folder, subject: `overlay/${folder}`, entry };
  return { kind: "Baseline", name: folder, subject: `baseline/${folder}`, entry };
}

const PLACE = /^(?:(missions|clones)\/([^/]+)\.yaml|overlays\/([^/]+)\/(overlay|baseline)\.yaml)$/;
const POLICY = /^schemas\/policy\/[^/]+\.schema\.json$/;
const MISPLACED = /^(?:(?:missions|clones)\/.+\.(?:ya?ml|json)|fleet\.(?:yml|json))$/;

function misplaced(file: string): Issue {
  return {
    severity: "warning",
    file,
    reason: "IgnoredFile",
    message: "this file looks like a document but is not read",
    expected: "fleet.yaml, missions/<name>.yaml, clones/<name>.yaml",
  };
}
