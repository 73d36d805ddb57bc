import type { CommentList, ForgeComment } from "../../../ports/forge.ts";
import { type Connection, pagesOf } from "./connection.ts";

/** Read at once: a thousand comments. What is left comes with the next look. */
const PAGES_MAX = 10;
const ISSUE_NUMBER = /\/issues\/(\d+)$/;

/** In the order of their last change. First in the budget: this is how a kill arrives, and while nothing is new it costs nothing. */
export async function commentsSince(
  { at, ask }: Connection,
  since: number,
  signal: AbortSignal,
): Promise<CommentList> {
  const call = { what: "reading what people wrote", urgency: "stop", signal } as const;
  const { items, complete } = await pagesOf(
    (page, per_page) =>
      ask(call, (octokit, options) =>
        octokit.issues.listCommentsForRepo({
          ...at,
          ...options,
          since: inSeconds(since),
          sort: "updated",
          direction: "asc",
          page,
          per_page,
        }),
      ),
    { pagesMax: PAGES_MAX },
  );
  return { comments: items.flatMap(commentOf), complete };
}

/** As GitHub counts: whatever happened within that second is among what is asked for. */
export function inSeconds(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 19)}Z`;
}

interface Found {
  readonly id: number;
  readonly issue_url: string;
  readonly html_url: string;
  readonly body?: string | undefined;
  readonly created_at: string;
  readonly updated_at: string;
  readonly user: { readonly login: string; readonly type?: string } | null;
}

/** None: its author is gone, or it is not known what it stands on; nobody is obeyed whom nobody knows. */
function commentOf(found: Found): readonly ForgeComment[] {
  const number = ISSUE_NUMBER.exec(found.issue_url)?.[1];
  if (number === undefined || found.user === null) return [];
  return [
    {
      id: found.id,
      on: Number(number),
      author: found.user.login,
      authorIs: found.user.type === "User" ? "person" : "program",
      body: found.body ?? "",
      createdAt: Date.parse(found.created_at),
      changedAt: Date.parse(found.updated_at),
      url: found.html_url,
    },
  ];
}
