import type { MissionPhase } from "../model/mission.ts";
import { drillText } from "./drills.ts";
import type { Page, Pages } from "./pages.ts";
import { PHASE_SIGN } from "./phase-sign.ts";
import type { Places } from "./places.ts";
import { cell, code, page } from "./text.ts";
import type { FleetView, InboxItem } from "./view.ts";

/** Rows per table; beyond, a line says how many more there are. */
const ROWS_MAX = 200;

/**
 * The README of the status branch: what a person sees first on a forge. What
 * needs somebody stands on top. It changes only when something happened: no
 * ages, and meters in steps.
 */
export function board(
  view: FleetView,
  {
    inbox,
    percent,
    places,
    pages,
  }: {
    readonly inbox: readonly InboxItem[];
    readonly percent: (used: number, limit: number | null) => number;
    readonly places: Places;
    readonly pages: Pages;
  },
): string {
  return page([
    "# Fleet board",
    "",
    sentence(view),
    "",
    ...source(view),
    ...attention(inbox),
    ...missions(view, percent, { places, pages }),
    ...clones(view, { places, pages }),
    ...held(view),
    ...drills(view),
    ...issues(view),
    "---",
    "",
    "Written by Factory; this branch is a report. To change anything, open a pull request against the branch it was read from.",
    "",
  ]);
}

function sentence(view: FleetView): string {
  const parts = (Object.entries(view.counts) as [MissionPhase, number][])
    .filter(([, count]) => count > 0)
    .map(([phase, count]) => `${PHASE_SIGN[phase]} ${count} ${phase}`);
  return parts.length === 0 ? "No missions are declared." : `**${parts.join(" · ")}**`;
}

function source(view: FleetView): string[] {
  const { state, reason, message, revision } = view.source;
  const mode = view.mode === "normal" ? "" : ` · mode **${view.mode}**`;
  if (state === "ok" || state === "verified_empty")
    return [`Read at \`${revision?.slice(0, 12) ?? "?"}\`${mode}`, ""];
  return [
    `> ⚠️ **${reason}**: ${cell(message)}. What was approved last (\`${revision?.slice(0, 12) ?? "nothing"}\`) still holds.`,
    "",
  ];
}

function attention(inbox: readonly InboxItem[]): string[] {
  if (inbox.length === 0) return [];
  const sign = { critical: "🔴", warning: "🟠", info: "🔵" };
  return [
    "## Needs a decision",
    "",
    ...inbox
      .slice(0, ROWS_MAX)
      .map(
        (item) =>
          `- ${sign[item.severity]} **${item.subject}** (${item.kind}): ${cell(item.message)}\n  ${item.answers.map((answer) => `\`${answer}\``).join(" · ")}`,
      ),
    ...more(inbox),
    "",
  ];
}

interface Told {
  readonly places: Places;
  readonly pages: Pages;
}

function missions(
  view: FleetView,
  percent: (used: number, limit: number | null) => number,
  { places, pages }: Told,
): string[] {
  if (view.missions.length === 0) return [];
  const shown = new Set([...places.missions].slice(0, ROWS_MAX));
  const missions = view.missions.filter(({ missionId }) => shown.has(missionId));
  const rows = missions.map((mission) => {
    const runtime = percent(mission.usage.activeMs / 60_000, mission.budget.maxRuntimeMinutes);
    const links = [`[status](missions/${mission.name}/status.yaml)`];
    if (mission.closure !== null)
      links.push(
        `[closure](missions/${mission.name}/closure.md)`,
        `[scorecard](missions/${mission.name}/scorecard.yaml)`,
      );
    return `| ${PHASE_SIGN[mission.phase]} **${mission.name}** | ${mission.phase}${mission.outcome === null ? "" : `, ${mission.outcome}`} | ${cell(mission.summary)} | ${bar(runtime)} of ${mission.budget.maxRuntimeMinutes} min | ${links.join(" · ")} |`;
  });
  return [
    "## Missions",
    "",
    "| Mission | Phase | Last said | Runtime | |",
    "|---|---|---|---|---|",
    ...rows,
    ...rest(view.missions.length - missions.length),
    ...index("Not closed", pages.missions),
    ...index("Closed", pages.closed),
    "",
  ];
}

function clones(view: FleetView, { places, pages }: Told): string[] {
  if (view.clones.length === 0) return [];
  const shown = new Set([...places.clones].slice(0, ROWS_MAX));
  const clones = view.clones.filter(({ name }) => shown.has(name));
  const rows = clones.map((clone) => {
    const instance =
      clone.instance === null
        ? "–"
        : `epoch ${clone.instance.epoch}, ${clone.instance.health}, ${clone.instance.containment}`;
    const holds = clone.holds.map((hold) => hold.kind).join(", ");
    return `| [\`${clone.name}\`](clones/${clone.name}/status.yaml) | ${clone.phase} | ${clone.mission ?? "–"} | ${instance} | ${holds === "" ? "–" : holds} |`;
  });
  return [
    "## Clones",
    "",
    "| Clone | Phase | Mission | Instance | Holds |",
    "|---|---|---|---|---|",
    ...rows,
    ...rest(view.clones.length - clones.length),
    ...index("The rest", pages.clones),
    "",
  ];
}

function held(view: FleetView): string[] {
  if (view.held.length === 0) return [];
  const rows = view.held
    .slice(0, ROWS_MAX)
    .map((one) => `- **${one.subject}** ${one.step}: ${one.reason} — ${cell(one.message)}`);
  return ["## Held back", "", ...rows, ...more(view.held), ""];
}

/** Whether the kill is proven to work, and since when. */
function drills({ drills: { plan, newest } }: FleetView): string[] {
  if (newest.length === 0) return [];
  const rows = newest
    .slice(0, ROWS_MAX)
    .map(
      (drill) =>
        `| ${drill.passed ? "✅" : "❌"} \`${drill.target}\` | ${drill.at} | ${cell(drillText(drill))} |`,
    );
  const planned = plan === null ? "" : `Planned: \`${plan.schedule}\` ${plan.timezone}.`;
  return [
    "## Drills of the kill",
    "",
    ...(planned === "" ? [] : [planned, ""]),
    "| Target | Last | Result |",
    "|---|---|---|",
    ...rows,
    ...more(newest),
    "",
  ];
}

function issues(view: FleetView): string[] {
  if (view.issues.length === 0) return [];
  const rows = view.issues
    .slice(0, ROWS_MAX)
    .map(
      (issue) =>
        `- ${issue.severity === "error" ? "❌" : "⚠️"} ${code(`${issue.file}${issue.line === undefined ? "" : `:${issue.line}`}`)} ${issue.reason}: ${cell(issue.message)}`,
    );
  return ["## Issues in files", "", ...rows, ...more(view.issues), ""];
}

function more(list: readonly unknown[]): string[] {
  return rest(list.length - ROWS_MAX);
}

function rest(count: number): string[] {
  return count > 0 ? ["", `… and ${count} more.`] : [];
}

/** Where those are that have no folder. */
function index(title: string, pages: readonly Page[]): string[] {
  if (pages.length === 0) return [];
  const rows = pages.reduce((sum, page) => sum + page.rows, 0);
  const links = pages.map(({ path, rows: count, from, to }) => `[${from} … ${to}](${path}) (${count})`);
  return ["", `${title}, without a folder of their own: ${rows}`, "", links.join(" · ")];
}

function bar(percent: number): string {
  const full = Math.round(percent / 10);
  return `${"▰".repeat(full)}${"▱".repeat(10 - full)} ${percent} %`;
}
