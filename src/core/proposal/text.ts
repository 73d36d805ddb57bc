/** The plan for a terminal: the verdict first, then causes, then what starts, stops and changes. */
import { criterionText, outputText } from "../meaning/of-missions.ts";
import { asCommand } from "../meaning/show.ts";
import { plainLine } from "../model/plain-text.ts";
import { secretText } from "../model/secret-policy.ts";
import type { Cause, CloneFacts, PlanExplanation, PlannedStart } from "./explanation.ts";
import { fieldRows, type RowKind, startGroups, stopGroups } from "./groups.ts";
import type { ShownPlan } from "./markdown.ts";
import { verdictOf } from "./verdict.ts";
import { budgetText, grouped, plural, someOf, wrap } from "./words.ts";

export type TextColour = "bold" | "dim" | "red" | "green" | "yellow";

export interface TextPlace {
  readonly width: number;
  readonly paint: (colour: TextColour, text: string) => string;
}

/** Names that stand in one row; `--json` has all of them. */
const NAMES_MAX = 12;
const DIFF_LINES_MAX = 20;

/** Issues are not in it: whoever prints it prints them as everywhere else. */
export function planText({ plan, issues, baseText, headText }: ShownPlan, place: TextPlace): string {
  const page = new Page(place);
  const { paint } = place;
  page.raw(
    `${paint("bold", "base")}  ${plainLine(baseText)}`,
    `${paint("bold", "head")}  ${plainLine(headText)}`,
    "",
  );
  const { does, cost, loosens, approval, problems } = verdictOf(plan, issues);
  page.paragraph(does, "bold");
  if (cost !== null) page.paragraph(cost);
  if (loosens !== null) page.paragraph(loosens, "red");
  if (problems !== null) page.paragraph(problems, "red");
  if (approval !== null) page.paragraph(approval);
  page.paragraph([plan.world.text, ...plan.world.unknown].join(" "), "dim");
  page.raw("");
  approvals(page, plan);
  causes(page, plan);
  rows(page, plan, "loosened");
  starts(page, `Starts (${grouped(plan.starts.length)})`, plan.starts);
  starts(page, `New, and paused by its own file (${grouped(plan.parked.length)})`, plan.parked);
  stops(page, plan);
  rows(page, plan, "tightened");
  rows(page, plan, "changed");
  rows(page, plan, "idle");
  newClones(page, plan);
  held(page, plan);
  page.raw(
    `touches ${grouped(plan.blast.touched.length)} of ${plural(plan.blast.total, "clone")}`,
    `plan    ${plan.planHash}`,
  );
  return page.text();
}

class Page {
  readonly #lines: string[] = [];
  readonly #place: TextPlace;

  constructor(place: TextPlace) {
    this.#place = place;
  }

  raw(...lines: readonly string[]): void {
    this.#lines.push(...lines);
  }

  paragraph(text: string, colour?: TextColour): void {
    const { width, paint } = this.#place;
    const rows = wrap(plainLine(text.replaceAll("`", "")), width).split("\n");
    this.raw(...rows.map((row) => (colour === undefined ? row : paint(colour, row))));
  }

