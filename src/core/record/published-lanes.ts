/**
 * All lanes and closures as they are published: few files of many lines. At 10,000 missions a file for each of them would be more
 * than anybody can look at or read back.
 */
import { type ChunkLimits, chunksOf } from "../model/chunks.ts";
import type { CloneState, ClosedMission } from "../model/clone-state.ts";
import { CONDITION_TYPES, type Condition, type ConditionType } from "../model/condition.ts";
import { FactoryError } from "../model/error.ts";
import type { Instant } from "../model/time.ts";
import { iso } from "../model/time.ts";
import { firstLine, type Line, laterLine, lineFile, readLines } from "./line-files.ts";
import { closedMissionIn, type PublishedClone, publishedClone, publishedCloneIn } from "./published.ts";

/** Lanes of a file: what does not move is written again with whatever of its file does. */
const LANES_PER_FILE: ChunkLimits = { itemsMin: 8, itemsMean: 16, itemsMax: 32 };
/** Closures hardly ever change once they are written. */
const CLOSURES_PER_FILE: ChunkLimits = { itemsMin: 16, itemsMean: 32, itemsMax: 64 };
/**
 * Characters of the closures that are published whole, the newest ones: some 20,000 of missions that went well, 6,000 of missions
 * with a dozen incidents each. Of older ones their lane says that they are over, by name, run and id, which is what keeps
 * them from being run again; their reports stand in the history of the branch.
 */
export const CLOSURES_CHARACTERS_MAX = 64 * 1024 * 1024;
/** Half of the largest file that is read back. Of lines that are longer together each half has a file of its own. */
const FILE_CHARACTERS_MAX = 1024 * 1024;
/** Stands for the clone's own name in what is told of it, so that lanes which differ in nothing else look alike. */
const OWN_NAME = "{{clone}}";
/** A name that nothing else in the text of a lane happens to contain, and no number or keyword of JSON can. */
const OWN_NAMED = /^(?=.*[a-z_])[\w-]{16,}$/;

type Files = Generator<void, ReadonlyMap<string, string>>;

/**
 * The files of all lanes, by path below `lanes/`. Lanes that move stand apart from those that rest, so that a publication writes
 * again only the files of lanes that moved. Yields after every file that was not remembered.
 */
export function* laneFiles(states: Iterable<CloneState>, memory: PublishedMemory): Files {
  const files = new Map<string, string>();
  const sorted = [...states].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [group, lanes] of Map.groupBy(sorted, (state) => (isMoving(state) ? "moving" : "resting")))
    for (const chunk of chunksOf(lanes, ({ name }) => name, LANES_PER_FILE))
      yield* addFiles(files, chunk, {
        remembered: memory.laneFiles,
        pathOf: ({ name }) => `${group}/${name}.jsonl`,
        linesOf: (members) => laneLines(members, memory.laneLines),
      });
  return files;
}

/** An instance lives, or something is under way that ends by itself. */
function isMoving({ phase, instance }: CloneState): boolean {
  return instance !== null || (phase !== "Idle" && phase !== "Retired" && phase !== "Quarantined");
}

export interface ClosedOnLane {
  readonly clone: string;
  readonly closed: ClosedMission;
}

/** The files of the newest closures, by path below `closures/`: in the order in which they were closed, so that the newest file alone grows. */
export function* closureFiles(
  states: Iterable<CloneState>,
  memory: PublishedMemory,
  most = CLOSURES_CHARACTERS_MAX,
): Files {
  const files = new Map<string, string>();
  const all: ClosedMission[] = [];
  const laneOf = new Map<ClosedMission, string>();
  for (const { name, past } of states)
    for (const closed of past) {
      all.push(closed);
      laneOf.set(closed, name);
    }
  all.sort((a, b) => a.closedAt - b.closedAt || (a.missionId < b.missionId ? -1 : 1));
  let left = most;
  for (const chunk of chunksOf(all, ({ missionId }) => missionId, CLOSURES_PER_FILE).toReversed()) {
    const newer = new Map<string, string>();
    yield* addFiles(newer, chunk, {
      remembered: memory.closureFiles,
      pathOf: ({ closedAt, missionId }) => `${iso(closedAt).slice(0, 10)}-${missionId}.jsonl`,
      linesOf: (some) =>
        linesOf(
          some.map((closed) => ({ id: closed.missionId, value: { clone: laneOf.get(closed), closed } })),
        ),
    });
    left -= [...newer.values()].reduce((sum, text) => sum + text.length, 0);
    if (left < 0) break;
    for (const [path, text] of newer) files.set(path, text);
  }
  return files;
}

/** Objects are never changed, only replaced: a file of the same objects is the same file. */
interface Remembered<T> {
  readonly members: readonly T[];
  readonly files: ReadonlyMap<string, string>;
}

/** What was written before, kept by whoever publishes: of a large fleet little changes between two publications. */
export interface PublishedMemory {
  readonly laneFiles: WeakMap<CloneState, Remembered<CloneState>>;
  readonly laneLines: WeakMap<CloneState, { readonly first: CloneState; readonly line: string }>;
  readonly closureFiles: WeakMap<ClosedMission, Remembered<ClosedMission>>;
}

