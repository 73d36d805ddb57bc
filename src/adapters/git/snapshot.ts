import type { Snapshot } from "../../ports/source.ts";
import type { Mirror } from "./mirror.ts";
import type { ObjectReader } from "./objects.ts";
import { parseTree } from "./tree.ts";

/** Documents and the files of overlays are small; a larger blob is a mistake, or an attack on our memory. */
export const BLOB_BYTES_MAX = 2 * 1024 * 1024;
/** Of one call of `readBlobs`. */
export const BLOBS_BYTES_MAX = 256 * 1024 * 1024;

/** Lists the tree of a commit that is in the mirror. Rejects `git/…` when it cannot be read whole. */
export async function readSnapshot(
  mirror: Mirror,
  reader: ObjectReader,
  request: { readonly revision: string; readonly signal: AbortSignal | undefined },
): Promise<Snapshot> {
  const { revision, signal } = request;
  const listing = await mirror.askBytes(["ls-tree", "-r", "-z", "-l", "--full-tree", revision], { signal });
  const entries = Object.freeze(parseTree(listing).map((entry) => Object.freeze(entry)));
  return Object.freeze({
    revision,
    entries,
    readBlobs: (ids: readonly string[], readSignal: AbortSignal) =>
      reader.read(ids, { bytesMax: BLOB_BYTES_MAX, totalBytesMax: BLOBS_BYTES_MAX }, readSignal),
  });
}
