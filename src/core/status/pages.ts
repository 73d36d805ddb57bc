/**
 * The pages of the status branch: whatever has no folder of its own has a row here. Pages stay the same when rows come and go
 * elsewhere (`model/chunks.ts`), so a publication writes again only the pages on which something changed.
 */
import { type ChunkLimits, chunksOf } from "../model/chunks.ts";
import type { CloneState, ClosedMission } from "../model/clone-state.ts";
import { iso } from "../model/time.ts";
import { closedPhaseOf } from "./phase.ts";
import { PHASE_SIGN } from "./phase-sign.ts";
import type { Places } from "./places.ts";
import { cell } from "./text.ts";
import type { FleetView, MissionView } from "./view.ts";

const ROWS_PER_PAGE: ChunkLimits = { itemsMin: 64, itemsMean: 128, itemsMax: 256 };

export interface Page {
  readonly path: string;
  readonly text: string;
  readonly rows: number;
  /** What its first and its last row are about. */
  readonly from: string;
  readonly to: string;
}

export interface Pages {
  /** Missions that were not closed, by name. */
  readonly missions: readonly Page[];
  /** Closed missions, the oldest first. */
  readonly closed: readonly Page[];
  readonly clones: readonly Page[];
}

export function pagesOf(view: FleetView, states: ReadonlyMap<string, CloneState>, places: Places): Pages {
  const shown = new Set(
    view.missions.flatMap(({ closure, missionId }) => (closure === null ? [missionId] : [])),
  );
  return {
    missions: pages(
      view.missions.filter(({ missionId }) => shown.has(missionId) && !places.missions.has(missionId)),
      {
        folder: "missions",
        title: "Missions without a folder of their own",
        columns: ["Mission", "Phase", "Last said", "Clone"],
        nameOf: ({ name }) => name,
        fileOf: ({ name }) => name,
        rowOf: missionRow,
      },
    ),
    closed: pages(closedWithout(states, places), {
      folder: "closed",
      title: "Closed missions without a folder of their own",
      note: "The report of each stands in the history of this branch: `git log -- missions/NAME/closure.md`.",
      columns: ["Mission", "Outcome", "Closed", "Decision", "Clone"],
      nameOf: ({ closed }) => `${iso(closed.closedAt).slice(0, 10)} ${closed.name}`,
      fileOf: ({ closed }) => `${iso(closed.closedAt).slice(0, 10)}-${closed.missionId}`,
      rowOf: closedRow,
    }),
    clones: pages(
      view.clones.filter(({ name }) => !places.clones.has(name)),
      {
        folder: "clones",
        title: "Clones without a folder of their own",
        columns: ["Clone", "Phase", "Mission", "Generation", "Holds"],
        nameOf: ({ name }) => name,
        fileOf: ({ name }) => name,
        rowOf: ({ name, phase, mission, generation, holds }) => [
          `\`${name}\``,
          phase,
          mission ?? "–",
          String(generation),
          holds.map(({ kind }) => kind).join(", ") || "–",
        ],
      },
    ),
  };
}

function missionRow({ name, phase, summary, clone }: MissionView): readonly string[] {
  return [`${PHASE_SIGN[phase]} **${name}**`, phase, cell(summary), `\`${clone}\``];
}

interface Closed {
  readonly clone: string;
  readonly closed: ClosedMission;
}

function closedRow({ clone, closed }: Closed): readonly string[] {
  const phase = closedPhaseOf(closed);
  return [
    `${PHASE_SIGN[phase]} **${closed.name}** run ${closed.run}`,
    `${phase}, ${closed.outcome}`,
    iso(closed.closedAt),
    closed.decision,
    `\`${clone}\``,
  ];
}

function closedWithout(states: ReadonlyMap<string, CloneState>, places: Places): readonly Closed[] {
  const all: Closed[] = [];
  for (const { name, past } of states.values())
    for (const closed of past) if (!places.missions.has(closed.missionId)) all.push({ clone: name, closed });
  return all.sort(
    (a, b) => a.closed.closedAt - b.closed.closedAt || (a.closed.missionId < b.closed.missionId ? -1 : 1),
  );
}

interface Kind<T> {
  readonly folder: string;
  readonly title: string;
  readonly note?: string;
  readonly columns: readonly string[];
  /** What the index calls it by. */
  readonly nameOf: (item: T) => string;
  readonly fileOf: (item: T) => string;
  readonly rowOf: (item: T) => readonly string[];
}

function pages<T>(items: readonly T[], kind: Kind<T>): readonly Page[] {
  return chunksOf(items, kind.fileOf, ROWS_PER_PAGE).flatMap((chunk) => {
    const [first] = chunk;
    const last = chunk.at(-1);
    if (first === undefined || last === undefined) return [];
    const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
    const text = [
      `# ${kind.title}`,
      "",
      `${chunk.length} of them, from ${kind.nameOf(first)} to ${kind.nameOf(last)}. The rest is found from the [board](../../README.md).`,
      ...(kind.note === undefined ? [] : ["", kind.note]),
      "",
      line(kind.columns),
      `|${"---|".repeat(kind.columns.length)}`,
      ...chunk.map((item) => line(kind.rowOf(item))),
      "",
    ].join("\n");
    const path = `pages/${kind.folder}/${kind.fileOf(first)}.md`;
    return [{ path, text, rows: chunk.length, from: kind.nameOf(first), to: kind.nameOf(last) }];
  });
}
