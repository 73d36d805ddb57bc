/** What a mission handed in: of one run, as the record tells it. */
import type { CloneState, ClosedMission, MissionState } from "../model/clone-state.ts";
import { mediaTypeOf } from "../model/media-type.ts";
import type { Outcome } from "../model/mission.ts";
import type { Instant } from "../model/time.ts";
import type { Verdict } from "../model/verdict.ts";

export interface OutputsView {
  /** Of the mission, also where the clone's name was asked for. */
  readonly mission: string;
  readonly missionId: string;
  readonly run: number;
  readonly clone: string;
  /** Null while it is not closed. */
  readonly outcome: Outcome | null;
  /** Folder on the controller's machine in which the outputs were kept; null where nothing was judged. */
  readonly keptAt: string | null;
  /** Other runs of the mission that are closed and known, the newest first. */
  readonly otherRuns: readonly number[];
  readonly outputs: readonly OutputView[];
}

export interface OutputView {
  readonly path: string;
  /** By the contract; nothing else is kept. */
  readonly required: boolean;
  readonly state: OutputState;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly mediaType: string;
  /** Where it stands on the status branch, or is about to; null where it does not, or nobody has looked yet. */
  readonly statusPath: string | null;
  /** Why it is not as the contract wants it, one sentence each. */
  readonly problems: readonly string[];
}

/**
 * `awaited`: the mission has not been judged. `kept`: there is a copy, taken when it was judged. `missing`: it was
 * required, and there was nothing that could be kept. `lost`: there was a copy, and it is not where it was kept. `reported`: its agent named
 * it, the contract does not, so no copy was taken.
 */
export const OUTPUT_STATES = ["awaited", "kept", "missing", "lost", "reported"] as const;
export type OutputState = (typeof OUTPUT_STATES)[number];

/**
 * Of the run that is named, else of the newest that was judged or closed, else of the one under way. `name` is a
 * mission's or a clone's. Null where there is no such run. What has become of the copies since the record cannot tell.
 */
export function outputsOf(
  { name, run }: { readonly name: string; readonly run: number | null },
  states: ReadonlyMap<string, CloneState>,
): OutputsView | null {
  const found = runsOf(name, states).filter((one) => run === null || one.of.run === run);
  const best = found.toSorted((a, b) => b.rank - a.rank || b.at - a.at)[0];
  if (best === undefined) return null;
  const { of, clone } = best;
  const otherRuns = runsOf(of.name, states)
    .filter((one) => one.rank === CLOSED && one.of.run !== of.run)
    .map((one) => one.of.run)
    .toSorted((a, b) => b - a);
  const { name: mission, missionId, outcome, verdict } = of;
  return {
    mission,
    missionId,
    run: of.run,
    clone,
    outcome,
    keptAt: verdict?.keptAt ?? null,
    otherRuns,
    outputs: [...required(of), ...reported(of)],
  };
}

interface Run {
  readonly name: string;
  readonly missionId: string;
  readonly run: number;
  readonly outcome: Outcome | null;
  readonly verdict: Verdict | null;
  readonly artifacts: ClosedMission["artifacts"];
  /** Of a contract that was not judged. */
  readonly awaited: readonly string[];
}

interface FoundRun {
  readonly of: Run;
  readonly clone: string;
  readonly rank: number;
  readonly at: Instant;
}

/** What is judged, and waits for its postmortem, is newer than anything that is closed. */
const JUDGED = 2;
const CLOSED = 1;
const UNDER_WAY = 0;

function runsOf(name: string, states: ReadonlyMap<string, CloneState>): readonly FoundRun[] {
  const found: FoundRun[] = [];
  for (const { name: clone, mission, past } of states.values()) {
    const isMeant = (one: { readonly name: string }) => one.name === name || clone === name;
    for (const closed of past)
      if (isMeant(closed))
        found.push({ of: { ...closed, awaited: [] }, clone, rank: CLOSED, at: closed.closedAt });
    if (mission !== null && isMeant(mission)) {
      const rank = mission.ending?.verdict ? JUDGED : UNDER_WAY;
      found.push({ of: living(mission), clone, rank, at: mission.assignedAt });
    }
  }
  return found;
}

function living({ name, missionId, contract, ending, artifacts }: MissionState): Run {
  const verdict = ending?.verdict ?? null;
  const awaited = contract.artifact_policy.required_outputs.map(({ path }) => path);
  return {
    name,
    missionId,
    run: contract.run,
    outcome: null,
    verdict,
    artifacts,
    awaited: verdict === null ? awaited : [],
  };
}

function required({ verdict, awaited }: Run): readonly OutputView[] {
  const nothing = { required: true, bytes: null, sha256: null, statusPath: null, problems: [] };
  return [
    ...(verdict?.outputs ?? []).map(
      ({ path, bytes, sha256, problems }): OutputView => ({
        path,
        required: true,
        state: sha256 === null ? "missing" : "kept",
        bytes,
        sha256,
        mediaType: mediaTypeOf(path),
        statusPath: null,
        problems,
      }),
    ),
    ...awaited.map(
      (path): OutputView => ({ ...nothing, path, state: "awaited", mediaType: mediaTypeOf(path) }),
    ),
  ];
}

/** As its agent said: nobody has looked. */
function reported({ verdict, awaited, artifacts }: Run): readonly OutputView[] {
  const known = new Set([...(verdict?.outputs ?? []).map(({ path }) => path), ...awaited]);
  return artifacts
    .filter(({ path }) => !known.has(path))
    .map(({ path, bytes = null, sha256 = null }) => ({
      path,
      required: false,
      state: "reported",
      bytes,
      sha256,
      mediaType: mediaTypeOf(path),
      statusPath: null,
      problems: [],
    }));
}
