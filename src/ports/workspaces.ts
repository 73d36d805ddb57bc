import type { Collected, CollectRequest } from "./collect.ts";

/**
 * Where a clone works, by reference: on the machine of its driver, which need not be ours. Everybody but the driver hands
 * it back and opens nothing by it.
 */
export interface WorkspaceRef {
  /** Name of the driver that knows it. */
  readonly driver: string;
  readonly clone: string;
  /** The driver's own name for it: a path on its machine, a volume. For people to read. */
  readonly place: string;
}

/**
 * The workspaces of one driver's clones. One per clone; it outlives its instances, so that a restarted agent finds its
 * work again.
 */
export interface Workspaces {
  /** Where a clone works, whether anything is there yet or not. Looks nothing up. */
  refOf(clone: string): WorkspaceRef;
  exists(workspace: WorkspaceRef, signal: AbortSignal): Promise<boolean>;
  /**
   * Writes the manifest's files, ours over whatever stands there, and leaves
   * every other file alone but those in `cleared`. Atomic per file; safe to repeat; the same manifest
   * gives the same tree and digest. Refuses to follow a symlink out of the folder.
   */
  materialise(
    request: MaterialiseRequest,
    signal: AbortSignal,
  ): Promise<{ readonly workspace: WorkspaceRef; readonly digest: string }>;
  /**
   * Files that lie there, whoever made them. Follows no link, at no component of a path, reads regular files only and
   * never more than the limits say, also while an agent works there. Rejects with `workspace/absent` (`yield`) when there
   * is no workspace.
   */
  collect(workspace: WorkspaceRef, request: CollectRequest, signal: AbortSignal): AsyncIterable<Collected>;
  /** Moves the workspace into the archive, once per mission; a repeat answers with the same path, which is for people to read. */
  archive(clone: string, missionId: string, signal: AbortSignal): Promise<{ readonly path: string }>;
}

export interface MaterialiseRequest {
  readonly clone: string;
  readonly manifest: WorkspaceManifest;
  /** Contents of the blobs that the manifest names. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** Blobs put below `inputs/`, by path: the mission's inputs, not part of the clone's digest. */
  readonly inputs: ReadonlyMap<string, { readonly blob: string; readonly executable: boolean }>;
  /** Files that must not be there unless they are ours: what a mission before has left where this one has to deliver. */
  readonly cleared?: readonly string[];
}

/** What a clone's workspace consists of, computed without touching a disk. */
export interface WorkspaceManifest {
  /** sha256 over `lock`, `sha256:<hex>`. */
  readonly digest: string;
  /** Ordered by path. */
  readonly files: readonly WorkspaceFile[];
  /** Text of `.factory/workspace.lock.json`: every file with its layer and digest. */
  readonly lock: string;
}

export interface WorkspaceFile {
  readonly path: string;
  readonly executable: boolean;
  /** Which layer set it: `baseline:<name>@<version>` or `overlay:<name>`. */
  readonly layer: string;
  readonly content: { readonly blob: string } | { readonly text: string };
}
