import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { YamlItem, yamlText } from "../../../src/reconciler/publish/yaml-text.ts";

const written = (value: object) => stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

test.each([
  { a: 1, b: null, c: true, d: "plain words", e: "", f: [], g: {}, h: "true", i: "12", j: "No" },
  { list: ["a", 1, null, { b: 1, c: { d: "e" } }, {}, [], [1, [2]]], nested: { deep: { deeper: ["x"] } } },
  { "a key": 1, "1": 2, "": 3, true: 4, "a: b": 5, "- x": 6 },
  { text: "two\nlines", trailing: "space ", leading: " space", colon: "a: b", hash: "a #b", quote: "it's" },
  { at: "2026-11-23T12:00:00.000Z", digest: `sha256:${"0".repeat(64)}`, half: 0.5, big: 1e21, minus: -0 },
  { long: `${"word ".repeat(60)}end`, dash: "-", question: "?", tilde: "~", dots: "...", doc: "---" },
  { skipped: undefined, kept: 1 },
  { only: { skipped: undefined } },
  { a: { "two\nlines": 1 }, octal: "0o7", hex: "0x1f", infinity: ".inf", nan: ".nan", umlaut: "Größe" },
])("case %#: the same text as yaml's own", (value) => {
  expect(yamlText(value)).toBe(written(value));
});

test("whatever it is, the same text as yaml's own", () => {
  const words = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(..."aN :-.1\n#'\"%/~,;()=") }),
    fc.constantFrom(
      "true",
      "null",
      "no",
      "Off",
      "y",
      "NaN",
      "1e3",
      "0x10",
      "a b",
      "a/b",
      "50 % of 3",
      "<<",
      "=",
      "True",
      "NULL",
      "2026-11-23T12:00:00.000Z",
      "2026-11-23T12:00:00.000Z met; done",
      "2026-11-23T",
      "0123456789012345678901234567890123456789",
      "01234567890123456789e1234567890123456789",
      "0123456789abcdef0123456789abcdef01234567",
      "core@1.0.0",
    ),
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 4 }, tie("leaf"), fc.array(tie("node"), { maxLength: 4 }), tie("map")),
    leaf: fc.oneof(
      words,
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    ),
    map: fc.dictionary(words, tie("node"), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(
    fc.property(tree.map, (value) => {
      expect(yamlText(value as object)).toBe(written(value as object));
    }),
    { numRuns: 2_000 },
  );
});

test("an item whose lines are kept reads as its value does, wherever it stands and however often", () => {
  const values = [
    { type: "Ready", reason: "50 % of 3", since: null },
    { type: "", commit: "true", nested: { list: ["a"] } },
    { type: "of two\nlines" },
    { only: { skipped: undefined } },
  ];
  const texts = (one: object) => [
    { conditions: [one, one] },
    { status: { conditions: [{ type: "first" }, one] } },
    { status: { newest: one } },
    { conditions: [one] },
  ];
  for (const value of values) {
    const item = new YamlItem(value);
    expect(texts(item).map(yamlText)).toEqual(texts(value).map(written));
  }
});
