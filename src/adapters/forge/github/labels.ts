/** Labels of ours on a pull request: those below our prefix are as they are wanted, all others are somebody else's. */
import type { Ensured, LabelsWanted, LabelWanted } from "../../../ports/forge.ts";
import { type Connection, pagesOf } from "./connection.ts";
import { isNotFound } from "./errors.ts";

/** GitHub allows a hundred labels on a pull request. */
const LABEL_PAGES_MAX = 2;

/** Safe to repeat: nothing is written where the labels are as wanted. */
export async function ensureLabels(
  connection: Connection,
  { on, prefix, labels }: LabelsWanted,
  signal: AbortSignal,
): Promise<{ readonly did: Ensured["did"] }> {
  const { at, ask } = connection;
  const what = `the labels of #${on}`;
  const reading = { what: `reading ${what}`, urgency: "comment", signal } as const;
  const { items } = await pagesOf(
    (page, per_page) =>
      ask(reading, (octokit, options) =>
        octokit.issues.listLabelsOnIssue({ ...at, ...options, issue_number: on, page, per_page }),
      ),
    { pagesMax: LABEL_PAGES_MAX },
  );
  const there = items.map(({ name }) => name);
  const ours = there.filter((name) => name.toLowerCase().startsWith(prefix.toLowerCase()));
  const missing = labels.filter(({ name }) => !has(there, name));
  const stale = ours.filter((name) => !labels.some((wanted) => has([wanted.name], name)));
  for (const label of missing) await ensureLabel(connection, label, signal);
  const writing = { what: `writing ${what}`, urgency: "comment", signal } as const;
  if (missing.length > 0)
    await ask(writing, (octokit, options) =>
      octokit.issues.addLabels({
        ...at,
        ...options,
        issue_number: on,
        labels: missing.map(({ name }) => name),
      }),
    );
  for (const name of stale) {
    try {
      await ask(writing, (octokit, options) =>
        octokit.issues.removeLabel({ ...at, ...options, issue_number: on, name }),
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  if (missing.length + stale.length === 0) return { did: "unchanged" };
  return { did: ours.length === 0 ? "created" : "updated" };
}

/** Made with its colour where the repository does not have it; one that people have changed stays as they want it. */
async function ensureLabel(
  { at, ask }: Connection,
  { name, color, description }: LabelWanted,
  signal: AbortSignal,
): Promise<void> {
  const call = { what: `looking for the label ${name}`, urgency: "comment", signal } as const;
  try {
    await ask(call, (octokit, options) => octokit.issues.getLabel({ ...at, ...options, name }));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    await ask({ ...call, what: `making the label ${name}` }, (octokit, options) =>
      octokit.issues.createLabel({ ...at, ...options, name, color, description }),
    );
  }
}

/** GitHub tells names of labels apart without looking at case. */
function has(names: readonly string[], name: string): boolean {
  return names.some((other) => other.toLowerCase() === name.toLowerCase());
}
