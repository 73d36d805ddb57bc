import { createHash } from "node:crypto";
import type { CheckWanted, EnsuredCheck } from "../../../ports/forge.ts";
import { type Connection, pagesOf } from "./connection.ts";

/** GitHub takes no more at once; further ones are added to the same check. */
export const ANNOTATIONS_PER_REQUEST = 50;
const CHECK_PAGES_MAX = 5;
const TITLE_CHARS_MAX = 250;
const MESSAGE_CHARS_MAX = 4_000;
/** By which our checks are told from others of the same name. */
const OURS = "factory:";

interface Run {
  readonly id: number;
  readonly externalId: string;
  readonly completed: boolean;
  readonly annotations: number;
  readonly url: string;
}

/**
 * One check of ours on the commit that says this. Annotations can only be added, so a check that has others is followed by
 * a new one, which forges show in its place; one that was begun and not finished goes on where it stopped.
 */
export async function ensureCheckRun(
  connection: Connection,
  wanted: CheckWanted,
  signal: AbortSignal,
): Promise<EnsuredCheck> {
  const externalId = `${OURS}${digestOf(wanted)}`;
  const newest = await newestOf(connection, wanted, signal);
  if (newest?.externalId === externalId) {
    const isWhole = wanted.conclusion === "pending" && newest.annotations >= wanted.annotations.length;
    if (newest.completed || isWhole) return { did: "unchanged", as: "check", url: newest.url };
    return { did: "updated", ...(await goOn(connection, { run: newest, wanted, externalId }, signal)) };
  }
  // One that has ended stays ended: what waits again is told by a new one.
  const goesOn = newest !== null && !(newest.completed && wanted.conclusion === "pending");
  if (goesOn && newest.annotations === 0)
    return { did: "updated", ...(await goOn(connection, { run: newest, wanted, externalId }, signal)) };
  const made = await begin(connection, { wanted, externalId }, signal);
  if (made.completed || wanted.annotations.length <= ANNOTATIONS_PER_REQUEST)
    return { did: "created", as: "check", url: made.url };
  return { did: "created", ...(await goOn(connection, { run: made, wanted, externalId }, signal)) };
}

async function newestOf(
  { at, ask }: Connection,
  { commit, name }: CheckWanted,
  signal: AbortSignal,
): Promise<Run | null> {
  const call = { what: `reading the checks of ${commit.slice(0, 12)}`, urgency: "check", signal } as const;
  const { items } = await pagesOf(
    async (page, per_page) => {
      const { data } = await ask(call, (octokit, options) =>
        octokit.checks.listForRef({
          ...at,
          ...options,
          ref: commit,
          check_name: name,
          filter: "all",
          page,
          per_page,
        }),
      );
      return { data: data.check_runs };
    },
    { pagesMax: CHECK_PAGES_MAX },
  );
  const own = items.filter(({ external_id }) => external_id?.startsWith(OURS) === true);
  const newest = own.sort((a, b) => b.id - a.id)[0];
  return newest === undefined ? null : runOf(newest);
}

interface CheckData {
  readonly id: number;
  readonly external_id: string | null;
  readonly status: string;
  readonly output: { readonly annotations_count: number };
  readonly html_url: string | null;
}

function runOf({ id, external_id, status, output, html_url }: CheckData): Run {
  return {
    id,
    externalId: external_id ?? "",
    completed: status === "completed",
    annotations: output.annotations_count,
    url: html_url ?? "",
  };
}

interface Begun {
  readonly wanted: CheckWanted;
  readonly externalId: string;
}

async function begin({ at, ask }: Connection, begun: Begun, signal: AbortSignal): Promise<Run> {
  const { wanted, externalId } = begun;
  const call = {
    what: `writing the check of ${wanted.commit.slice(0, 12)}`,
    urgency: "check",
    signal,
  } as const;
  const { data } = await ask(call, (octokit, options) =>
    octokit.checks.create({
      ...at,
      ...options,
      name: wanted.name,
      head_sha: wanted.commit,
      external_id: externalId,
      ...stateAfter(wanted, ANNOTATIONS_PER_REQUEST),
      output: outputOf(wanted, 0),
    }),
  );
  return runOf(data);
}

/** Adds what is missing, batch by batch; the last one says how the check ended. */
async function goOn(
  { at, ask }: Connection,
  { run, wanted, externalId }: Begun & { readonly run: Run },
  signal: AbortSignal,
): Promise<Pick<EnsuredCheck, "as" | "url">> {
  const call = {
    what: `writing the check of ${wanted.commit.slice(0, 12)}`,
    urgency: "check",
    signal,
  } as const;
  for (let from = run.annotations; ; from += ANNOTATIONS_PER_REQUEST) {
    await ask(call, (octokit, options) =>
      octokit.checks.update({
        ...at,
        ...options,
        check_run_id: run.id,
        external_id: externalId,
        ...stateAfter(wanted, from + ANNOTATIONS_PER_REQUEST),
        output: outputOf(wanted, from),
      }),
    );
    if (from + ANNOTATIONS_PER_REQUEST >= wanted.annotations.length) return { as: "check", url: run.url };
  }
}

function stateAfter({ annotations, conclusion }: CheckWanted, written: number) {
  return written >= annotations.length && conclusion !== "pending"
    ? ({ status: "completed", conclusion } as const)
    : ({ status: "in_progress" } as const);
}

function outputOf({ title, summary, annotations }: CheckWanted, from: number) {
  const batch = annotations.slice(from, from + ANNOTATIONS_PER_REQUEST);
  return {
    title: cut(title, TITLE_CHARS_MAX),
    summary,
    annotations: batch.map((one) => ({
      path: one.path,
      start_line: one.line,
      end_line: one.line,
      annotation_level: one.level,
      title: cut(one.title, TITLE_CHARS_MAX),
      message: cut(one.message, MESSAGE_CHARS_MAX),
    })),
  };
}

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}

function digestOf({ conclusion, title, summary, annotations }: CheckWanted): string {
  const said = JSON.stringify([conclusion, title, summary, annotations]);
  return createHash("sha256").update(said).digest("hex").slice(0, 32);
}
