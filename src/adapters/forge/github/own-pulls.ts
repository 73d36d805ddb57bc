/** Pull requests of our own making: found by their branch and our account, opened once, put right while they are open. */
import type { Octokit } from "@octokit/rest";
import type { Ensured, OwnPull, PullWanted } from "../../../ports/forge.ts";
import type { Connection } from "./connection.ts";
import { isUpToDate, withMarker } from "./marker.ts";
import { sameLogin } from "./names.ts";

/** From one branch of ours there is one pull request; a few more are somebody's attempts. */
const PULLS_OF_BRANCH_MAX = 30;

type Single = Awaited<ReturnType<Octokit["pulls"]["get"]>>["data"];

export async function ownPull(
  connection: Connection,
  branch: string,
  signal: AbortSignal,
): Promise<OwnPull | null> {
  const found = await findOwn(connection, branch, signal);
  return found === null ? null : ownPullOf(found);
}

/** Safe to repeat and to be cut off anywhere: GitHub itself refuses a second open one from the same branch. */
export async function ensureOwnPull(
  connection: Connection,
  wanted: PullWanted,
  signal: AbortSignal,
): Promise<Ensured & { readonly pull: OwnPull }> {
  const { at, ask } = connection;
  const found = await findOwn(connection, wanted.branch, signal);
  const { branch: head, base, title } = wanted;
  const call = { what: `writing the pull request of ${head}`, urgency: "comment", signal } as const;
  if (found === null) {
    const { data } = await ask(call, (octokit, options) =>
      octokit.pulls.create({ ...at, ...options, head, base, title, body: withMarker(wanted) }),
    );
    return { did: "created", url: data.html_url, pull: ownPullOf(data) };
  }
  const same = found.title === title && isUpToDate(found.body ?? "", wanted);
  if (found.state !== "open" || same)
    return { did: "unchanged", url: found.html_url, pull: ownPullOf(found) };
  const { data } = await ask(call, (octokit, options) =>
    octokit.pulls.update({ ...at, ...options, pull_number: found.number, title, body: withMarker(wanted) }),
  );
  return { did: "updated", url: data.html_url, pull: ownPullOf(data) };
}

export async function closeOwnPull(
  connection: Connection,
  branch: string,
  signal: AbortSignal,
): Promise<OwnPull | null> {
  const { at, ask } = connection;
  const found = await findOwn(connection, branch, signal);
  if (found === null || found.state !== "open") return found === null ? null : ownPullOf(found);
  const call = { what: `closing pull request ${found.number}`, urgency: "comment", signal } as const;
  const { data } = await ask(call, (octokit, options) =>
    octokit.pulls.update({ ...at, ...options, pull_number: found.number, state: "closed" }),
  );
  return ownPullOf(data);
}

/** The newest of ours, read whole: a list does not say who merged it. */
async function findOwn(connection: Connection, branch: string, signal: AbortSignal): Promise<Single | null> {
  const { at, ask } = connection;
  const me = await connection.login(signal);
  const call = { what: `looking for the pull request of ${branch}`, urgency: "comment", signal } as const;
  const { data: listed } = await ask(call, (octokit, options) =>
    octokit.pulls.list({
      ...at,
      ...options,
      state: "all",
      head: `${at.owner}:${branch}`,
      sort: "created",
      direction: "desc",
      per_page: PULLS_OF_BRANCH_MAX,
    }),
  );
  const here = `${at.owner}/${at.repo}`;
  const ours = listed.filter(
    ({ user, head }) =>
      sameLogin(user?.login, me) &&
      head.ref === branch &&
      // A branch that was deleted since may have taken its repository's name with it; a copy has another one.
      (head.repo === null || sameLogin(head.repo.full_name, here)),
  );
  // One that is open is the one that is meant, whatever was opened and closed after it.
  const newest = ours.sort((a, b) => b.number - a.number);
  const one = newest.find(({ state }) => state === "open") ?? newest[0];
  if (one === undefined) return null;
  const { data } = await ask(call, (octokit, options) =>
    octokit.pulls.get({ ...at, ...options, pull_number: one.number }),
  );
  return data;
}

function ownPullOf(found: Single): OwnPull {
  const { merged_at: mergedAt, merged_by: by } = found;
  return {
    number: found.number,
    url: found.html_url,
    state: mergedAt !== null ? "merged" : found.state === "open" ? "open" : "closed",
    head: found.head.sha,
    // A queue or an App that merges is nobody who could have decided.
    mergedBy: mergedAt !== null && by?.type === "User" ? by.login : null,
    mergeCommit: mergedAt === null ? null : found.merge_commit_sha,
  };
}
