import type { Ensured, IssueWanted } from "../../../ports/forge.ts";
import { type Connection, pagesOf } from "./connection.ts";
import { hasMarker, isUpToDate, withMarker } from "./marker.ts";
import { sameLogin } from "./names.ts";

/** Issues of ours that are looked through, the newest first. */
const ISSUE_PAGES_MAX = 10;

/** One issue of ours with this marker, open or closed as it is wanted. Labels that people added stay. */
export async function ensureIssue(
  connection: Connection,
  wanted: IssueWanted,
  signal: AbortSignal,
): Promise<Ensured & { readonly number: number }> {
  const { at, ask } = connection;
  const marked = { marker: wanted.marker, key: wanted.body, body: wanted.body };
  const found = await findIssue(connection, wanted.marker, signal);
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
    if (wanted.state === "closed")
      await ask(call, (octokit, options) =>
        octokit.issues.update({ ...at, ...options, issue_number: data.number, state: "closed" }),
      );
    return { did: "created", url: data.html_url, number: data.number };
  }
  const labels = found.labels.flatMap((label) => (typeof label === "string" ? label : (label.name ?? [])));
  const same =
    found.title === wanted.title &&
    found.state === wanted.state &&
    isUpToDate(found.body ?? "", marked) &&
    wanted.labels.every((label) => labels.includes(label));
  if (same) return { did: "unchanged", url: found.html_url, number: found.number };
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
  return { did: "updated", url: data.html_url, number: data.number };
}

async function findIssue(connection: Connection, marker: string, signal: AbortSignal) {
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
