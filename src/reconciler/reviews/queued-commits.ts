import type { QueuedCommit } from "../../ports/forge.ts";

/** Commits of the merge queue, each of which is looked at once: its check says what is true of it, whatever is obeyed later. */
export interface QueuedCommits {
  /** Takes the place of what was known. Answers with those that are to be looked at. */
  takeUp(entries: readonly QueuedCommit[]): readonly string[];
  /** Null: it is no longer there. */
  entry(commit: string): QueuedCommit | null;
  reviewed(commit: string): void;
  clear(): void;
}

export function createQueuedCommits(): QueuedCommits {
  let known = new Map<string, { readonly entry: QueuedCommit; readonly reviewed: boolean }>();
  return {
    takeUp(entries) {
      const before = known;
      known = new Map(
        entries.map((entry) => [
          entry.commit,
          { entry, reviewed: before.get(entry.commit)?.reviewed === true },
        ]),
      );
      return [...known].flatMap(([commit, { reviewed }]) => (reviewed ? [] : [commit]));
    },
    entry: (commit) => known.get(commit)?.entry ?? null,
    reviewed(commit) {
      const found = known.get(commit);
      if (found !== undefined) known.set(commit, { ...found, reviewed: true });
    },
    clear: () => known.clear(),
  };
}
