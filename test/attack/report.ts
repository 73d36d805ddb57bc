/** What was found, for people. */
import type { Played } from "./attack.ts";

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
