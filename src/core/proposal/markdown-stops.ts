import { code } from "../status/text.ts";
import type { PlanExplanation } from "./explanation.ts";
import { type StopGroup, stopGroups } from "./groups.ts";
import type { Detail, LeftOut } from "./markdown.ts";
import { folded, upTo, words } from "./markdown-parts.ts";
import { capitalised, grouped, plural } from "./words.ts";

/** Names that stand in the sentence itself. */
const INLINE_MAX = 4;

export function stopLines({ stops }: PlanExplanation, detail: Detail, leave: LeftOut): string[] {
  if (stops.length === 0) return [];
  const groups = stopGroups(stops);
  const shown = upTo(groups, detail.rows, { leave, of: "groups of what stops" });
  return ["### ⏹ Stops", "", ...shown.flatMap((group) => stopItem(group, detail, leave))];
}

function stopItem(group: StopGroup, detail: Detail, leave: LeftOut): string[] {
  const { stops, reason, waits } = group;
  const names = stops.map(({ mission, clone }) =>
    mission === null ? code(clone) : `${code(mission)} on ${code(clone)}`,
  );
  const inline = names.length <= INLINE_MAX ? ` ${names.join(", ")}:` : "";
  const lines = [
    `- **${capitalised(whatText(group))}**:${inline} ${words(ofSeveral(reason, stops.length))}.`,
    ...(waits === null ? [] : [`  **Not yet:** ${words(waits)}.`]),
  ];
  if (inline !== "") return lines;
  const listed = names.slice(0, detail.names);
  if (listed.length < names.length) leave(`${grouped(names.length - listed.length)} names of what stops`);
  const inner = folded(`all ${grouped(names.length)}`, [listed.join(", ")]);
  return [...lines, "", ...inner.map((line) => (line === "" ? "" : `  ${line}`)), ""];
}

function whatText({ stops, fate, runs }: StopGroup): string {
  const missions = stops.filter(({ mission }) => mission !== null).length;
  const life = { yes: ", at work now", no: ", not at work", unknown: "" }[runs];
  if (missions === 0) return `${plural(stops.length, "clone")} without a mission put away`;
  const what = plural(missions, "mission");
  if (fate === "restarted") return `${what} started again`;
  return fate === "put_away"
    ? `${what} ended${life}, and the ${missions === 1 ? "clone" : "clones"} put away`
    : `${what} ended${life}`;
}

/** Reasons are told of one mission. */
function ofSeveral(reason: string, count: number): string {
  if (count === 1) return reason;
  return reason
    .replace(/^its file was/, "their files were")
    .replace(/^its kill switch is/, "their kill switches are")
    .replace(/^cancelled in its file$/, "cancelled in their files")
    .replace(/ for it$/, " for them");
}
