/** What starts, with all that a reviewer weighs; and clones that are new. */
import { criterionText, outputText } from "../meaning/of-missions.ts";
import { asCommand } from "../meaning/show.ts";
import { secretText } from "../model/secret-policy.ts";
import { cell, code } from "../status/text.ts";
import type { CloneFacts, PlanExplanation, PlannedStart } from "./explanation.ts";
import { type StartGroup, startGroups } from "./groups.ts";
import type { Detail, LeftOut } from "./markdown.ts";
import { codeCell, folded, table, upTo, words } from "./markdown-parts.ts";
import { budgetText, grouped, plural, someOf } from "./words.ts";

const INLINE_MAX = 3;

export function startLines(plan: PlanExplanation, detail: Detail, leave: LeftOut): string[] {
  return [
    ...section("### ▶️ Starts", plan.starts, { detail, leave }),
    ...(plan.starts.length > 0 && plan.parked.length > 0 ? [""] : []),
    ...section("### ⏸ New, and paused by its own file", plan.parked, { detail, leave }),
  ];
}

interface Room {
  readonly detail: Detail;
  readonly leave: LeftOut;
}

function section(title: string, starts: readonly PlannedStart[], room: Room): string[] {
  if (starts.length === 0) return [];
  const groups = startGroups(starts);
  const full = groups.slice(0, room.detail.groups);
  const brief = groups.slice(room.detail.groups);
  return [
    title,
    "",
    ...full.flatMap((group) => [...groupLines(group, room), ""]),
    ...briefLines(brief, room),
  ].slice(0, brief.length === 0 ? -1 : undefined);
}

function groupLines(group: StartGroup, room: Room): string[] {
  const { first, members } = group;
  const head =
    members.length === 1
      ? `#### ${code(first.mission)}, run ${first.run}, on ${code(first.clone)}`
      : `#### ${plural(members.length, "mission")} that may do the same`;
  return [
    head,
    "",
    ...objectiveLines(group, room),
    "",
    ...table(["", ""], factsOf(group)),
    ...(members.length === 1
      ? []
      : ["", ...folded(`all ${grouped(members.length)}`, memberLines(group, room))]),
  ];
}

function objectiveLines({ objective, members }: StartGroup, { detail, leave }: Room): string[] {
  if (objective === null) return ["Their objectives differ; they stand below."];
  const differs = members.length > 1 ? "" : "";
  return quoted(objective, detail.objective, leave).map((line) => `${differs}${line}`);
}

/** The objective line by line, as it is written, and nothing in it is markup. */
function quoted(text: string, most: number, leave: LeftOut): string[] {
  const shown = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  if (shown !== text) leave(`${grouped(text.length - shown.length)} characters of an objective`);
  return shown.split("\n").map((line) => `> ${cell(line)}`.trimEnd());
}

function memberLines({ members, objective }: StartGroup, { detail, leave }: Room): string[] {
  const shown = members.slice(0, detail.names);
  if (shown.length < members.length) leave(`${grouped(members.length - shown.length)} names of what starts`);
  const name = ({ mission, run, clone }: PlannedStart): string =>
    `${code(mission)}${run === 1 ? "" : ` (run ${run})`} on ${code(clone)}`;
  if (objective !== null) return [shown.map(name).join(", ")];
  return shown.map((start) => `- ${name(start)}: ${cell(clipped(start.objective, detail.objective / 4))}`);
}

