import type { Octokit } from "@octokit/rest";
import { FactoryError } from "../../../core/model/error.ts";
import type { Pull, PullList, PullReview } from "../../../ports/forge.ts";
import { type Connection, pagesOf } from "./connection.ts";
import { isNotFound } from "./errors.ts";

/** Open ones that are looked at; more are not read, and people are told so. */
export const PULLS_MAX = 500;
const PULLS_PER_PAGE = 50;
const REVIEW_PAGES_MAX = 10;
/** GitHub tells no more than 250 commits of a pull request. */
const COMMITS_TOLD_MAX = 250;
const COMMIT_PAGES_MAX = 3;
/** More than a few have the same commit only by mistake. */
const PULLS_OF_COMMIT_PAGES_MAX = 1;

type Listed = Awaited<ReturnType<Octokit["pulls"]["list"]>>["data"][number];
type Single = Awaited<ReturnType<Octokit["pulls"]["get"]>>["data"];

export async function openPulls(
  { at, ask }: Connection,
  base: string,
  signal: AbortSignal,
): Promise<PullList> {
  const call = { what: "listing the open pull requests", urgency: "check", signal } as const;
  const { items, complete } = await pagesOf(
    (page, per_page) =>
      ask(call, (octokit, options) =>
        octokit.pulls.list({
          ...at,
          ...options,
          state: "open",
          base,
          sort: "updated",
          direction: "desc",
          page,
          per_page,
        }),
      ),
    { pagesMax: PULLS_MAX / PULLS_PER_PAGE, perPage: PULLS_PER_PAGE },
  );
  // A list that moves between two pages names some twice.
  const byNumber = new Map(items.map((item) => [item.number, item]));
  return { pulls: [...byNumber.values()].map(pullOf), complete };
}

export async function pullByNumber(
  { at, ask }: Connection,
  number: number,
  signal: AbortSignal,
): Promise<Pull | null> {
  const call = { what: `looking at pull request ${number}`, urgency: "check", signal } as const;
  try {
    const { data } = await ask(call, (octokit, options) =>
      octokit.pulls.get({ ...at, ...options, pull_number: number }),
    );
    return pullOf(data);
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

export async function pullsOf(
  { at, ask }: Connection,
  commit: string,
  signal: AbortSignal,
): Promise<readonly Pull[]> {
  const what = `looking for the pull request of commit ${commit.slice(0, 12)}`;
  const call = { what, urgency: "ask", signal } as const;
  const { items } = await pagesOf(
    (page, per_page) =>
      ask(call, (octokit, options) =>
        octokit.repos.listPullRequestsAssociatedWithCommit({
          ...at,
          ...options,
          commit_sha: commit,
          page,
          per_page,
        }),
      ),
    { pagesMax: PULLS_OF_COMMIT_PAGES_MAX },
  );
  return items.map(pullOf);
}

export async function committersOf(
  { at, ask }: Connection,
  number: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const call = { what: `reading the commits of pull request ${number}`, urgency: "ask", signal } as const;
  const { items } = await pagesOf(
    (page, per_page) =>
      ask(call, (octokit, options) =>
        octokit.pulls.listCommits({ ...at, ...options, pull_number: number, page, per_page }),
      ),
    { pagesMax: COMMIT_PAGES_MAX },
  );
  if (items.length >= COMMITS_TOLD_MAX)
    throw tooMany(`pull request ${number} has more commits than the forge tells of`);
  const logins = items.flatMap(({ author, committer }) => [author, committer]).flatMap(loginOf);
  return [...new Set(logins)];
}

/** What was not read may be what takes an approval back. */
function tooMany(what: string): FactoryError {
  return new FactoryError("forge/rejected", "stall", what);
}

/** The forge's own name stands on every commit that was made in its pages; a reviewer cannot be it. */
function loginOf(user: object | null): readonly string[] {
  return user !== null && "login" in user && typeof user.login === "string" ? [user.login] : [];
}

export async function reviewsOf(
  { at, ask }: Connection,
  number: number,
  signal: AbortSignal,
): Promise<readonly PullReview[]> {
  const call = { what: `reading the reviews of pull request ${number}`, urgency: "ask", signal } as const;
  const { items, complete } = await pagesOf(
    (page, per_page) =>
      ask(call, (octokit, options) =>
        octokit.pulls.listReviews({ ...at, ...options, pull_number: number, page, per_page }),
      ),
    { pagesMax: REVIEW_PAGES_MAX },
  );
  if (!complete) throw tooMany(`pull request ${number} has more reviews than are read`);
  return items.flatMap(({ id, user, state, commit_id, submitted_at }): PullReview[] => {
    const known = STATES[state];
    if (known === undefined || user === null || commit_id === null || submitted_at === undefined) return [];
    return [
      {
        id: String(id),
        author: user.login,
        state: known,
        commit: commit_id,
        submittedAt: Date.parse(submitted_at),
      },
    ];
  });
}

/** A review that is not handed in yet is none. */
const STATES: Readonly<Record<string, PullReview["state"]>> = {
  APPROVED: "approved",
  CHANGES_REQUESTED: "changes_requested",
  COMMENTED: "commented",
  DISMISSED: "dismissed",
};

function pullOf(found: Listed | Single): Pull {
  const { base, head } = found;
  return {
    number: found.number,
    state: found.merged_at !== null ? "merged" : found.state === "open" ? "open" : "closed",
    draft: found.draft ?? false,
    title: found.title,
    author: found.user?.login ?? "",
    labels: found.labels.flatMap(({ name }) => name ?? []),
    base: { branch: base.ref, commit: base.sha },
    head: { branch: head.ref, commit: head.sha, ref: `refs/pull/${found.number}/head` },
    // A copy that was deleted since leaves nothing to compare with.
    fork: head.repo === null || head.repo.full_name !== base.repo.full_name,
    mergeCommit: found.merged_at === null ? null : found.merge_commit_sha,
    url: found.html_url,
  };
}
