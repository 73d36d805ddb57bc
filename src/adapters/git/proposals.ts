import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Proposal, ProposalResult, Proposals } from "../../ports/proposals.ts";
import { createGitEnvironment, type GitAccess } from "./environment.ts";
import { complaint, pushFailure } from "./errors.ts";
import {
  DEFAULT_TIMEOUTS,
  initMirror,
  type Mirror,
  type ObjectFormat,
  openMirror,
  type Timeouts,
} from "./mirror.ts";
import { pushLeased } from "./push.ts";
import { listRemoteRefs } from "./remote-ref.ts";
import { importStream, statusDelta } from "./status-commit.ts";
import { parseTree } from "./tree.ts";
import { createTurn } from "./turn.ts";

export interface GitProposalsOptions {
  /** As for the source. */
  readonly url: string;
  /** The branch that is obeyed. */
  readonly base: string;
  /** Of a bare repository of our own. Holds nothing that the origin does not have. */
  readonly directory: string;
  readonly clock: Clock;
  readonly access?: GitAccess;
  readonly timeouts?: Partial<Timeouts>;
  readonly author?: { readonly name: string; readonly email: string };
}

/** Below this stand the branches of ours that ask for a review. */
export const PROPOSAL_PREFIX = "factory/propose/";
const BASE = "refs/factory/proposal-base";
const NEXT = "refs/factory/proposal-next";
const STANDING = "refs/factory/proposal-standing";
const FACTORY_BOT = { name: "factory-bot", email: "factory-bot@factory.invalid" };
const ID = /^[a-z0-9][a-z0-9.-]{0,99}$/;

