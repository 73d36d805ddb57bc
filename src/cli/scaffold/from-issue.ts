/** From an issue of the fleet's forge to a branch that asks for its mission: `factory new mission --from-issue 12`. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGitHub } from "../../adapters/forge/github/forge.ts";
import { createGitProposals } from "../../adapters/git/proposals.ts";
import { createGitSource } from "../../adapters/git/source.ts";
import { createSecrets } from "../../adapters/secrets/secrets.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import { newIssues } from "../../core/proposal/issues.ts";
import { formatIssues, hasErrors } from "../../documents/issue.ts";
import type { Forge, ForgeIssue, OwnPull } from "../../ports/forge.ts";
import { desiredOf, type FleetTree } from "../../reconciler/reviews/fleet-tree.ts";
import { gitAccess } from "../access.ts";
import type { Call } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { sourceOf } from "../origin.ts";
import { actorName, dataDirOf } from "../place.ts";
import { askedFiles } from "./asked-mission.ts";
import { filesAt } from "./fleet-view.ts";
import type { NewOptions } from "./new-document.ts";
import { FORM_CHARS_MAX, readMissionForm } from "./read-mission-form.ts";
import { withFiles } from "./tree-with-files.ts";

const TIMEOUT_MS = 5 * MINUTE_MS;

/**
 * Reads the obeyed commit, the issue, and what it asks for; writes the documents as one commit on `factory/propose/issue-<n>`.
 * Nothing is written where an answer cannot be used or the documents would have an error. Safe to repeat: the same answers
 * push nothing, and others replace what was proposed before.
 */