  title(text: string): void {
    this.raw(this.#place.paint("bold", text));
  }

  item(sign: string, colour: TextColour, text: string): void {
    const { width, paint } = this.#place;
    const rows = wrap(plainLine(text.replaceAll("`", "")), width - 2).split("\n");
    this.raw(...rows.map((row, index) => (index === 0 ? `${paint(colour, sign)} ${row}` : `  ${row}`)));
  }

  fact(name: string, text: string): void {
    const { width, paint } = this.#place;
    const indent = " ".repeat(FACT_COLUMNS + 2);
    const rows = wrap(plainLine(text), width - FACT_COLUMNS - 2).split("\n");
    this.raw(
      ...rows.map((row, index) =>
        index === 0 ? `  ${paint("dim", name.padEnd(FACT_COLUMNS))}${row}` : `${indent}${row}`,
      ),
    );
  }

  text(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

const FACT_COLUMNS = 13;

function approvals(page: Page, { approvals: needs }: PlanExplanation): void {
  if (needs === null || needs.length === 0) return;
  page.title("Approvals");
  for (const { subject, count, from, given, why } of needs) {
    const who = from.length === 0 ? "of those who may write" : `of ${from.join(", ")}`;
    const has = given.length === 0 ? "" : `; given by ${given.join(", ")}`;
    page.item("*", given.length >= count ? "green" : "yellow", `${subject}: ${count} ${who}${has}: ${why}`);
  }
  page.raw("");
}

function causes(page: Page, plan: PlanExplanation): void {
  if (plan.causes.length === 0) return;
  page.title("Why");
  for (const cause of plan.causes) {
    page.item("·", "bold", `${cause.subject}: ${filesText(cause)} → ${reachText(cause)}`);
    for (const { path, diff } of cause.files) {
      if (diff === undefined || diff.lines.length === 0) continue;
      page.raw(`    ${plainLine(path)}`);
      for (const { sign, text } of diff.lines.slice(0, DIFF_LINES_MAX))
        page.raw(`    ${sign} ${text}`.trimEnd());
      const rest = diff.omitted + diff.lines.slice(DIFF_LINES_MAX).filter(({ sign }) => sign !== " ").length;
      if (rest > 0) page.raw(`    … ${plural(rest, "changed line")} more`);
    }
  }
  page.raw("");
}

function filesText({ files, subject }: Cause): string {
  const folder = /^(?:overlay|baseline) (.+)$/.exec(subject)?.[1];
  const short = (path: string): string =>
    folder !== undefined && path.startsWith(`overlays/${folder}/`)
      ? path.slice(`overlays/${folder}/`.length)
      : path;
  return [...Map.groupBy(files, ({ change }) => (change === "mode" ? "changed in mode" : change))]
    .map(
      ([verb, some]) =>
        `${someOf(
          some.map(({ path }) => short(path)),
          4,
        )} ${verb}`,
    )
    .join(", ");
}

function reachText({ clones, missions }: Cause): string {
  const parts = [
    ...(clones.length === 0 ? [] : [plural(clones.length, "clone")]),
    ...(missions.length === 0 ? [] : [plural(missions.length, "mission")]),
  ];
  return parts.length === 0 ? "nothing here" : parts.join(", ");
}

const SIGNS: Readonly<Record<RowKind, readonly [string, string, TextColour]>> = {
  loosened: ["Loosened", "!", "red"],
  tightened: ["Tightened", "v", "green"],
  changed: ["Changed", "~", "yellow"],
  idle: ["Takes no effect", "·", "dim"],
};

function rows(page: Page, plan: PlanExplanation, which: RowKind): void {
  const found = fieldRows(plan.changes, which);
  if (found.length === 0) return;
  const [title, sign, colour] = SIGNS[which];
  page.title(title);
  for (const { kind, names, words, before, after, effect } of found) {
    const who =
      kind === "fleet"
        ? "fleet"
        : names.length === 1
          ? `${kind} ${names[0]}`
          : `${plural(names.length, kind)} (${someOf(names, NAMES_MAX)})`;
    page.item(sign, colour, `${who}: ${words}: ${before} → ${after}; ${effect}`);
  }
  page.raw("");
}

function starts(page: Page, title: string, some: readonly PlannedStart[]): void {
  if (some.length === 0) return;
  page.title(title);
  for (const { first, members, objective, when } of startGroups(some)) {
    const head =
      members.length === 1
        ? `${first.mission} run ${first.run} on ${first.clone}`
        : `${plural(members.length, "mission")}: ${someOf(
            members.map(({ mission }) => mission),
            NAMES_MAX,
          )}`;
    page.item("+", "green", head);
    page.fact(
      "starts",
      when.length === 1 ? (when[0]?.when ?? "") : when.map((one) => `${one.count} ${one.when}`).join("; "),
    );
    page.fact("objective", objective ?? "differs from mission to mission; --json has each");
    page.fact("may cost", costText(first, members.length));
    page.fact("window", first.window);
    for (const criterion of first.criteria)
      page.fact("judged by", `${criterion.id}: ${criterionText(criterion)}`);
    for (const word of first.judging) page.fact("! judged", word);
    for (const output of first.outputs) page.fact("hands in", `${output.path} (${outputText(output)})`);
    const may =
      first.allowedTools.length === 0 ? "every tool of its baseline" : first.allowedTools.join(", ");
    page.fact(
      "tools",
      first.forbiddenTools.length === 0 ? may : `${may}; not ${first.forbiddenTools.join(", ")}`,
    );
    page.fact("asks before", first.approvalRequired.join(", ") || "nothing");
    if (first.inputs.length > 0) page.fact("reads", first.inputs.join(", "));
    facts(page, first);
    page.fact(
      "contract",
      members.length === 1 ? first.contractHash.replace("sha256:", "").slice(0, 16) : "one each",
    );
  }
  page.raw("");
}

function costText({ budget, acceptsUnmetered }: PlannedStart, count: number): string {
  const all =
    count === 1
      ? ""
      : ` each${budget.max_cost_usd === null ? "" : `, together ${grouped(budget.max_cost_usd * count)} USD`}`;
  const unmetered = acceptsUnmetered ? "; its contract accepts that nobody can measure this" : "";
  return `${budgetText(budget)}${all}${unmetered}`;
}

function facts(page: Page, clone: CloneFacts): void {
  page.fact("runs", asCommand(clone.command));
  page.fact("made of", [clone.baseline, ...clone.overlays].join(" + "));
  page.fact(
    "held by",
    [`isolation ${clone.isolation}`, `driver ${clone.driver}`, ...clone.resources].join(", "),
  );
  for (const { name, from } of clone.secrets) page.fact("secret", `${name} from ${secretText(from)}`);
  if (clone.variables.length > 0) page.fact("variables", clone.variables.join(", "));
}

function stops(page: Page, plan: PlanExplanation): void {
  if (plan.stops.length === 0) return;
  page.title(`Stops (${grouped(plan.stops.length)})`);
  for (const { stops: some, reason, fate, waits } of stopGroups(plan.stops)) {
    const names = some.map(({ mission, clone }) => (mission === null ? clone : `${mission} on ${clone}`));
    const away = fate === "put_away" ? ", clone put away" : fate === "restarted" ? ", started again" : "";
    page.item(
      "-",
      "red",
      `${someOf(names, NAMES_MAX)}${away}: ${reason}${waits === null ? "" : `. Not yet: ${waits}`}`,
    );
  }
  page.raw("");
}

function newClones(page: Page, plan: PlanExplanation): void {
  const busy = new Set([...plan.starts, ...plan.parked].map(({ clone }) => clone));
  const idle = plan.newClones.filter(({ clone }) => !busy.has(clone));
  if (idle.length === 0) return;
  page.title(`New clones without work (${grouped(idle.length)})`);
  for (const clone of idle) {
    page.item("+", "green", clone.clone);
    facts(page, clone);
  }
  page.raw("");
}

function held(page: Page, plan: PlanExplanation): void {
  if (plan.held.length === 0) return;
  page.title(`Held back (${grouped(plan.held.length)})`);
  for (const { subject, message } of plan.held) page.item("=", "yellow", `${subject}: ${message}`);
  page.raw("");
}
