import { FactoryError } from "../../core/model/error.ts";
import type { Snapshot } from "../../ports/source.ts";
import { LIST_TREE, type Mirror } from "./mirror.ts";
import type { ObjectReader } from "./objects.ts";
import { parseTree } from "./tree.ts";

/** Documents and the files of overlays are small; a larger blob is a mistake, or an attack on our memory. */
export const BLOB_BYTES_MAX = 2 * 1024 * 1024;
/** Of one call of `readBlobs`. */
export const BLOBS_BYTES_MAX = 256 * 1024 * 1024;
const LIMITS = { bytesMax: BLOB_BYTES_MAX, totalBytesMax: BLOBS_BYTES_MAX };

export interface SnapshotRequest {
  readonly mirror: Mirror;
  readonly revision: string;
  /** Asked for at each reading: readers come and go, snapshots stay. */
  readonly reader: () => ObjectReader;
  /** What `listTree` answered for the commit, where that was asked already. */
  readonly listing?: Buffer | undefined;
  /** Told when an object of this very tree cannot be read: then the mirror is damaged. */
  readonly onDamage: () => void;
  readonly signal: AbortSignal | undefined;
}

/** Lists the tree of a commit that is in the mirror. Rejects `git/…` when it cannot be read whole. */
export async function readSnapshot(request: SnapshotRequest): Promise<Snapshot> {
  const { mirror, revision, reader, onDamage, signal } = request;
  const listing = request.listing ?? (await listTree(mirror, revision, signal));
  const entries = Object.freeze(parseTree(listing).map((entry) => Object.freeze(entry)));
  return Object.freeze({
    revision,
    entries,
    async readBlobs(ids: readonly string[], readSignal: AbortSignal) {
      try {
        return await reader().read(ids, LIMITS, readSignal);
      } catch (error) {
        if (isDamage(error) && entries.some((entry) => ids.includes(entry.blob))) onDamage();
        throw error;
      }
    },
  });
}

/** Every file of a commit with its size, for `parseTree`. */
export function listTree(mirror: Mirror, commit: string, signal: AbortSignal | undefined): Promise<Buffer> {
  return mirror.askBytes(["ls-tree", ...LIST_TREE, commit], { signal });
}

/** Whether an error says that the mirror is not what it was, rather than that something was asked wrongly. */
export function isDamage(error: unknown): boolean {
  return error instanceof FactoryError && DAMAGE.has(error.code);
}

const DAMAGE: ReadonlySet<string> = new Set([
  "git/failed",
  "git/missing-object",
  "git/reader-died",
  "git/bad-tree",
]);
