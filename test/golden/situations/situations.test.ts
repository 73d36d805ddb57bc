/**
 * Every situation a clone can be in, against everything that can happen to it: one transcript for each, to be read.
 *
 * A transcript says what people see, what each event changes and asks for, what falls due as time goes by, and
 * what the plan would do. What was told of one situation is not told again of the next ones.
 * `UPDATE_GOLDEN=1 npx vitest run test/golden` writes them anew; then read the difference.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Life } from "../../support/fleet.ts";
import { SITUATIONS } from "./situations.ts";
import { afterALoss, consequences, dueAsTimeGoesBy, type Outcome, planned, seenByPeople } from "./tell.ts";

const HOW = "if this is meant: UPDATE_GOLDEN=1 npx vitest run test/golden, and read the difference";
const FOLDER = join(import.meta.dirname, "transcripts");
if (process.env["UPDATE_GOLDEN"] === "1") update();

describe.each(Object.entries(SITUATIONS))("a clone: %s", (name, begin) => {
  const sections = read(name);

  test.each<[string, (life: Life) => readonly string[]]>([
    ["what people see", seenByPeople],
    ["what falls due", dueAsTimeGoesBy],
    ["what the plan says", planned],
    ["after a loss of the record", afterALoss],
  ])("%s", (title, tell) => {
    const told = tell(begin());
    const written = sections.get(title) ?? [];
    const elsewhere = Number(/^… and (\d+) lines/.exec(written.at(-1) ?? "")?.[1] ?? 0);
    const lines = elsewhere === 0 ? written : written.slice(0, -1);
    expect(
      told.filter((line) => lines.includes(line)),
      HOW,
    ).toEqual(lines);
    expect(told, HOW).toHaveLength(lines.length + elsewhere);
  });

  test("what may happen", () => {
    const outcomes = consequences(begin);
    expect(brief(outcomes), HOW).toEqual(sections.get("what may happen"));
    for (const told of sections.get("in full, where it is more than before") ?? []) {
      const [label = "", ...lines] = told.split("\n    ");
      const full = outcomes.get(label)?.full() ?? [];
      expect(
        lines.filter((line) => !full.includes(line)),
        `${label}: ${HOW}`,
      ).toEqual([]);
    }
  });
});

/** What comes to the same stands together. */
function brief(outcomes: ReadonlyMap<string, Outcome>): string[] {
  const labels = new Map<string, string[]>();
  for (const [label, outcome] of outcomes)
    labels.set(outcome.brief, [...(labels.get(outcome.brief) ?? []), label]);
  return [...labels].map(([outcome, same]) =>
    outcome === "ignored" || outcome === "nothing changes"
      ? `${outcome}, by ${same.length} of ${outcomes.size}`
      : `${outcome}\n    ${same.join(" | ")}`,
  );
}

function fileOf(name: string): string {
  return join(FOLDER, `${name.replace(/[^a-z]+/g, "-")}.txt`);
}

/** Paragraphs by the title of their section. */
function read(name: string): ReadonlyMap<string, readonly string[]> {
  const [, ...sections] = readFileSync(fileOf(name), "utf8").split(/^== /m);
  return new Map(
    sections.map((section) => {
      const [title = "", ...lines] = section.trimEnd().split(/\n(?! )/);
      return [title, lines.filter((line) => line !== "")];
    }),
  );
}

/** Numbers that grow with time are no news, nor what was there before. Conditions follow from the state, whatever happened. */
function gist(label: string, line: string): string {
  return `${line.startsWith("condition ") ? "" : label} ${line.replace(/\d+/g, "").replace(/: .* → /, " → ")}`;
}

function update(): void {
  const known = new Set<string>();
  const told = new Set<string>();
  const anew = (lines: readonly string[]): string[] => {
    const news = lines.filter((line) => !told.has(gist("", line)));
    for (const line of news) told.add(gist("", line));
    const rest = lines.length - news.length;
    return rest === 0 ? news : [...news, `… and ${rest} lines as in other situations`];
  };
  for (const [name, begin] of Object.entries(SITUATIONS)) {
    const outcomes = consequences(begin);
    const full = [...outcomes].flatMap(([label, outcome]) => {
      const news = outcome.full().filter((line) => !known.has(gist(label, line)));
      for (const line of news) known.add(gist(label, line));
      return news.length === 0 ? [] : [[label, ...news].join("\n    ")];
    });
    const sections: readonly (readonly [string, readonly string[]])[] = [
      ["what people see", anew(seenByPeople(begin()))],
      ["what may happen", brief(outcomes)],
      ["in full, where it is more than before", full],
      ["what falls due", anew(dueAsTimeGoesBy(begin()))],
      ["what the plan says", anew(planned(begin()))],
      ["after a loss of the record", anew(afterALoss(begin()))],
    ];
    const texts = sections.map(([title, lines]) => `== ${title}\n\n${lines.join("\n")}\n`);
    writeFileSync(fileOf(name), `${name}\n\n${texts.join("\n")}`);
  }
}
