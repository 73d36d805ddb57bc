/** The files of a proposal: which changed, and what follows from which. */
import type { DesiredState } from "../model/desired.ts";
import type { Cause, ChangedFile, PlannedChange } from "./explanation.ts";

export interface FilesOfChange {
  /** By path. */
  readonly changed: readonly ChangedFile[];
  /** Every file below `overlays/` that the clone is made of, in the base or in the head. */
  sourcesOf(clone: string): readonly string[];
}

export const NO_FILES: FilesOfChange = { changed: [], sourcesOf: () => [] };

interface Sides {
  readonly base: DesiredState | null;
  readonly head: DesiredState;
  readonly files: FilesOfChange;
  readonly changes: readonly PlannedChange[];
}

/** One for each group of files that belong together: those that reach furthest first, those that change nothing last. */
export function causesOf(sides: Sides): readonly Cause[] {
  const { files } = sides;
  const named = namedFiles(sides);
  const groups = Map.groupBy(files.changed, ({ path }) => subjectOf(path, { named, sides }));
  const causes = [...groups].map(([subject, members]) => causeOf(subject, members, { named, sides }));
  return causes.sort(
    (a, b) =>
      Number(a.subject === OTHER) - Number(b.subject === OTHER) ||
      b.clones.length + b.missions.length - (a.clones.length + a.missions.length) ||
      (a.subject < b.subject ? -1 : 1),
  );
}

export const OTHER = "other files";
export const JUDGING = "checks, schemas and inputs";

/** Files that missions name: by path, the missions. */
function namedFiles({ head, files }: Sides): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { path } of files.changed) {
    const missions = [...head.missions.values()].filter(({ contract }) => {
      const { success_criteria, artifact_policy, inputs } = contract;
      return (
        success_criteria.some(({ check }) => check?.run.includes(path)) ||
        artifact_policy.required_outputs.some(({ schema }) => schema === path) ||
        inputs.some(
          (input) => input.path === path || (input.path.endsWith("/") && path.startsWith(input.path)),
        )
      );
    });
    if (missions.length > 0) found.set(path, missions.map(({ name }) => name).sort());
  }
  return found;
}

interface Around {
  readonly named: ReadonlyMap<string, readonly string[]>;
  readonly sides: Sides;
}

function subjectOf(path: string, { named, sides }: Around): string {
  if (path === "fleet.yaml") return path;
  const [folder = "", name = ""] = path.split("/");
  if (folder === "overlays" && name !== "")
    return `${isBaseline(name, sides) ? "baseline" : "overlay"} ${name}`;
  if (/^(clones|missions)\/[^/]+\.yaml$/.test(path)) return folder;
  return named.has(path) ? JUDGING : OTHER;
}

function isBaseline(name: string, { base, head, files }: Sides): boolean {
  return (
    files.changed.some(({ path }) => path === `overlays/${name}/baseline.yaml`) ||
    [...(base?.clones.values() ?? []), ...head.clones.values()].some(({ baseline }) => baseline.name === name)
  );
}

function causeOf(subject: string, files: readonly ChangedFile[], { named, sides }: Around): Cause {
  const paths = new Set(files.map(({ path }) => path));
  const caused = sides.changes.filter(({ causes }) => causes.some((path) => paths.has(path)));
  const ofKind = (kind: string): readonly string[] =>
    caused.flatMap((change) =>
      change.subject.startsWith(`${kind}/`) ? [change.subject.slice(kind.length + 1)] : [],
    );
  const own = (folder: string): readonly string[] =>
    files.flatMap(({ path }) =>
      path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1, -".yaml".length)] : [],
    );
  return {
    subject,
    files,
    clones: unique([...ofKind("clone"), ...(subject === "clones" ? own("clones") : [])]),
    missions: unique([
      ...ofKind("mission"),
      ...(subject === "missions" ? own("missions") : []),
      ...files.flatMap(({ path }) => (subject === JUDGING ? (named.get(path) ?? []) : [])),
    ]),
  };
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
