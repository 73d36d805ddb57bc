import type { ReactionWanted } from "../../../ports/forge.ts";
import type { Connection } from "./connection.ts";
import { isNotFound } from "./errors.ts";

const CONTENT = { done: "+1", refused: "confused" } as const;

/** GitHub keeps one of each kind for each account, so a repeat adds none. */
export async function ensureReaction(
  { at, ask }: Connection,
  { comment, reaction }: ReactionWanted,
  signal: AbortSignal,
): Promise<void> {
  const call = { what: `reacting to comment ${comment}`, urgency: "comment", signal } as const;
  try {
    await ask(call, (octokit, options) =>
      octokit.reactions.createForIssueComment({
        ...at,
        ...options,
        comment_id: comment,
        content: CONTENT[reaction],
      }),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
