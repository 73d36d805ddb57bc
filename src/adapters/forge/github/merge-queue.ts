import type { QueuedCommit } from "../../../ports/forge.ts";
import type { Connection } from "./connection.ts";
import { isForbidden, isNotFound } from "./errors.ts";

/** Below it GitHub makes a branch for each entry: `gh-readonly-queue/main/pr-7-<commit>`. */
export const QUEUE_PREFIX = "gh-readonly-queue/";
/** A queue builds at most a hundred entries at once. */
const QUEUED_MAX = 100;

/**
 * The branches are the queue: the API tells of no other list. Only GitHub may push there where rules protect them; a branch of that name
 * that somebody else made gets a check, which says what is true of it and lets nothing be merged.
 */
export async function queuedCommits(
  { at, ask }: Connection,
  base: string,
  signal: AbortSignal,
): Promise<readonly QueuedCommit[]> {
  const call = { what: `looking at the merge queue of ${base}`, urgency: "check", signal } as const;
  const prefix = `heads/${QUEUE_PREFIX}${base}/`;
  try {
    const { data } = await ask(call, (octokit, options) =>
      octokit.git.listMatchingRefs({ ...at, ...options, ref: prefix }),
    );
    const found = data.flatMap(({ ref, object }): QueuedCommit[] => {
      const [, number, behind] = ENTRY.exec(ref.slice(`refs/${prefix}`.length)) ?? [];
      if (!ref.startsWith(`refs/${prefix}`) || number === undefined || behind === undefined) return [];
      return object.type === "commit"
        ? [{ number: Number(number), commit: object.sha, ref, base: behind }]
        : [];
    });
    return found.slice(0, QUEUED_MAX);
  } catch (error) {
    // An empty repository, and some servers, have no such list; a credential that may not read contents sees none.
    if (isNotFound(error) || isForbidden(error)) return [];
    throw error;
  }
}

const ENTRY = /^pr-([1-9]\d{0,9})-([0-9a-f]{40}|[0-9a-f]{64})$/;