export async function newFromIssue(call: Call<NewOptions>, name: string | undefined): Promise<number> {
  const { io, globals, options } = call;
  const number = options.fromIssue ?? 0;
  const source = await sourceOf(globals, options.source);
  const directory = await mkdtemp(join(tmpdir(), "factory-issue-"));
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const clock = systemClock();
  const access = gitAccess(process.env);
  const reader = createGitSource({
    url: source,
    branch: options.branch,
    directory: join(directory, "mirror.git"),
    ...access,
  });
  try {
    io.progress(`reading ${options.branch}`);
    const seen = await reader.observe(signal);
    if (seen.type === "error")
      throw new FactoryError("source/unreadable", "retry", `${source}: ${seen.message}`);
    const { snapshot } = seen;
    const base: FleetTree = { ...snapshot, read: (ids) => snapshot.readBlobs(ids, signal) };
    const before = await desiredOf(base, source);
    const policy = before.fleet.forge;
    const forge = policy === null ? null : openForge(policy, dataDirOf(globals));
    const issue = await readIssue({ number, forge, policy, file: options.bodyFile, signal });
    const answers = answersOf(issue);
    const today = new Date(clock.now()).toISOString().slice(0, 10).replaceAll("-", "");
    const files = askedFiles({
      answers,
      issue,
      files: await filesAt(base),
      name: name ?? answers.name,
      today,
    });
    const head = withFiles(base, files);
    const fresh = newIssues((await desiredOf(head, source)).issues, before.issues);
    if (hasErrors(fresh))
      throw new FactoryError(
        "issue/unusable",
        "stall",
        `what issue ${number} asks for cannot be used, and nothing was written:\n${formatIssues(fresh).trimEnd()}`,
      );
    const proposals = createGitProposals({
      url: source,
      base: options.branch,
      directory: join(directory, "propose.git"),
      clock,
      ...access,
      ...(issue.authorEmail === null ? {} : { author: { name: issue.author, email: issue.authorEmail } }),
    });
    io.progress("pushing the branch");
    const result = await proposals.propose(
      {
        id: `issue-${number}`,
        base: snapshot.revision,
        files,
        subject: `Ask for mission ${name ?? answers.name}`,
        // By these words a forge links the two, and closes the issue with the merge.
        trailers: policy === null ? {} : { Closes: `#${number}` },
      },
      signal,
    );
    if (result.type !== "proposed")
      throw new FactoryError("issue/not-proposed", "retry", `${result.message}; try again`);
    const compare =
      policy === null ? null : `${webOf(policy)}/compare/${options.branch}...${result.branch}?expand=1`;
    const pull =
      forge === null || issue.authorEmail === null
        ? null
        : await openPull(
            forge,
            { issue, branch: result.branch, base: options.branch, name: name ?? answers.name },
            signal,
          );
    const open = pull?.url ?? compare;
    if (call.json) {
      io.json({
        issue: number,
        branch: result.branch,
        commit: result.commit,
        files: [...files.keys()],
        pull: pull?.number ?? null,
        open,
      });
      return EXIT.fine;
    }
    for (const path of files.keys()) io.out(path);
    io.out(`\n${result.branch} asks for it at ${result.commit.slice(0, 12)}.`);
    io.out(
      pull !== null
        ? `Its pull request is\n  ${pull.url}`
        : open === null
          ? `Next: open a pull request from it.`
          : `Next: open its pull request at\n  ${open}`,
    );
    return EXIT.fine;
  } finally {
    await reader.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The same for the same branch, however often it is asked for. Null where the credential may not open any: then a person does. */
async function openPull(
  forge: Forge,
  {
    issue,
    branch,
    base,
    name,
  }: { readonly issue: Asked; readonly branch: string; readonly base: string; readonly name: string },
  signal: AbortSignal,
): Promise<OwnPull | null> {
  const { number } = issue;
  try {
    const { pull } = await forge.ensurePull(
      {
        branch,
        base,
        marker: `asked/${number}`,
        key: name,
        title: `Ask for mission ${name}`,
        body: `What issue #${number} asks for, as files. Its plan follows as a comment and a check, where a controller reviews this repository.\n\nCloses #${number}`,
      },
      signal,
    );
    return pull;
  } catch (error) {
    if (error instanceof FactoryError && error.code === "forge/refused") return null;
    throw error;
  }
}

/** With the credential that the obeyed fleet file names, looked up here: a variable, or a file below `secrets/` of the data directory. */
function openForge(policy: ForgePolicy, dataDir: string): Forge {
  const secrets = createSecrets({ env: process.env, root: join(dataDir, "secrets") });
  return createGitHub({ policy, secrets, clock: systemClock() });
}

/** As it was asked, or as somebody has put it into a file. */
type Asked = Pick<ForgeIssue, "number" | "author" | "body"> & {
  readonly url: string | null;
  readonly authorEmail: string | null;
};

async function readIssue(wanted: {
  readonly number: number;
  readonly forge: Forge | null;
  readonly policy: ForgePolicy | null;
  readonly file: string | undefined;
  readonly signal: AbortSignal;
}): Promise<Asked> {
  const { number, forge, policy, file, signal } = wanted;
  if (file !== undefined) {
    const body = await readFile(file, "utf8").catch((error: Error) => {
      throw usageError(`--body-file ${file} cannot be read: ${error.message}`);
    });
    if (body.length > FORM_CHARS_MAX)
      throw usageError(`--body-file ${file} has more than ${FORM_CHARS_MAX} characters`);
    const url = policy === null ? null : `${webOf(policy)}/issues/${number}`;
    return { number, body, url, author: actorName(), authorEmail: null };
  }
  if (forge === null)
    throw usageError(
      "fleet.yaml names no forge from which the issue could be read; save its text and name it with --body-file",
    );
  const issue = await forge.issue(number, signal);
  if (issue === null) throw usageError(`${forge.name} has no issue ${number}`);
  if (issue.state === "closed")
    throw usageError(`issue ${number} is closed; open it again if it is still asked for`);
  return issue;
}

function answersOf({ number, body }: Asked) {
  const read = readMissionForm(body);
  if (read.type === "read") return read.answers;
  const rows = read.problems.map(({ label, message }) => `  ${label}: ${message}`);
  throw new FactoryError(
    "issue/unusable",
    "stall",
    `issue ${number} cannot be used, and nothing was written. Edit it, and try again:\n${rows.join("\n")}`,
  );
}

/** Where people read it. */
function webOf({ api, owner, repository }: ForgePolicy): string {
  const { origin, host } = new URL(api);
  return `${host === "api.github.com" ? "https://github.com" : origin}/${owner}/${repository}`;
}
