/** Holds `docs/pull-requests.md` to the walk-through: `npm run docs:walk` writes it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MARKS, outlineOf, pageWith } from "../support/walk/page.ts";
import { STEPS } from "../support/walk/steps.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/pull-requests.md"), "utf8");
const between = PAGE.slice(PAGE.indexOf(MARKS[0]), PAGE.indexOf(MARKS[1]));

test("the page has each step of the walk-through with what was seen, in its order, and no other", () => {
  const outline = outlineOf(STEPS.map((step) => ({ step })));
  let from = 0;
  for (const line of outline) {
    const at = between.indexOf(`\n${line}\n`, from);
    expect(at, `${line}\nis missing or out of order: npm run docs:walk`).toBeGreaterThanOrEqual(from);
    from = at + line.length;
  }
  expect(between.match(/^## \d+\. /gm)).toHaveLength(STEPS.length);
});

test("nothing of the machine on which it was played stands there", () => {
  expect(between).not.toMatch(/\/tmp\/|127\.0\.0\.1|localhost|\/root\/|\/home\//);
});

test("what was seen is put between the marks, without what is of one run", () => {
  const [step] = STEPS;
  if (step === undefined) throw new Error("there are no steps");
  const page = (port: string, id: string, at: string): string => {
    const text = `<!-- factory:review key=1 -->\nat http://127.0.0.1:${port}/x, ${id.slice(0, 12)} of ${id}, ${at}\n\`\`\`\ncode\n\`\`\``;
    const shown = [{ title: "The comment", as: "markdown", text } as const];
    return pageWith(
      `before\n${MARKS.join("\n")}\nafter\n`,
      [{ step, shown }],
      [{ from: `http://127.0.0.1:${port}`, to: "https://github.example" }],
    );
  };
  const first = page("1234", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "2026-11-29T19:52:26.041Z");
  expect(first).toBe(page("4321", "f0e1d2c3b4a5968778695a4b3c2d1e0f12345678", "2027-01-02T03:04:05Z"));
  expect(first).toMatch(/^before\n<!-- walk -->\n\n## 1\. /);
  expect(first).toContain("````markdown\nat https://github.example/x, ");
  expect(first).toMatch(/<!-- \/walk -->\nafter\n$/);
  expect(first).not.toContain("factory:review");
});
