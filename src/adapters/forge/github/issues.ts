import type { EnsuredIssue, ForgeIssue, IssueWanted } from "../../../ports/forge.ts";
import { type Connection, incomplete, pagesOf } from "./connection.ts";
import { isNotFound } from "./errors.ts";
import { hasAnyMarker, hasMarker, isUpToDate, withMarker } from "./marker.ts";
import { sameLogin } from "./names.ts";

/** Issues of ours that are looked through, the newest first. */
const ISSUE_PAGES_MAX = 10;

export async function issueByNumber(
  { at, ask }: Connection,
  number: number,
  signal: AbortSignal,
): Promise<ForgeIssue | null> {
  const call = { what: `reading issue ${number}`, urgency: "ask", signal } as const;
  try {
    const { data } = await ask(call, (octokit, options) =>
      octokit.issues.get({ ...at, ...options, issue_number: number }),
    );
    if (data.pull_request !== undefined) return null;
    const state = data.state === "open" ? "open" : "closed";
    const { title, body, user, html_url: url } = data;
    if (user === null) throw incomplete(`author of issue ${number}`);
    const { host } = new URL(url);
    const authorEmail = `${user.id}+${user.login}@users.noreply.${host}`;
    return { number: data.number, title, body: body ?? "", author: user.login, authorEmail, state, url };
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

/** One issue of ours with this marker, open or closed as it is wanted. Labels that people added stay. */
export async function ensureIssue(
  connection: Connection,
  wanted: IssueWanted,
  signal: AbortSignal,
): Promise<EnsuredIssue> {
  const { at, ask } = connection;
  const marked = { marker: wanted.marker, key: wanted.key ?? wanted.body, body: wanted.body };
  const found =
    (await knownIssue(connection, wanted, signal)) ?? (await findIssue(connection, wanted, signal));
  const call = { what: `writing the issue ${wanted.marker}`, urgency: "ask", signal } as const;
  if (found === null) {
    const { data } = await ask(call, (octokit, options) =>
      octokit.issues.create({
        ...at,
        ...options,
        title: wanted.title,
        body: withMarker(marked),
        labels: [...wanted.labels],
      }),
    );
    const closed =
      wanted.state === "open"
        ? data
        : (
            await ask(call, (octokit, options) =>
              octokit.issues.update({ ...at, ...options, issue_number: data.number, state: "closed" }),
            )
          ).data;
    return ensured("created", closed);
  }
  const labels = found.labels.flatMap((label) => (typeof label === "string" ? label : (label.name ?? [])));
  const same =
    found.title === wanted.title &&
    found.state === wanted.state &&
    isUpToDate(found.body ?? "", marked) &&
    wanted.labels.every((label) => labels.includes(label));
  if (same) return ensured("unchanged", found);
  const { data } = await ask(call, (octokit, options) =>
    octokit.issues.update({
      ...at,
      ...options,
      issue_number: found.number,
      title: wanted.title,
      body: withMarker(marked),
      state: wanted.state,
      labels: [...new Set([...labels, ...wanted.labels])],
    }),
  );
  return ensured("updated", data);
}

function ensured(
  did: EnsuredIssue["did"],
  issue: { readonly html_url: string; readonly number: number; readonly updated_at: string },
): EnsuredIssue {
  return { did, url: issue.html_url, number: issue.number, changedAt: Date.parse(issue.updated_at) };
}

/** The one that is known by its number, if it is still ours and about the same. */
async function knownIssue(connection: Connection, { number, marker }: IssueWanted, signal: AbortSignal) {
  if (number === undefined) return null;
  const { at, ask } = connection;
  const me = await connection.login(signal);
  const call = { what: `looking at issue #${number}`, urgency: "ask", signal } as const;
  try {
    const { data } = await ask(call, (octokit, options) =>
      octokit.issues.get({ ...at, ...options, issue_number: number }),
    );
    const ours = data.pull_request === undefined && sameLogin(data.user?.login, me);
    // By another edit than ours its marker may be gone; by its number it is the same, and is put right.
    return ours && (hasMarker(data.body, marker) || !hasAnyMarker(data.body)) ? data : null;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

async function findIssue(connection: Connection, { marker }: IssueWanted, signal: AbortSignal) {
  const { at, ask } = connection;
  const me = await connection.login(signal);
  const call = { what: "looking through our issues", urgency: "ask", signal } as const;
  const { items } = await pagesOf(
    (page, per_page) =>
      ask(call, (octokit, options) =>
        octokit.issues.listForRepo({ ...at, ...options, creator: me, state: "all", page, per_page }),
      ),
    { pagesMax: ISSUE_PAGES_MAX },
  );
  const own = items.filter(
    ({ user, body, pull_request }) =>
      pull_request === undefined && sameLogin(user?.login, me) && hasMarker(body, marker),
  );
  return own.sort((a, b) => a.number - b.number)[0] ?? null;
}
