import type { CheckWanted, EnsuredCheck } from "../../../ports/forge.ts";
import { type Connection, pagesOf } from "./connection.ts";
import { sameLogin } from "./names.ts";

/** A commit holds a thousand statuses of one name; ours is among the last. */
const STATUS_PAGES_MAX = 3;
const DESCRIPTION_CHARS_MAX = 140;

/** What a check would say, in one line: for credentials that may not write checks. Nothing is written where the last one of ours says the same. */
export async function ensureStatus(
  connection: Connection,
  { commit, name, conclusion, title }: CheckWanted,
  signal: AbortSignal,
): Promise<EnsuredCheck> {
  const { at, ask } = connection;
  const me = await connection.login(signal);
  const state = conclusion === "failure" || conclusion === "pending" ? conclusion : "success";
  const description =
    title.length <= DESCRIPTION_CHARS_MAX ? title : `${title.slice(0, DESCRIPTION_CHARS_MAX - 1)}…`;
  const reading = {
    what: `reading the statuses of ${commit.slice(0, 12)}`,
    urgency: "check",
    signal,
  } as const;
  const { items } = await pagesOf(
    (page, per_page) =>
      ask(reading, (octokit, options) =>
        octokit.repos.listCommitStatusesForRef({ ...at, ...options, ref: commit, page, per_page }),
      ),
    { pagesMax: STATUS_PAGES_MAX },
  );
  const last = items.find(({ context, creator }) => context === name && sameLogin(creator?.login, me));
  if (last !== undefined && last.state === state && last.description === description)
    return { did: "unchanged", as: "status", url: last.url };
  const writing = { what: `writing the status of ${commit.slice(0, 12)}`, urgency: "check", signal } as const;
  const { data } = await ask(writing, (octokit, options) =>
    octokit.repos.createCommitStatus({ ...at, ...options, sha: commit, context: name, state, description }),
  );
  return { did: last === undefined ? "created" : "updated", as: "status", url: data.url };
}
