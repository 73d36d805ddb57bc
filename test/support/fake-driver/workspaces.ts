/** Workspaces in memory, that keep the contract of the port. */
import { FactoryError } from "../../../src/core/model/error.ts";
import { relativeParts } from "../../../src/core/model/relative-path.ts";
import type { Collected, CollectRequest } from "../../../src/ports/collect.ts";
import type { MaterialiseRequest, WorkspaceRef, Workspaces } from "../../../src/ports/workspaces.ts";

export interface MemoryWorkspaces extends Workspaces {
  /** As an agent puts a file there. */
  write(clone: string, path: string, content: string): void;
  /** A link, which leads nowhere that anybody may go. */
  link(clone: string, path: string): void;
}

type Node = { readonly type: "file"; readonly content: Uint8Array } | { readonly type: "link" };
type Tree = Map<string, Node>;

export function createMemoryWorkspaces(driver: string): MemoryWorkspaces {
  const trees = new Map<string, Tree>();
  const archived = new Set<string>();

  function refOf(clone: string): WorkspaceRef {
    return { driver, clone, place: `/workspaces/${clone}` };
  }

  function treeOf(clone: string): Tree {
    const tree = trees.get(clone) ?? new Map<string, Node>();
    trees.set(clone, tree);
    return tree;
  }

  return {
    refOf,
    write(clone, path, content) {
      treeOf(clone).set(path, { type: "file", content: Buffer.from(content) });
    },
    link: (clone, path) => void treeOf(clone).set(path, { type: "link" }),
    exists: async ({ clone }) => trees.has(clone),
    async materialise(request) {
      const tree = treeOf(request.clone);
      for (const path of request.cleared ?? []) tree.delete(path);
      for (const [path, content] of filesOf(request)) tree.set(path, { type: "file", content });
      return { workspace: refOf(request.clone), digest: request.manifest.digest };
    },
    async *collect({ clone, place }, request) {
      const tree = trees.get(clone);
      if (tree === undefined)
        throw new FactoryError("workspace/absent", "yield", `there is no workspace at ${place}`);
      yield* request.paths === undefined ? everyFile(tree, request) : theseFiles(tree, request);
    },
    async archive(clone, missionId) {
      const path = `/archive/${missionId}`;
      if (!archived.has(missionId)) trees.delete(clone);
      archived.add(missionId);
      return { path };
    },
  };
}

function filesOf({
  manifest,
  blobs,
  inputs,
}: MaterialiseRequest): readonly (readonly [string, Uint8Array])[] {
  const blob = (id: string): Uint8Array => blobs.get(id) ?? new Uint8Array();
  return [
    ...manifest.files.map(
      ({ path, content }) =>
        [path, "text" in content ? Buffer.from(content.text) : blob(content.blob)] as const,
    ),
    ...[...inputs].map(([path, input]) => [`inputs/${path}`, blob(input.blob)] as const),
    [".factory/workspace.lock.json", Buffer.from(manifest.lock)],
  ];
}

function* theseFiles(tree: Tree, { paths = [], limits, larger }: CollectRequest): Generator<Collected> {
  let left = limits.totalBytesMax;
  for (const [index, path] of paths.entries()) {
    if (index >= limits.filesMax) return yield cut(limits.filesMax);
    const problem = whyNot(tree, path);
    const node = tree.get(path);
    if (problem !== null || node?.type !== "file") yield file(path, problem ?? "was not made");
    else {
      const taken = take(path, node.content, { max: Math.min(limits.fileBytesMax, left), larger });
      left -= taken.sent;
      yield taken.file;
    }
  }
}

function* everyFile(tree: Tree, request: CollectRequest): Generator<Collected> {
  const { limits, larger, below, skipNames = [], skipPaths = [] } = request;
  let left = limits.totalBytesMax;
  let count = 0;
  for (const [path, node] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const folders = path.split("/").slice(0, -1);
    if (below !== undefined && !path.startsWith(`${below}/`)) continue;
    if (folders.length > limits.depthMax || folders.some((name) => skipNames.includes(name))) continue;
    if (skipPaths.some((skipped) => path.startsWith(`${skipped}/`))) continue;
    if (count === limits.filesMax) return yield cut(limits.filesMax);
    count += 1;
    if (node.type === "link") {
      yield file(path, "is a symlink or no regular file; links are not followed");
      continue;
    }
    const taken = take(path, node.content, { max: Math.min(limits.fileBytesMax, left), larger });
    left -= taken.sent;
    yield taken.file;
  }
}

function whyNot(tree: Tree, path: string): string | null {
  const parts = relativeParts(path);
  if (parts === null) return "is not a path inside of the workspace";
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const at = parts.slice(0, depth).join("/");
    if (tree.get(at)?.type === "link") return `${at} is a symlink; links are not followed`;
  }
  return [...tree.keys()].some((other) => other.startsWith(`${path}/`)) ? "is a folder, not a file" : null;
}

function take(
  path: string,
  content: Uint8Array,
  { max, larger }: { readonly max: number; readonly larger: CollectRequest["larger"] },
): { readonly file: Collected; readonly sent: number } {
  const bytes = content.byteLength;
  const problem = bytes > max ? `has more than ${max} bytes, the most that is taken` : null;
  const sent = problem === null ? bytes : larger === "end" ? max : 0;
  const none = problem !== null && sent === 0;
  return {
    sent,
    file: {
      type: "file",
      path,
      bytes,
      problem,
      content: none ? null : chunks(content.subarray(bytes - sent)),
    },
  };
}

async function* chunks(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

function file(path: string, problem: string): Collected {
  return { type: "file", path, bytes: null, content: null, problem };
}

function cut(filesMax: number): Collected {
  return { type: "cut", message: `more than ${filesMax} files: the rest is not listed` };
}
