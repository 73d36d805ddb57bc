/** What was found, for people. */
import type { Attack, Level, Played } from "./attack.ts";

export function reportText(all: readonly Played[]): string {
  const rows = all.map(({ attack, item, level, user, verdict, got, noticed }) =>
    [attack, item, level, user, got, line(noticed), verdict === "broken" ? "**broken**" : verdict].join(
      " | ",
    ),
  );
  const count = (verdict: Played["verdict"]): number => all.filter((one) => one.verdict === verdict).length;
  return [
    "| Attack | Item | Level | As | Got | Noticed | Verdict |",
    "|---|---|---|---|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
    "",
    `${all.length} played: ${count("held")} held, ${count("unproven")} unproven, ${count("broken")} broken`,
  ].join("\n");
}

function line(text: string): string {
  return text.replaceAll("\n", " ").replaceAll("|", "\\|").slice(0, 300);
}

/** Around what `--markdown` writes. */
export const MARKS = ["<!-- npm run attack -- --markdown: begin -->", "<!-- end -->"] as const;

/** Columns of the table by level, the weakest first. */
const COLUMNS: readonly (readonly [Level, string])[] = [
  ["group", "`group`"],
  ["bare", "`pidns`, `cgroup` without bubblewrap"],
  ["shut", "`pidns`, `cgroup` with it"],
];

/** The text with the tables of this run in it. Throws where there is no place for them. */
export function withTables(text: string, all: readonly Played[], attacks: readonly Attack[]): string {
  const [begin, end] = MARKS;
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`there is no ${begin} … ${end} in it`);
  return `${text.slice(0, from)}${begin}\n${tables(all, attacks)}\n${text.slice(to)}`;
}

function tables(all: readonly Played[], attacks: readonly Attack[]): string {
  const cell = ({ name }: Attack, level: Level): string =>
    cellOf(all.filter((one) => one.attack === name && one.level === level));
  const leveled = attacks.filter(({ levels }) => levels !== undefined);
  const others = attacks.filter(({ levels }) => levels === undefined);
  return [
    `| Attack | It … | ${COLUMNS.map(([, title]) => title).join(" | ")} |`,
    `|---|---|${COLUMNS.map(() => "---|").join("")}`,
    ...leveled.map((one) => row([title(one), one.how, ...COLUMNS.map(([level]) => cell(one, level))])),
    "",
    "| Attack | It … | Got | What holds it |",
    "|---|---|---|---|",
    ...others.map((one) => row([title(one), one.how, cell(one, "shut"), one.holds])),
  ].join("\n");
}

export function title({ name }: Attack): string {
  return `\`${name}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** What root's agents and those of an ordinary user got; once where that is the same. */
function cellOf(played: readonly Played[]): string {
  const texts = new Map(played.map((one) => [one.user, textOf(one)]));
  const different = new Set(texts.values());
  if (different.size === 0) return "not tried";
  if (different.size === 1) return [...different].join("");
  return [...texts].map(([user, text]) => `${user === "root" ? "root" : "others"}: ${text}`).join("<br>");
}

function textOf({ verdict, got }: Played): string {
  if (verdict === "held") return got;
  return verdict === "unproven" ? `${got}; *unproven*` : `**${got}**`;
}
