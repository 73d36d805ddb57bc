import type { InstanceHandle } from "../core/model/instance.ts";
import type { WorkspaceRef } from "./workspaces.ts";

/** A workspace, or what the shim of an instance has written down. */
export type CollectSource = { readonly workspace: WorkspaceRef } | { readonly instance: InstanceHandle };

export interface CollectRequest {
  /** Exactly these files, in this order, below the source's root. Absent: every file, folder by folder, ordered by name. */
  readonly paths?: readonly string[];
  /** Only with every file: begin in this folder. */
  readonly below?: string;
  /** Only with every file: folders that are left out with all that is in them, by their name at any depth. */
  readonly skipNames?: readonly string[];
  /** The same, by their path from the root. */
  readonly skipPaths?: readonly string[];
  readonly limits: CollectLimits;
  /** What is sent of a file with more than `fileBytesMax`: nothing, or its end. */
  readonly larger: "nothing" | "end";
}

export interface CollectLimits {
  /** Files that are named; what is beyond is `cut`. */
  readonly filesMax: number;
  /** Folders within folders. */
  readonly depthMax: number;
  readonly fileBytesMax: number;
  /** Bytes that are sent in all; a file that does not fit any more is named with its size alone. */
  readonly totalBytesMax: number;
}

export type Collected =
  | CollectedFile
  /** There is more than the limits let through; a sentence. Comes last. */
  | { readonly type: "cut"; readonly message: string };

export interface CollectedFile {
  readonly type: "file";
  /** From the source's root. Whoever uses it to write a file checks it first (`relativeParts`): the driver may be on another machine. */
  readonly path: string;
  /** As large as it was when it was opened; null when it could not be. */
  readonly bytes: number | null;
  /**
   * What it held when it was opened: bytes that are appended meanwhile are not sent, and of a file that is cut short meanwhile
   * fewer come. Read it, or leave it, before asking for the next file. Null when nothing is sent.
   */
  readonly content: AsyncIterable<Uint8Array> | null;
  /** Why nothing is sent, or not all of it: part of a sentence whose subject is the file (`was not made`, `is a symlink; …`). */
  readonly problem: string | null;
}

/** `Driver.collect`, of whichever driver the source names. */
export type Collect = (
  source: CollectSource,
  request: CollectRequest,
  signal: AbortSignal,
) => AsyncIterable<Collected>;
