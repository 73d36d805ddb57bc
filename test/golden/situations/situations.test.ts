/**
 * Every situation a clone can be in, against everything that can happen to it: one transcript for each, to be read.
 *
 * A transcript says what people see, what each event changes and asks for, what falls due as time goes by, and
 * what the plan would do. What comes to the same in many situations is told in full in the first of them, and
 * briefly, or by its number of lines, in the others.
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
    for (const told of sections.get("in full") ?? []) {
      const [label = "", ...lines] = told.split("\n    ");
      expect(outcomes.get(label)?.full(), `${label}: ${HOW}`).toEqual(lines);
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

/** Each happening in full where it first changes more than anywhere before. */
function update(): void {
  const all = new Map(Object.entries(SITUATIONS).map(([name, begin]) => [name, consequences(begin)]));
  const homes = new Map<string, string>();
  const most = new Map<string, number>();
  for (const [name, outcomes] of all) {
    for (const [label, outcome] of outcomes) {
      const full = outcome.full();
      if (full.length <= (most.get(label) ?? 0)) continue;
      most.set(label, full.length);
      homes.set(label, name);
    }
  }
  const told = new Set<string>();
  const anew = (lines: readonly string[]): string[] => {
    const news = lines.filter((line) => !told.has(line));
    for (const line of news) told.add(line);
    const rest = lines.length - news.length;
    return rest === 0 ? news : [...news, `… and ${rest} lines as in other situations`];
  };
  for (const [name, begin] of Object.entries(SITUATIONS)) {
    const outcomes = all.get(name) ?? new Map<string, Outcome>();
    const full = [...outcomes].filter(([label]) => homes.get(label) === name);
    const sections: readonly (readonly [string, readonly string[]])[] = [
      ["what people see", anew(seenByPeople(begin()))],
      ["what may happen", brief(outcomes)],
      ["in full", full.map(([label, outcome]) => [label, ...outcome.full()].join("\n    "))],
      ["what falls due", anew(dueAsTimeGoesBy(begin()))],
      ["what the plan says", anew(planned(begin()))],
      ["after a loss of the record", anew(afterALoss(begin()))],
    ];
    const texts = sections.map(([title, lines]) => `== ${title}\n\n${lines.join("\n")}\n`);
    writeFileSync(fileOf(name), `${name}\n\n${texts.join("\n")}`);
  }
}
