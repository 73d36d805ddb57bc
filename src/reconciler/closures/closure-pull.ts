/** One closure and its pull request. Safe to repeat and to be cut off anywhere: branch, pull request and comment are each found again. */

import { type Recommendation, recommendedChoice } from "../../core/closures/choice.ts";
import { CLOSURE_BRANCHES, closureBranchId } from "../../core/closures/closure-task.ts";
import { type ClosureText, closureText, closureTitle } from "../../core/closures/closure-text.ts";
import type { Actor } from "../../core/model/actor.ts";
import type { CloneState, ClosedMission } from "../../core/model/clone-state.ts";
import type { ClosurePull } from "../../core/model/closure-pull.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import { FactoryError } from "../../core/model/error.ts";
import { sameValue } from "../../core/model/same.ts";
import { commentText } from "../../core/reviews/comment.ts";
import type { OutputPlaces } from "../../core/status/published-outputs.ts";
import { COMMENT_CHARS_MAX, type Forge, type OwnPull } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import type { ProposalResult, Proposals } from "../../ports/proposals.ts";
import type { Source } from "../../ports/source.ts";
import type { Recorder } from "../record/recorder.ts";
import { closureFiles, closurePaths } from "./closure-files.ts";

export interface ClosurePullParts {
  readonly forge: Forge;
  readonly proposals: Proposals;
  readonly source: Pick<Source, "open">;
  readonly recorder: Pick<Recorder, "states" | "write" | "onChange">;
  readonly desired: DesiredState;
  /** The branch that is obeyed. */
  readonly branch: string;
  /** What stands on the status branch of this repository, and at which commit. Null: not known, or elsewhere. */
  readonly published: () => { readonly commit: string; readonly files: ReadonlyMap<string, string> } | null;
  readonly outputsOf: (missionId: string) => OutputPlaces | null;
  readonly log: Log;
}

export interface ClosureOf {
  readonly state: CloneState;
  readonly closed: ClosedMission;
}

/** Branch and comment are found by it. */
const MARKER = "closure";

/** `settled`: people have closed or merged it. `moved`: what is obeyed has moved meanwhile. */
export async function askInPull(
  parts: ClosurePullParts,
  { state, closed }: ClosureOf,
  signal: AbortSignal,
): Promise<"open" | "settled" | "moved"> {
  const { forge, desired, log } = parts;
  const id = closureBranchId(closed);
  const branch = closureBranch(closed);
  const found = await forge.ownPull(branch, signal);
  if (found !== null && found.state !== "open") {
    await note(parts, { state, closed, pull: found });
    return "settled";
  }
  const recommended = recommendedChoice(closed, {
    wish: desired.clones.get(state.name)?.afterClosure ?? "ask",
    interventionsMax: desired.fleet.guardrails.maxInterventionsPerMission,
  });
  const pushed = await pushBranch(parts, { state, closed, recommended }, signal);
  if (pushed.type === "moved") return "moved";
  if (pushed.type === "theirs" && found === null)
    throw new FactoryError(
      "closure/branch-taken",
      "stall",
      `${pushed.message}, and no pull request of ours is open from it: delete the branch, or decide with \`factory closure ${closed.name} --decide …\``,
    );
  const text: ClosureText = {
    clone: state.name,
    closed,
    recommended,
    theirs: pushed.type === "theirs",
    ...linksTo(parts, closed),
  };
  const { did, pull } = await forge.ensurePull(
    {
      branch,
      base: parts.branch,
      marker: `${MARKER}/${id}`,
      // Links name a commit of the status branch, which is another one after each publication: by themselves they are no news.
      key: JSON.stringify([closureTitle(text), closureText(withoutCommits(text))]),
      title: closureTitle(text),
      body: commentText({
        markdown: closureText(text),
        charsMax: COMMENT_CHARS_MAX,
        elsewhere: `All of it: \`factory closure ${closed.name}\`.`,
      }),
    },
    signal,
  );
  if (did !== "unchanged") log.info("a closure asks in a pull request", { mission: id, did, url: pull.url });
  await note(parts, { state, closed, pull });
  return pull.state === "open" ? "open" : "settled";
}

