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

/** Below this stand all branches of ours that ask for a review. */
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
    const branch = `${PROPOSAL_PREFIX}${proposal.id}`;
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
      const found = await answered(mirror, { ref, standing, proposal }, signal);
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
  async function answered(
    mirror: Mirror,
    at: { ref: string; standing: string; proposal: Proposal },
    signal: AbortSignal,
  ): Promise<boolean> {
    await bring(mirror, `+${at.ref}:${STANDING}`, signal);
    return (await changesOf(mirror, STANDING, at.proposal, signal)).written.length === 0;
  }

  async function bring(mirror: Mirror, refspec: string, signal: AbortSignal): Promise<void> {
    const fetched = await mirror.fetch([refspec], { signal, options: ["--depth=1"] });
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
    const stream = importStream({
      delta,
      change: changeOf(proposal),
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
