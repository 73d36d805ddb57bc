import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstLine, laterLine, lineFile, lineIds, readLines } from "../../../src/core/record/line-files.ts";

function written(lines: readonly { readonly id: string; readonly value: unknown }[]): string {
  const [first, ...later] = lines;
  if (first === undefined) return lineFile([]);
  return lineFile([firstLine(first), ...later.map((line) => laterLine(line, first.value))]);
}

const LINES = fc.array(fc.record({ id: fc.string(), value: fc.jsonValue() }), { maxLength: 8 });

describe("a file of many lines", () => {
  test("is read back as it was written, and its ids without that", () => {
    fc.assert(
      fc.property(LINES, (lines) => {
        const text = written(lines);
        expect(text.trimEnd().split("\n")).toHaveLength(1 + lines.length);
        expect(readLines("x", text)).toEqual(JSON.parse(JSON.stringify(lines)));
        expect(lineIds(text)).toEqual(lines.map(({ id }) => id));
      }),
    );
  });

  test("says of every line only what is different from the first one", () => {
    const value = { spec: { long: "x".repeat(1_000) }, n: 1 };
    const text = written([
      { id: "a", value },
      { id: "b", value: { ...value, n: 2 } },
    ]);
    expect(text.split("\n")[2]).toBe('{"id":"b","change":{"~":{"n":{"=":2}}}}');
  });

  const good = written([
    { id: "a", value: { n: { m: 1 } } },
    { id: "b", value: { n: { m: 2 } } },
  ]);
  test.each([
    ["is not JSON", "{"],
    ["is a line cut off", good.split("\n").slice(0, 2).join("\n")],
    ["has a line too many", `${good}${good.split("\n")[2]}\n`],
    ["has another format", good.replace('"format":2', '"format":3')],
    ["is of the format before", '{"format":1,"clone":"a"}'],
    ["has a first line without a value", good.replace('"value"', '"valve"')],
    ["has a line without an id", good.replace('"id":"b"', '"name":"b"')],
    ["has a line cut short", good.replace("}}}}}", "}}}}")],
    [
      "has a change that was made for something else",
      good.replace('"m":1', '"o":1').replace('{"=":2}', '{"~":{"x":{"=":1}}}'),
    ],
    ["has a line that is a list", good.replace(/\n\{"id":"b".*\n/, "\n[]\n")],
  ])("cannot be used when it %s", (_, text) => {
    expect(() => readLines("lanes/x.jsonl", text)).toThrow(
      expect.objectContaining({
        code: "record/unreadable",
        disposition: "stall",
        message: expect.stringContaining("lanes/x.jsonl on the status branch cannot be used: "),
      }),
    );
  });

  test("of something else has no ids", () => {
    for (const text of ["", "{", "# a page", '{"clone":"a"}']) expect(lineIds(text)).toEqual([]);
  });
});