function clipped(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Two columns: what is asked, and the answer. Questions without an answer worth reading are left out. */
function factsOf(group: StartGroup): readonly (readonly [string, string])[] {
  const { first, members } = group;
  const more = members.length > 1;
  const rows: [string, string | null][] = [
    ["Starts", whenText(group)],
    ["May cost", costText(group)],
    ["May work", first.window === "always" ? "at any time" : words(first.window)],
    [
      "Judged by",
      first.criteria
        .map((criterion) => `${codeCell(criterion.id)}: ${cell(criterionText(criterion))}`)
        .join("<br>"),
    ],
    [
      "⚠️ Judged by less than the repository",
      first.judging.length === 0 ? null : first.judging.map(cell).join("<br>"),
    ],
    ["Hands in", outputsText(first)],
    ["Tools", toolsText(first)],
    [
      "Asks before",
      first.approvalRequired.length === 0 ? "nothing" : cell(first.approvalRequired.join(", ")),
    ],
    ["Reads", first.inputs.length === 0 ? null : first.inputs.map(codeCell).join(", ")],
    ...cloneFactRows(first),
    ["Heartbeat", `every ${first.heartbeatSeconds} s`],
    ["Type", `${cell(first.type)}${first.resumes ? ", goes on where it was" : ""}`],
    ["Contract", more ? null : codeCell(first.contractHash.replace("sha256:", "").slice(0, 16))],
  ];
  return rows.flatMap(([what, answer]) =>
    answer === null || answer === "" ? [] : [[what, answer] as const],
  );
}

function whenText({ when, members, first }: StartGroup): string {
  const run =
    first.runBefore !== null && members.length === 1 && first.runBefore !== first.run
      ? `run ${first.run} follows run ${first.runBefore}: `
      : "";
  if (when.length === 1) return run + words(when[0]?.when ?? "");
  return when.map(({ when: text, count }) => `${grouped(count)} ${words(text)}`).join("<br>");
}

function costText({ first, members }: StartGroup): string {
  const { budget, acceptsUnmetered } = first;
  const each = budgetText(budget, "**no limit on cost**");
  const unmetered = acceptsUnmetered ? "; its contract accepts that nobody can measure this" : "";
  if (members.length === 1) return each + unmetered;
  const all =
    budget.max_cost_usd === null ? "" : `; together ${grouped(budget.max_cost_usd * members.length)} USD`;
  return `${each} each${all}${unmetered}`;
}

function outputsText({ outputs, storageScope }: PlannedStart): string {
  const list = outputs.map((output) => `${codeCell(output.path)} (${cell(outputText(output))})`).join("<br>");
  return `${list === "" ? "nothing that is required" : list}${storageScope === "factory" ? "" : `<br>kept in ${cell(storageScope)}`}`;
}

function toolsText({ allowedTools, forbiddenTools }: PlannedStart): string {
  const may = allowedTools.length === 0 ? "every tool of its baseline" : cell(allowedTools.join(", "));
  return forbiddenTools.length === 0 ? may : `${may}; not ${cell(forbiddenTools.join(", "))}`;
}

function cloneFactRows(clone: CloneFacts): [string, string | null][] {
  const { secrets, variables, resources } = clone;
  return [
    ["Runs", codeCell(asCommand(clone.command))],
    ["Made of", cell([clone.baseline, ...clone.overlays].join(" + "))],
    ["Held by", cell([`isolation ${clone.isolation}`, `driver ${clone.driver}`, ...resources].join(", "))],
    [
      "Secrets",
      secrets.length === 0
        ? null
        : secrets
            .map(({ name, from }) => `${codeCell(name)} from ${codeCell(secretText(from))}`)
            .join("<br>"),
    ],
    ["Variables", variables.length === 0 ? null : variables.map(codeCell).join(", ")],
    ["After closure", cell(clone.afterClosure)],
  ];
}

/** Groups that are not told in full. */
function briefLines(groups: readonly StartGroup[], { detail, leave }: Room): string[] {
  if (groups.length === 0) return [];
  leave(
    `all but cost and name of ${plural(
      groups.reduce((sum, { members }) => sum + members.length, 0),
      "mission",
    )} that start`,
  );
  const shown = upTo(groups, detail.rows, { leave, of: "groups of missions that start" });
  return table(
    ["Also start", "May cost", "Made of"],
    shown.map((group) => [
      someOf(
        group.members.map(({ mission }) => codeCell(mission)),
        INLINE_MAX,
      ),
      costText(group),
      cell([group.first.baseline, ...group.first.overlays].join(" + ")),
    ]),
  );
}

/** Clones that are new and have no mission that starts. */
export function newCloneLines(plan: PlanExplanation, detail: Detail, leave: LeftOut): string[] {
  const busy = new Set([...plan.starts, ...plan.parked].map(({ clone }) => clone));
  const idle = plan.newClones.filter(({ clone }) => !busy.has(clone));
  if (idle.length === 0) return [];
  const groups = [
    ...Map.groupBy(idle, ({ clone, ...rest }) => JSON.stringify(rest).replaceAll(clone, "")).values(),
  ];
  const shown = upTo(groups, detail.groups, { leave, of: "groups of new clones" });
  return [
    "### New clones without work",
    "",
    ...shown.flatMap((group) => {
      const [first] = group;
      if (first === undefined) return [];
      const rows = cloneFactRows(first).flatMap(([what, answer]) =>
        answer === null ? [] : [[what, answer]],
      );
      return [
        `#### ${someOf(
          group.map(({ clone }) => code(clone)),
          INLINE_MAX,
        )}`,
        "",
        ...table(["", ""], rows),
        "",
      ];
    }),
  ].slice(0, -1);
}
