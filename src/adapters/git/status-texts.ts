/** The texts of our files at the tip of the status branch. A tip of ten thousand missions has some megabytes, of which little changes between two looks. */
import type { StatusChange } from "../../ports/status-branch.ts";
import type { GitEnvironment } from "./environment.ts";
import { createObjectReader } from "./objects.ts";
import { BLOB_BYTES_MAX, BLOBS_BYTES_MAX } from "./snapshot.ts";
import type { StatusDelta } from "./status-commit.ts";
import type { StatusTip } from "./status-tip.ts";

export interface StatusTexts {
  /** Asks git only for what has another object id than when it was read or written last. Rejects `git/objects-too-large`, as for more than 256 MiB. */
  read(
    tip: StatusTip,
    signal: AbortSignal,
  ): Promise<{ readonly files: ReadonlyMap<string, string>; readonly tooLarge: readonly string[] }>;
  /** What was pushed need not be read back. */
  wrote(change: StatusChange, delta: StatusDelta): void;
}

interface KnownText {
  readonly blob: string;
  readonly text: string;
}

export function createStatusTexts({
  directory,
  environment,
  ours,
}: {
  readonly directory: string;
  readonly environment: GitEnvironment;
  /** Paths, and folders ending in `/`. */
  readonly ours: readonly string[];
}): StatusTexts {
  /** By path. */
  let known: ReadonlyMap<string, KnownText> = new Map();

  return {
    async read(tip, signal) {
      const mine = [...tip.files].filter(([path, { type }]) => type === "file" && isOurs(path, ours));
      const wanted = mine.filter(([, { size }]) => size <= BLOB_BYTES_MAX);
      const fresh = wanted.filter(([path, { blob }]) => known.get(path)?.blob !== blob);
      const blobs = await readBlobs(
        fresh.map(([, { blob }]) => blob),
        signal,
      );
      known = new Map(
        wanted.map(([path, { blob }]): [string, KnownText] => {
          const there = known.get(path);
          if (there !== undefined && there.blob === blob) return [path, there];
          return [path, { blob, text: Buffer.from(blobs.get(blob) ?? new Uint8Array()).toString("utf8") }];
        }),
      );
      return {
        files: new Map([...known].map(([path, { text }]) => [path, text])),
        tooLarge: mine.flatMap(([path, { size }]) => (size > BLOB_BYTES_MAX ? [path] : [])),
      };
    },

    wrote(change, delta) {
      const next = new Map(known);
      for (const path of delta.removed) next.delete(path);
      for (const { path, blob } of delta.written)
        next.set(path, { blob, text: change.files.get(path) ?? "" });
      known = next;
    },
  };

  async function readBlobs(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Uint8Array>> {
    if (ids.length === 0) return new Map();
    const reader = createObjectReader(directory, environment.local(directory));
    try {
      return await reader.read(ids, { bytesMax: BLOB_BYTES_MAX, totalBytesMax: BLOBS_BYTES_MAX }, signal);
    } finally {
      reader.close();
    }
  }
}

/** `ours`: paths, and folders ending in `/`. */
export function isOurs(path: string, ours: readonly string[]): boolean {
  return ours.some((one) => (one.endsWith("/") ? path.startsWith(one) : path === one));
}
