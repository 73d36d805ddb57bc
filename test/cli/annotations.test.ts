import fc from "fast-check";
import { expect, test } from "vitest";
import { annotationsText } from "../../src/cli/format/annotations.ts";
import { commandsIn } from "../support/pipeline.ts";

const words = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "\n::error::x",
    "\r::error::x",
    "##[error]x",
    "::",
    "%0A",
    "%250A",
    ",line=1",
    "file=a",
    "::stop-commands::x",
  ),
);
const text = fc.array(words, { maxLength: 4 }).map((parts) => parts.join(""));
const problem = fc.record({
  path: text,
  line: fc.integer({ min: 1, max: 100_000 }),
  level: fc.constantFrom("failure" as const, "warning" as const),
  title: text,
  message: text,
});

test("whatever stands in a path or a value, a runner hears one command for each problem, and what it says", () => {
  fc.assert(
    fc.property(fc.array(problem, { maxLength: 5 }), (problems) => {
      expect(commandsIn(annotationsText(problems, "github"))).toEqual(
        problems.map(({ path, line, level, title, message }) => ({
          name: level === "failure" ? "error" : "warning",
          properties: { file: path, line: String(line), title },
          message,
        })),
      );
    }),
    { numRuns: 500 },
  );
});

test("a Code Quality report is one document, and the same problem is the same one in the next run", () => {
  fc.assert(
    fc.property(problem, (one) => {
      const read = () =>
        JSON.parse(annotationsText([one, one], "gitlab")) as { fingerprint: string; location: object }[];
      expect(read()).toEqual(read());
      expect(read()[0]?.location).toEqual({ path: one.path, lines: { begin: one.line } });
    }),
  );
});
