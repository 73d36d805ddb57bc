import { ACTIONS_PER_MISSION_MAX, type ActionCounts } from "../../core/model/action.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import { type Anchor, anchorText } from "../../core/record/anchor.ts";
import { lineIds } from "../../core/record/line-files.ts";
import { actionTexts } from "../../core/record/published-actions.ts";
import { fleetText } from "../../core/record/published-fleet.ts";
import { closureFiles, laneFiles, publishedMemory } from "../../core/record/published-lanes.ts";
import type { RecordFiles } from "../../core/record/rebuild.ts";
import type { Store } from "../../ports/store.ts";
import type { StatusText } from "../publish/write-back.ts";

/** Where the status branch keeps what `factory restore` needs. */
export const RECORD_FOLDER = ".factory/";
export const JOURNAL_PATH = `${RECORD_FOLDER}journal.json`;
export const FLEET_PATH = `${RECORD_FOLDER}fleet.json`;
/** What an older program kept there of the fleet; removed with the next publication. */
const SETTINGS_PATH = `${RECORD_FOLDER}settings.json`;
const LANES = `${RECORD_FOLDER}lanes/`;
const CLOSURES = `${RECORD_FOLDER}closures/`;
const ACTIONS = `${RECORD_FOLDER}actions/`;
/** Where the format before this one had a file for each lane and for each closure: read, and removed by the next publication. */
const OLD_LANES = `${RECORD_FOLDER}record/`;
const OLD_CLOSURES = `${RECORD_FOLDER}closed/`;
export const actionsPath = (clone: string, part: number): string => `${ACTIONS}${clone}/${part}.json`;
/** Trailer of every commit: `<seq> <hash>`. */
export const JOURNAL_TRAILER = "Factory-Journal-Head";

/** By the objects that they were made of, which are never changed, only replaced. */
const MEMORY = publishedMemory();
const FLEET_TEXTS = new WeakMap<FleetState, string>();
/** By the counts of a mission, which are replaced with every event of its ledger. */
const ACTION_TEXTS = new WeakMap<ActionCounts, readonly string[]>();
/** Files written anew before others get their turn: some 20 ms. */
const FILES_PER_TURN = 4;

/**
 * Adds the record to what is published. These files ride along: they change with every report of a
 * shim, and by themselves they cause no commit but the one that is due every few minutes.
 */
export async function withRecordFiles(
  text: StatusText,
  record: {
    readonly states: ReadonlyMap<string, CloneState>;
    readonly fleet: FleetState;
    readonly anchor: Anchor | null;
    readonly store: Pick<Store, "actions">;
  },
): Promise<StatusText> {
  const { anchor, states } = record;
  // Nothing is recorded yet, so there is nothing to rebuild.
  if (anchor === null) return text;
  const riders = new Map<string, string>();
  for (const [path, content] of await inTurns(laneFiles(states.values(), MEMORY)))
    riders.set(LANES + path, content);
  for (const [path, content] of await inTurns(closureFiles(states.values(), MEMORY)))
    riders.set(CLOSURES + path, content);
  for (const { name, mission } of states.values()) {
    if (mission === null || mission.actions.claimed === 0) continue;
    let texts = ACTION_TEXTS.get(mission.actions);
    if (texts === undefined) {
      const { missionId } = mission;
      texts = actionTexts(await record.store.actions({ missionId, limit: ACTIONS_PER_MISSION_MAX }));
      ACTION_TEXTS.set(mission.actions, texts);
    }
    for (const [part, content] of texts.entries()) riders.set(actionsPath(name, part + 1), content);
  }
  riders.set(JOURNAL_PATH, anchorText(anchor));
  const { fleet } = record;
  const told = FLEET_TEXTS.get(fleet) ?? fleetText(fleet);
  FLEET_TEXTS.set(fleet, told);
  riders.set(FLEET_PATH, told);
  return {
    ...text,
    riders,
    trailers: { ...text.trailers, [JOURNAL_TRAILER]: `${anchor.seq} ${anchor.hash}` },
  };
}

/** A record of thousands of lanes is written for the first time in some seconds, and a kill must not wait for it. */
async function inTurns<T>(steps: Generator<void, T>): Promise<T> {
  for (let taken = 1; ; taken += 1) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (taken % FILES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What of a status branch is the record, in this format and in the one before it. */
export function recordFiles(files: ReadonlyMap<string, string>): RecordFiles {
  const below = (folder: string): ReadonlyMap<string, string> =>
    new Map([...files].filter(([path]) => path.startsWith(folder)));
  const withPath = (path: string) => {
    const text = files.get(path);
    return text === undefined ? null : { path, text };
  };
  return {
    journal: files.get(JOURNAL_PATH) ?? null,
    fleet: withPath(FLEET_PATH),
    formerSettings: withPath(SETTINGS_PATH),
    lanes: below(LANES),
    closures: below(CLOSURES),
    clones: below(OLD_LANES),
    closed: below(OLD_CLOSURES),
    actions: new Map(
      [...below(ACTIONS)].map(([path, text]) => [
        path,
        { clone: path.slice(ACTIONS.length).split("/")[0] ?? "", text },
      ]),
    ),
  };
}

/** Names of the lanes, without reading what is told of them. */
export function clonesIn(files: RecordFiles): readonly string[] {
  return [
    ...[...files.lanes.values()].flatMap(lineIds),
    ...[...files.clones.keys()].map((path) => path.slice(OLD_LANES.length, -".json".length)),
  ];
}

/** Whether a path tells of a clone that some controller has run, also one that did not publish its record yet. */
export function tellsOfPast(path: string): boolean {
  return PAST.test(path);
}

const PAST =
  /^(\.factory\/(record|closed|lanes|closures)\/|clones\/[^/]+\/status\.yaml$|pages\/clones\/[^/]+\.md$)/;

/** The end of the chain as it is on the disk now; null while nothing is recorded. */
export async function anchorOf(
  store: Store,
  names: Pick<Anchor, "installation" | "repository">,
): Promise<Anchor | null> {
  const [first] = await store.events({ limit: 1 });
  const [last] = await store.events({ last: 1, limit: 1 });
  if (first === undefined || last === undefined) return null;
  return { ...names, seq: last.seq, hash: last.hash, first: first.hash };
}
