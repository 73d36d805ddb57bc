import type { WireEvent } from "../../api/event.ts";
import type { Transcript } from "../../instance/transcript.ts";
import { inspectArtifact } from "./artifact.ts";

export type ArtifactRef = WireEvent["artifact_refs"][number];

/** Files that the agent has named as its results. */
export interface ArtifactIndex {
  /** Null when it may not be named, with a note, or when nothing has changed since it was named before. */
  news(path: string): ArtifactRef | null;
  /** All that were named, as they are now. */
  refs(): readonly ArtifactRef[];
}

const ARTIFACTS_MAX = 1_000;

export function createArtifactIndex({
  workspace,
  transcript,
}: {
  readonly workspace: string;
  readonly transcript: Transcript;
}): ArtifactIndex {
  /** By path, what it was like. */
  const marks = new Map<string, string>();
  return {
    news(path) {
      const ref = inspectArtifact(workspace, path);
      if (ref === null) {
        transcript.note(`artifact ${JSON.stringify(path)} is not a file inside of the workspace`);
        return null;
      }
      const mark = ref.sha256 ?? String(ref.bytes);
      const known = marks.get(ref.path);
      if (known === mark || (known === undefined && marks.size >= ARTIFACTS_MAX)) return null;
      marks.set(ref.path, mark);
      return ref;
    },
    refs: () => [...marks.keys()].flatMap((path) => inspectArtifact(workspace, path) ?? []),
  };
}