/** Says why, and closes it. */
export async function callOff(
  parts: ClosurePullParts,
  { state, closed, because }: ClosureOf & { readonly because: string },
  signal: AbortSignal,
): Promise<"settled"> {
  const { forge, log } = parts;
  const branch = closureBranch(closed);
  let pull = await forge.ownPull(branch, signal);
  if (pull?.state === "open") {
    const body = `${because} There is nothing left to decide here, so this pull request is closed. \`factory closure ${closed.name}\` has the report.`;
    const { number: on } = pull;
    await forge.ensureComment(
      {
        on,
        marker: MARKER,
        key: because,
        body: commentText({ markdown: body, charsMax: COMMENT_CHARS_MAX, elsewhere: "" }),
      },
      signal,
    );
    pull = await forge.closePull(branch, signal);
    log.info("a closure is decided elsewhere; its pull request is closed", { branch, because });
  }
  if (pull !== null) await note(parts, { state, closed, pull });
  return "settled";
}

export function closureBranch(closed: Pick<ClosedMission, "name" | "run">): string {
  return `${CLOSURE_BRANCHES}${closureBranchId(closed)}`;
}

export function isClosureBranch(branch: string): boolean {
  return branch.startsWith(CLOSURE_BRANCHES);
}

async function pushBranch(
  { source, desired, proposals }: ClosurePullParts,
  { state, closed, recommended }: ClosureOf & { readonly recommended: Recommendation },
  signal: AbortSignal,
): Promise<Exclude<ProposalResult, { type: "failed" }>> {
  const asked = { clone: state.name, closed, choice: recommended.choice };
  const snapshot = await source.open(desired.revision, signal);
  const paths = new Set(closurePaths(asked));
  const entries = snapshot.entries.filter(({ path }) => paths.has(path));
  const blobs = await snapshot.readBlobs(
    entries.map(({ blob }) => blob),
    signal,
  );
  const texts = new Map(
    entries.map(({ path, blob }) => [path, Buffer.from(blobs.get(blob) ?? []).toString("utf8")]),
  );
  const result = await proposals.propose(
    {
      folder: "closure",
      id: closureBranchId(closed),
      base: desired.revision,
      files: closureFiles(asked, texts),
      subject: `clones: ${recommended.choice} ${state.name} after ${closed.name} run ${closed.run}`,
      trailers: {
        "Factory-Mission": `${closed.missionId} run ${closed.run}`,
        "Factory-Clone-Digest": closed.doneWith.digest,
      },
    },
    signal,
  );
  if (result.type !== "failed") return result;
  throw new FactoryError("closure/not-pushed", result.retryable ? "retry" : "stall", result.message);
}

/** On record before anything builds on it; a repeat records nothing. */
async function note(
  { recorder }: ClosurePullParts,
  { state, closed, pull }: ClosureOf & { readonly pull: OwnPull },
): Promise<void> {
  const seen: ClosurePull = {
    number: pull.number,
    url: pull.url,
    state: pull.state,
    mergedBy: pull.mergedBy === null ? null : person(pull.mergedBy),
  };
  await recorder.write(state.name, ({ past }) => {
    const now = past.find(({ missionId }) => missionId === closed.missionId);
    if (now === undefined || sameValue(now.pull, seen)) return null;
    return { events: [{ type: "closure.pull_seen", missionId: closed.missionId, pull: seen }] };
  });
}

function person(login: string): Actor {
  return { type: "person", name: login, login };
}

type Links = Pick<ClosureText, "link" | "outputs">;

/** To files of the status branch at one commit, so that a report of this run stays what it is read for. */
function linksTo(
  { forge, published, outputsOf }: ClosurePullParts,
  { name, run, missionId }: ClosedMission,
): Links {
  const stands = published();
  if (stands === null) return { link: () => null, outputs: new Map() };
  const { commit, files } = stands;
  const folder = [`missions/${name}`, `missions/${name}/runs/${run}`].find((at) =>
    files.get(`${at}/closure.md`)?.includes(missionId),
  );
  if (folder === undefined) return { link: () => null, outputs: new Map() };
  const places = [...(outputsOf(missionId) ?? [])].flatMap(([path, place]): [string, string][] =>
    place.path === null || !files.has(place.path) ? [] : [[path, forge.fileUrl(commit, place.path)]],
  );
  return {
    link: (file) => (files.has(`${folder}/${file}`) ? forge.fileUrl(commit, `${folder}/${file}`) : null),
    outputs: new Map(places),
  };
}

function withoutCommits(text: ClosureText): ClosureText {
  return {
    ...text,
    link: (file) => (text.link(file) === null ? null : file),
    outputs: new Map([...text.outputs.keys()].map((path) => [path, path])),
  };
}
