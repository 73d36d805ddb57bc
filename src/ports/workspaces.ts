/**
 * The folders in which clones work. One per clone; it outlives its instances,
 * so that a restarted agent finds its work again.
 */
export interface Workspaces {
  /**
   * Writes the manifest's files, ours over whatever stands there, and leaves
   * every other file alone but those in `cleared`. Atomic per file; safe to repeat; the same manifest
   * gives the same tree and digest. Refuses to follow a symlink out of the folder.
   */
  materialise(
    request: MaterialiseRequest,
    signal: AbortSignal,
  ): Promise<{ readonly path: string; readonly digest: string }>;
  pathOf(clone: string): string;
  /** Moves the workspace into the archive, once per mission; a repeat answers with the same path. */
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
