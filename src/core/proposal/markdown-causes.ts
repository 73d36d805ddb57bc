/** The part of the comment that says why: the files of a proposal, how far each reaches, and the lines in which texts differ. */
import { cell, code } from "../status/text.ts";
import type { Cause, ChangedFile, PlanExplanation } from "./explanation.ts";
import { JUDGING, OTHER } from "./files.ts";
import type { Detail, LeftOut } from "./markdown.ts";
import { folded } from "./markdown-parts.ts";
import { grouped, plural, someOf } from "./words.ts";

/** What changed in the repository, and how far that reaches. */
export function causeLines({ causes }: PlanExplanation, detail: Detail, leave: LeftOut): string[] {
  if (causes.length === 0) return [];
  const shared = causes.filter(({ subject }) => !OF_ONE.has(subject));
  const own = causes.filter(({ subject }) => OF_ONE.has(subject));
  return [
    "### Why",
    "",
    ...shared.filter(({ subject }) => subject !== OTHER).flatMap((cause) => causeItem(cause, detail, leave)),
    ...ownFiles(own),
    ...shared.filter(({ subject }) => subject === OTHER).flatMap((cause) => causeItem(cause, detail, leave)),
  ];
}

/** Each file of these is about one thing, which stands below. */
const OF_ONE: ReadonlySet<string> = new Set(["missions", "clones"]);

/** `12 missions and 12 clones added, 1 mission changed`: by their files. */
function ownFiles(causes: readonly Cause[]): string[] {
  const files = causes.flatMap(({ subject, files: some }) => some.map(({ change }) => ({ subject, change })));
  const verbs = [...Map.groupBy(files, ({ change }) => (change === "mode" ? "changed in mode" : change))].map(
    ([verb, some]) => {
      const count = (subject: string) => some.filter((file) => file.subject === subject).length;
      const [missions, clones] = [count("missions"), count("clones")];
      const what = [
        ...(missions === 0 ? [] : [plural(missions, "mission file")]),
        ...(clones === 0 ? [] : [plural(clones, "clone file")]),
      ];
      return `${what.join(" and ")} ${verb}`;
    },
  );
  return verbs.length === 0 ? [] : [`- ${verbs.join(", ")}`];
}

function causeItem(cause: Cause, detail: Detail, leave: LeftOut): string[] {
  const { files, clones, missions } = cause;
  const reach = [
    ...(clones.length === 0 ? [] : [plural(clones.length, "clone")]),
    ...(missions.length === 0 ? [] : [plural(missions.length, "mission")]),
  ].join(", ");
  const line = `- ${headOf(cause)} → ${reach === "" ? "nothing here" : `**${reach}**`}`;
  const inner = [
    ...namesOf(clones, { title: "Clones", detail, leave }),
    ...namesOf(missions, { title: "Missions", detail, leave }),
    ...files.flatMap((file) => diffLines(file, detail, leave)),
  ];
  if (inner.length === 0) return [line];
  const what = files.some(({ diff }) => diff !== undefined) ? "what changed, and for whom" : "for whom";
  return [line, ...indented(folded(what, inner))];
}

function headOf({ subject, files }: Cause): string {
  const [kind = "", name] = subject.split(" ");
  const own = subject.startsWith("overlay ") || subject.startsWith("baseline ");
  const verbs = Map.groupBy(files, ({ change }) => (change === "mode" ? "changed in mode" : change));
  if (subject === OTHER || subject === JUDGING || own)
    return `${own && name !== undefined ? `**${kind} ${cell(name)}**` : cell(subject)}: ${[...verbs]
      .map(([verb, some]) => `${pathsText(some, own ? `overlays/${name}/` : "")} ${verb}`)
      .join(", ")}`;
  return `**fleet.yaml** ${[...verbs.keys()].join(", ")}`;
}

const PATHS_MAX = 4;

function pathsText(files: readonly ChangedFile[], folder: string): string {
  const paths = files.map(({ path }) => code(path.startsWith(folder) ? path.slice(folder.length) : path));
  return someOf(paths, PATHS_MAX);
}

function namesOf(
  names: readonly string[],
  { title, detail, leave }: { readonly title: string; readonly detail: Detail; readonly leave: LeftOut },
): string[] {
  // A few stand where they are changed.
  if (names.length < 2) return [];
  const shown = names.slice(0, detail.names);
  if (shown.length < names.length) leave(`${names.length - shown.length} names of ${title.toLowerCase()}`);
  const rest = names.length - shown.length;
  return [`${title}: ${shown.map(code).join(", ")}${rest === 0 ? "" : ` and ${grouped(rest)} more`}`, ""];
}

function diffLines({ path, diff }: ChangedFile, detail: Detail, leave: LeftOut): string[] {
  if (diff === undefined || diff.lines.length === 0) return [];
  const shown = diff.lines.slice(0, detail.diffLines);
  const rest = diff.omitted + diff.lines.slice(shown.length).filter(({ sign }) => sign !== " ").length;
  if (rest > 0) leave(`${plural(rest, "changed line")} of ${code(path)}`);
  if (shown.length === 0) return [];
  const longest = Math.max(
    2,
    ...shown.flatMap(({ text }) => [...text.matchAll(/`+/g)].map(([run]) => run.length)),
  );
  const fence = "`".repeat(longest + 1);
  return [
    code(path),
    "",
    `${fence}diff`,
    ...shown.map(({ sign, text }) => `${sign}${text === "" ? "" : ` ${text}`}`),
    fence,
    "",
  ];
}

/** Below an item of a list. */
function indented(lines: readonly string[]): string[] {
  return ["", ...lines.map((line) => (line === "" ? "" : `  ${line}`)), ""];
}