export function publishedMemory(): PublishedMemory {
  return { laneFiles: new WeakMap(), laneLines: new WeakMap(), closureFiles: new WeakMap() };
}

interface FileKind<T extends object> {
  /** By the member of the first line. */
  readonly remembered: WeakMap<T, Remembered<T>>;
  readonly pathOf: (first: T) => string;
  readonly linesOf: (members: readonly T[]) => readonly string[];
}

function* addFiles<T extends object>(
  files: Map<string, string>,
  members: readonly T[],
  kind: FileKind<T>,
): Generator<void, void> {
  const [first] = members;
  if (first === undefined) return;
  let known = kind.remembered.get(first);
  if (known?.members.length !== members.length || !known.members.every((one, at) => one === members[at])) {
    known = { members, files: new Map(textsOf(members, kind)) };
    kind.remembered.set(first, known);
    yield;
  }
  for (const [path, text] of known.files) files.set(path, text);
}

function textsOf<T extends object>(
  members: readonly T[],
  kind: FileKind<T>,
): readonly (readonly [string, string])[] {
  const [first] = members;
  if (first === undefined) return [];
  const text = lineFile(kind.linesOf(members));
  if (text.length <= FILE_CHARACTERS_MAX || members.length === 1) return [[kind.pathOf(first), text]];
  const half = Math.ceil(members.length / 2);
  return [...textsOf(members.slice(0, half), kind), ...textsOf(members.slice(half), kind)];
}

function linesOf([first, ...later]: readonly Line[]): readonly string[] {
  return first === undefined ? [] : [firstLine(first), ...later.map((line) => laterLine(line, first.value))];
}

/** A lane that has not changed has the same line as long as the first one of its file is the same. */
function laneLines(
  states: readonly CloneState[],
  remembered: PublishedMemory["laneLines"],
): readonly string[] {
  const [first] = states;
  if (first === undefined) return [];
  const base = laneLine(first);
  return states.map((state) => {
    const known = remembered.get(state);
    if (known?.first === first) return known.line;
    const line = state === first ? firstLine(base) : laterLine(laneLine(state), base.value);
    remembered.set(state, { first, line });
    return line;
  });
}

interface LaneValue {
  /** What stands for the lane's name in `lane`; null where nothing does. */
  readonly own: string | null;
  readonly lane: Omit<PublishedClone, "format">;
}

function laneLine(state: CloneState): Line {
  const { format: _format, ...published } = publishedClone(state);
  const conditions = sinceWhen(state.conditions, state.phaseSince);
  const text = JSON.stringify({ ...published, state: { ...published.state, conditions } });
  const own = !OWN_NAMED.test(state.name) || text.includes(OWN_NAME) ? null : OWN_NAME;
  const lane = own === null ? text : text.replaceAll(state.name, own);
  return { id: state.name, value: { own, lane: JSON.parse(lane) } };
}

/** Rejects `record/unreadable`. */
export function readLaneFile(path: string, text: string): readonly PublishedClone[] {
  return readLines(path, text).map(({ id, value }) => {
    const { own, lane } = value as Partial<LaneValue>;
    const named = typeof own === "string" ? JSON.parse(JSON.stringify(lane).replaceAll(own, id)) : lane;
    const published = publishedCloneIn(path, { ...named, format: 1 });
    if (published.clone !== id)
      throw new FactoryError(
        "record/unreadable",
        "stall",
        `${path} on the status branch cannot be used: its line of ${id} tells of ${published.clone}`,
      );
    const { phaseSince } = published.state;
    return { ...published, state: { ...published.state, conditions: recalled(published.state, phaseSince) } };
  });
}

/** Rejects `record/unreadable`. */
export function readClosureFile(path: string, text: string): readonly ClosedMission[] {
  return readLines(path, text).map(({ value }) =>
    closedMissionIn(path, (value as Partial<ClosedOnLane>).closed),
  );
}

/**
 * Of conditions only since when each has its status is remembered: `T-250` is true since 250 ms before the lane's phase began. The rest
 * follows from the state with the first event of the next record.
 */
type Since = Readonly<Partial<Record<ConditionType, string>>>;

function sinceWhen(conditions: readonly Condition[], from: Instant): Since {
  return Object.fromEntries(
    conditions.map(({ type, status, since }) => [type, `${status[0]}${since - from}`]),
  );
}

function recalled(
  { conditions, generation, mission, spec }: PublishedClone["state"],
  from: Instant,
): readonly Condition[] {
  const since = conditions as unknown as Since;
  return CONDITION_TYPES.flatMap((type): Condition[] => {
    const [, status, ms] = /^([TFU])(-?\d+)$/.exec(since[type] ?? "") ?? [];
    if (status === undefined) return [];
    return [
      {
        type,
        status: status === "T" ? "True" : status === "F" ? "False" : "Unknown",
        reason: "Restored",
        message: "not derived again since the record was rebuilt",
        since: from + Number(ms),
        observedGeneration: generation,
        observedCommit: mission?.revision ?? spec?.revision ?? null,
      },
    ];
  });
}
