/**
 * The repository that says what people want. Read-only.
 *
 * An unreadable source is not an empty source: only `ok` and `verified_empty`
 * may lead to a deletion, an `error` leaves everything as it was.
 */
export interface Source {
  /**
   * Looks whether the branch moved and, if it did, brings the new commit in.
   * When nothing moved it answers with the same snapshot object, having asked
   * the remote for one ref and nothing else. Never throws: failing is a result.
   *
   * `moved`: somebody says that the branch has moved. Then it may be fetched without being asked for its ref first; the answer is the same.
   */
  observe(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<SourceResult>;

  /** Opens a commit that was accepted earlier. Works while the origin is unreachable; rejects `source/unknown-revision`. */
  open(revision: string, signal: AbortSignal): Promise<Snapshot>;

  /** Any commit or ref that can be found in the mirror or, failing that, at the origin: for `factory plan --base A --head B`. */
  resolveRevision(name: string, signal: AbortSignal): Promise<string>;

  /**
   * Writes the files of a commit below `directory`, which must be empty or
   * absent: a clean place, without history. `paths` limits it to files and to
   * folders ending in `/`. No symlink that leaves the directory is written.
   */
  exportTree(request: ExportRequest, signal: AbortSignal): Promise<void>;

  /** Accepts one rewritten history, named by both commits; kept across restarts until used. */
  allowRewrite(from: string, to: string): Promise<void>;

  close(): Promise<void>;
}

export interface ExportRequest {
  readonly revision: string;
  readonly directory: string;
  readonly paths?: readonly string[];
}

export type SourceResult =
  | { readonly type: "ok"; readonly snapshot: Snapshot; readonly changed: boolean }
  /** The commit was read, descends from the last one, and holds none of our documents. */
  | { readonly type: "verified_empty"; readonly snapshot: Snapshot; readonly changed: boolean }
  | {
      readonly type: "error";
      readonly reason: SourceErrorReason;
      readonly message: string;
      /** The last commit that was accepted, if any: what still holds. */
      readonly lastGood: string | null;
    };

export type SourceErrorReason =
  | "Unreachable" // network, or the server failed
  | "Unauthorized"
  | "RefMissing" // the branch is gone
  | "HistoryRewritten" // the new head does not descend from the last accepted commit
  | "TimedOut"
  | "Corrupt"; // objects are missing or broken, or the tree is over a limit

/** The tree of one commit. Immutable. */
export interface Snapshot {
  readonly revision: string;
  /** Of every blob and symlink, ordered by path in byte order. Submodules are listed as `commit`. */
  readonly entries: readonly TreeEntry[];
  /** Contents by blob id; rejects when one is missing or larger than the adapter's named limit. */
  readBlobs(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Uint8Array>>;
}

export interface TreeEntry {
  readonly path: string;
  readonly type: "file" | "executable" | "symlink" | "commit";
  /** Git object id; equal ids are equal contents. */
  readonly blob: string;
  /** Bytes; 0 for `commit`. */
  readonly size: number;
}
