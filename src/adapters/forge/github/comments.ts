import type { CommentWanted, Ensured } from "../../../ports/forge.ts";
import { inSeconds } from "./comment-list.ts";
import { type Connection, pagesOf } from "./connection.ts";
import { isNotFound } from "./errors.ts";
import { hasMarker, isUpToDate, withMarker } from "./marker.ts";
import { sameLogin } from "./names.ts";

/** Ours is among the first: who writes more than this before us is talking to somebody else. */
const COMMENT_PAGES_MAX = 30;

interface Found {
  readonly id: number;
  readonly body: string;
  readonly url: string;
}

/** One comment of ours with this marker: made, changed, or left as it is. Further ones, left behind by whatever doubled them, are removed. */
export async function ensureComment(
  connection: Connection,
  wanted: CommentWanted,
  signal: AbortSignal,
): Promise<Ensured> {
  const [first, ...others] = await ours(connection, wanted, signal);
  for (const { id } of others) await removeComment(connection, id, signal);
  if (first === undefined) return create(connection, wanted, signal);
  if (isUpToDate(first.body, wanted)) return { did: "unchanged", url: first.url };
  return (await update(connection, { id: first.id, wanted }, signal)) ?? create(connection, wanted, signal);
}

/** The oldest first. */
async function ours(
  connection: Connection,
  { on, marker, since }: CommentWanted,
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const me = await connection.login(signal);
  const call = { what: `reading the comments of #${on}`, urgency: "comment", signal } as const;
  const { items } = await pagesOf(
    (page, per_page) =>
      connection.ask(call, (octokit, options) =>
        octokit.issues.listComments({
          ...connection.at,
          ...options,
          issue_number: on,
          page,
          per_page,
          ...(since === undefined ? {} : { since: inSeconds(since) }),
        }),
      ),
    { pagesMax: COMMENT_PAGES_MAX },
  );
  return items
    .filter(({ user, body }) => sameLogin(user?.login, me) && hasMarker(body, marker))
    .map(({ id, body, html_url }) => ({ id, body: body ?? "", url: html_url }))
    .sort((a, b) => a.id - b.id);
}

async function create({ at, ask }: Connection, wanted: CommentWanted, signal: AbortSignal): Promise<Ensured> {
  const call = { what: `commenting on #${wanted.on}`, urgency: "comment", signal } as const;
  const { data } = await ask(call, (octokit, options) =>
    octokit.issues.createComment({ ...at, ...options, issue_number: wanted.on, body: withMarker(wanted) }),
  );
  return { did: "created", url: data.html_url };
}

/** Null: somebody has removed it. */
async function update(
  { at, ask }: Connection,
  { id, wanted }: { readonly id: number; readonly wanted: CommentWanted },
  signal: AbortSignal,
): Promise<Ensured | null> {
  const call = { what: `changing our comment on #${wanted.on}`, urgency: "comment", signal } as const;
  try {
    const { data } = await ask(call, (octokit, options) =>
      octokit.issues.updateComment({ ...at, ...options, comment_id: id, body: withMarker(wanted) }),
    );
    return { did: "updated", url: data.html_url };
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

async function removeComment({ at, ask }: Connection, id: number, signal: AbortSignal): Promise<void> {
  const call = {
    what: "removing a comment of ours that stands there twice",
    urgency: "comment",
    signal,
  } as const;
  try {
    await ask(call, (octokit, options) =>
      octokit.issues.deleteComment({ ...at, ...options, comment_id: id }),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