/** Pushes each proposal as one commit, comparing and swapping: what somebody added to the branch is never lost. */
export function createGitProposals(options: GitProposalsOptions): Proposals {
  const directory = resolve(options.directory);
  const environment = createGitEnvironment({ url: options.url, access: options.access });
  const timeouts: Timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const mirrorOptions = { directory, environment, timeouts };
  const baseRef = `refs/heads/${options.base}`;
  const inTurn = createTurn();

  async function propose(proposal: Proposal, signal: AbortSignal): Promise<ProposalResult> {
    if (!ID.test(proposal.id))
      throw new FactoryError("proposal/bad-id", "crash", `${JSON.stringify(proposal.id)} names no branch`);
    const branch = proposalBranch(proposal);
    const ref = `refs/heads/${branch}`;
    await mkdir(dirname(directory), { recursive: true });
    const listed = await listRemoteRefs({
      environment,
      gitDir: directory,
      names: [ref, baseRef],
      timeoutMs: timeouts.listMs,
      signal,
    });
    if (listed.type === "error")
      return {
        type: "failed",
        retryable: listed.reason !== "Unauthorized",
        message: environment.redact(listed.message),
      };
    const standing = listed.refs.get(ref) ?? null;
    const mirror = await freshMirror(mirrorOptions, proposal.base.length === 64 ? "sha256" : "sha1");
    if (standing !== null) {
      await bring(mirror, `+${ref}:${STANDING}`, signal, 2);
      if (proposal.folder === "closure" && !(await isOurs(mirror, standing, signal)))
        return {
          type: "theirs",
          branch,
          commit: standing,
          message: `somebody has changed ${branch}, which is theirs since`,
        };
      const found = await answered(mirror, proposal, signal);
      if (found) return { type: "proposed", branch, commit: standing };
    }
    if (listed.refs.get(baseRef) !== proposal.base)
      return { type: "moved", message: `${options.base} is no longer at ${proposal.base.slice(0, 12)}` };
    await bring(mirror, `+${baseRef}:${BASE}`, signal);
    const commit = await commitOn(mirror, proposal, signal);
    const push = await pushLeased({
      environment,
      directory,
      ref,
      commit,
      expected: standing,
      timeoutMs: timeouts.pushMs,
      signal,
    });
    if (push.exitCode === 0) return { type: "proposed", branch, commit };
    const failed = pushFailure(push, environment.redact(complaint(push, timeouts.pushMs)));
    if (failed.type === "failed") return failed;
    return { type: "failed", retryable: true, message: "message" in failed ? failed.message : failed.type };
  }

  /** Whether what stands there says what the proposal says, whoever completed it since. */
  async function answered(mirror: Mirror, proposal: Proposal, signal: AbortSignal): Promise<boolean> {
    return (await changesOf(mirror, STANDING, proposal, signal)).written.length === 0;
  }

  /** Whether the commit is one of ours as we made it: one on top of the base, whose changes have the digest that its message names. */
  async function isOurs(mirror: Mirror, commit: string, signal: AbortSignal): Promise<boolean> {
    const message = await mirror.ask(["log", "-1", "--format=%P%n%B", commit], { signal });
    const [parents = "", ...lines] = message.split("\n");
    const named = lines.flatMap((line) => /^Factory-Changes: ([0-9a-f]{64})$/.exec(line)?.[1] ?? []);
    if (parents.includes(" ") || parents === "" || named.length !== 1) return false;
    const changed = await mirror.ask(
      ["diff-tree", "-r", "-z", "--no-renames", "--no-commit-id", parents, commit],
      { signal },
    );
    return named[0] === digestOf(changesIn(changed));
  }

  async function bring(mirror: Mirror, refspec: string, signal: AbortSignal, depth = 1): Promise<void> {
    const fetched = await mirror.fetch([refspec], { signal, options: [`--depth=${depth}`] });
    if (fetched.exitCode !== 0)
      throw new FactoryError("git/fetch", "retry", environment.redact(complaint(fetched, timeouts.fetchMs)));
  }

  async function changesOf(mirror: Mirror, ref: string, proposal: Proposal, signal: AbortSignal) {
    const listing = await mirror.askBytes(["ls-tree", "-r", "-z", "-l", "--full-tree", ref], { signal });
    const files = new Map(parseTree(listing).map((entry) => [entry.path, entry]));
    return statusDelta(changeOf(proposal), files, await mirror.format());
  }

  async function commitOn(mirror: Mirror, proposal: Proposal, signal: AbortSignal): Promise<string> {
    const delta = await changesOf(mirror, BASE, proposal, signal);
    const digest = digestOf(delta.written.map(({ path, blob }) => `${FILE_MODE} ${blob} ${path}`));
    const stream = importStream({
      delta,
      change: { ...changeOf(proposal), trailers: { ...proposal.trailers, "Factory-Changes": digest } },
      author: options.author ?? FACTORY_BOT,
      parent: proposal.base,
      at: options.clock.now(),
      ref: NEXT,
    });
    await mirror.ask(["fast-import", "--quiet", "--force", "--done"], { input: stream, signal });
    const commit = await mirror.ref(NEXT);
    if (commit === null) throw new FactoryError("git/commit", "retry", "git made no commit");
    return commit;
  }

  return {
    propose: (proposal, signal) => inTurn(() => propose(proposal, signal)),
  };
}

/** Where a proposal stands, without `refs/heads/`. */
export function proposalBranch({ folder = "propose", id }: Pick<Proposal, "folder" | "id">): string {
  return folder === "propose" ? `${PROPOSAL_PREFIX}${id}` : `factory/${folder}/${id}`;
}

const FILE_MODE = "100644";

/** What git says of a commit's changes with `-z`: pairs of what changed and where. */
function changesIn(raw: string): readonly string[] {
  const parts = raw.split("\0");
  const found: string[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const [, mode = "", , blob = ""] = (parts[at] ?? "").split(" ");
    found.push(`${mode} ${blob} ${parts[at + 1]}`);
  }
  return found;
}

function digestOf(changes: readonly string[]): string {
  return createHash("sha256")
    .update([...changes].sort().join("\0"))
    .digest("hex");
}

function changeOf({ files, subject, trailers }: Proposal) {
  return { files, removed: [], subject, trailers };
}

/** Our repository; made anew when the origin has changed the kind of its ids. */
async function freshMirror(options: Parameters<typeof openMirror>[0], format: ObjectFormat): Promise<Mirror> {
  await mkdir(dirname(options.directory), { recursive: true });
  const there = await openMirror(options);
  if (there !== null && (await there.format()) === format) return there;
  await rm(options.directory, { recursive: true, force: true });
  return initMirror(options, format);
}
