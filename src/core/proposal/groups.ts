/** What reads alike is told once: rows that differ in a name alone, and missions that may do the same. */

import type { Direction } from "../meaning/direction.ts";
import type { FieldChange } from "../meaning/field.ts";
import { canonicalJson } from "../model/digest.ts";
import type { PlannedChange, PlannedStart, PlannedStop } from "./explanation.ts";
import { bare } from "./verdict.ts";

/** Stand for the names in which members of a group differ. */
const MISSION = "‹mission›";
const CLONE = "‹clone›";

export interface FieldRow extends FieldChange {
  readonly kind: "mission" | "clone" | "fleet";
  readonly names: readonly string[];
  readonly effect: string;
  readonly applies: boolean;
}

/** `idle`: whatever the direction, it takes no effect. */
export type RowKind = Direction | "idle";

/** The changed fields of one kind; rows that say the same of several have all their names. */
export function fieldRows(changes: readonly PlannedChange[], which: RowKind): readonly FieldRow[] {
  const rows = changes.flatMap(({ subject, fields, effect, applies }) =>
    fields
      .filter((field) => (applies ? field.direction === which : which === "idle"))
      .map((field) => ({ ...field, kind: kindOf(subject), name: bare(subject), effect, applies })),
  );
  const groups = Map.groupBy(rows, ({ name: _name, ...row }) => canonicalJson(row));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { name: _name, ...row } = first;
    return [{ ...row, names: [...new Set(group.map(({ name }) => name))].sort() }];
  });
}

function kindOf(subject: string): FieldRow["kind"] {
  return subject === "fleet" ? "fleet" : subject.startsWith("clone/") ? "clone" : "mission";
}

export interface StartGroup {
  /** Of which the group tells; the others differ from it in their names and objectives alone. */
  readonly first: PlannedStart;
  readonly members: readonly PlannedStart[];
  /** With placeholders for what differs; null: the objectives differ in more than names. */
  readonly objective: string | null;
  /** How many wait for what. */
  readonly when: readonly { readonly when: string; readonly count: number }[];
}

/** Missions with the same rights, limits and judgement, the largest group first. */
export function startGroups(starts: readonly PlannedStart[]): readonly StartGroup[] {
  const groups = Map.groupBy(starts, likeness);
  return [...groups.values()]
    .flatMap((members): StartGroup[] => {
      const [first] = members;
      if (first === undefined) return [];
      const objectives = new Set(members.map((start) => unnamed(start.objective, start)));
      const [one = ""] = objectives;
      const objective = members.length === 1 ? first.objective : objectives.size === 1 ? one : null;
      const when = [...Map.groupBy(members, (start) => start.when)].map(([text, of]) => ({
        when: text,
        count: of.length,
      }));
      return [{ first, members, objective, when }];
    })
    .sort((a, b) => b.members.length - a.members.length || (a.first.mission < b.first.mission ? -1 : 1));
}

/** Everything but who it is, what it is for in words, and when. */
function likeness(start: PlannedStart): string {
  const {
    mission: _mission,
    missionId: _id,
    clone: _clone,
    contractHash: _hash,
    objective: _objective,
    when: _when,
    held: _held,
    run: _run,
    runBefore: _before,
    ...rest
  } = start;
  return unnamed(canonicalJson(rest), start);
}

/** Names as words of their own: one that is a part of another word is not meant. */
function unnamed(text: string, { mission, clone }: PlannedStart): string {
  return text.replaceAll(wordOf(clone), CLONE).replaceAll(wordOf(mission), MISSION);
}

function wordOf(name: string): RegExp {
  return new RegExp(`(?<![\\w-])${name.replace(/[^\w-]/g, "\\$&")}(?![\\w-])`, "g");
}

export interface StopGroup {
  readonly stops: readonly PlannedStop[];
  readonly reason: string;
  readonly fate: PlannedStop["fate"];
  readonly runs: PlannedStop["runs"];
  readonly waits: string | null;
}

export function stopGroups(stops: readonly PlannedStop[]): readonly StopGroup[] {
  const keyOf = ({ reason, fate, runs, held, mission }: PlannedStop): string =>
    canonicalJson({ reason, fate, runs, waits: held?.message ?? null, has: mission !== null });
  return [...Map.groupBy(stops, keyOf).values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined) return [];
    const { reason, fate, runs, held } = first;
    return [{ stops: members, reason, fate, runs, waits: held?.message ?? null }];
  });
}
