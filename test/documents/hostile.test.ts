import { describe, expect, it } from "vitest";
import { parseDocument } from "../../src/documents/parse.ts";
import { DOCUMENT_BYTES_MAX } from "../../src/documents/text.ts";

const HEAD = "apiVersion: factory/v1\nkind: Mission\nmetadata: {name: x}\nspec:\n";

function reasons(input: string | Uint8Array): string[] {
  const result = parseDocument({ file: "missions/x.yaml", bytes: Buffer.from(input) });
  if (result.issues.some((issue) => issue.severity === "error")) expect(result.document).toBeNull();
  return [...new Set(result.issues.map((issue) => issue.reason))];
}

/** Ten levels of ten aliases each: ten thousand million values. */
function laughs(): string {
  const levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 10; level++) {
    levels.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ")}]`);
  }
  return levels.join("\n");
}

describe("hostile input is an issue", () => {
  it.each([
    ["aliases that explode", laughs(), "TooManyValues"],
    ["an alias of itself", "a: &a {b: *a}", "CyclicAlias"],
    ["an alias of nothing", "a: *b", "UnknownAlias"],
    ["a key twice", `${HEAD}  run: 1\n  run: 2\n`, "DuplicateKey"],
    ["__proto__", "__proto__: {polluted: true}", "ForbiddenKey"],
    ["constructor", `${HEAD}  constructor: {prototype: {polluted: true}}\n`, "ForbiddenKey"],
    ["a number too large", `${HEAD}  run: 99999999999999999999\n`, "NumberOutOfRange"],
    ["infinity", `${HEAD}  run: .inf\n`, "NumberOutOfRange"],
    ["a number that overflows", `${HEAD}  run: 1e999\n`, "NumberOutOfRange"],
    ["tabs as indentation", "spec:\n\trun: 1\n", "TabIndent"],
    ["a second document", `${HEAD}  run: 1\n---\na: 1\n`, "SeveralDocuments"],
    ["a custom tag", `${HEAD}  run: !!js/function "1"\n`, "TagNotAllowed"],
    ["binary", `${HEAD}  run: !!binary aGk=\n`, "TagNotAllowed"],
    ["a local tag", `${HEAD}  run: !env HOME\n`, "TagNotAllowed"],
    ["a key that is a list", "? [a]\n: b\n", "KeyNotText"],
    ["a key that is a number", "5: b\n", "KeyNotText"],
    ["an old version of YAML", "%YAML 1.1\n---\na: yes\n", "YamlVersion"],
    ["nothing", "", "EmptyDocument"],
    ["only comments", "# a\n# b\n", "EmptyDocument"],
    ["only a scalar", "hello", "WrongType"],
    ["only a list", "- a\n- b\n", "WrongType"],
    ["NUL", "a: \0b\n", "ControlCharacter"],
    ["an escape sequence", "a: \u001b[31mred\n", "ControlCharacter"],
    ["text that reads backwards", "a: \u202eevil\n", "HiddenCharacter"],
    ["deep lists", "[".repeat(10_000), "NestedTooDeeply"],
    ["deep maps", "{a: ".repeat(5_000), "NestedTooDeeply"],
    ["deep blocks", "- ".repeat(10_000), "NestedTooDeeply"],
    ["moderately deep lists", `a: ${"[".repeat(40)}${"]".repeat(40)}`, "NestedTooDeeply"],
    ["very many values", `a: [${"1,".repeat(25_000)}1]`, "TooManyValues"],
    ["an unclosed quote", 'a: "b\n', "InvalidYaml"],
    ["closing brackets", "]\n".repeat(2_000), "InvalidYaml"],
  ])("%s", (_name, text, reason) => {
    expect(reasons(text)).toContain(reason);
  });

  it("bytes that are not UTF-8, with their place", () => {
    const bytes = Buffer.concat([Buffer.from("a: b\nc: "), Buffer.from([0xff, 0xfe]), Buffer.from("\n")]);
    const { issues } = parseDocument({ file: "x.yaml", bytes });
    expect(issues).toMatchObject([{ reason: "InvalidEncoding", line: 2, column: 4 }]);
  });

  it("UTF-16", () => {
    expect(reasons(Buffer.from("\ufeffapiVersion: factory/v1", "utf16le"))).toEqual(["InvalidEncoding"]);
  });

  it("a document of two megabytes, unread", () => {
    expect(reasons(Buffer.alloc(2 * 1024 * 1024, "a"))).toEqual(["DocumentTooLarge"]);
    expect(reasons(`# ${"x".repeat(DOCUMENT_BYTES_MAX)}`)).toEqual(["DocumentTooLarge"]);
  });

  it("a byte order mark is only worth a warning", () => {
    const { issues } = parseDocument({ file: "x.yaml", bytes: Buffer.from("\ufeffkind: Mission\n") });
    expect(issues).toContainEqual(expect.objectContaining({ severity: "warning", reason: "ByteOrderMark" }));
  });

  it("dates stay text", () => {
    const { issues } = parseDocument({ file: "x.yaml", bytes: Buffer.from(`${HEAD}  run: 2026-11-23\n`) });
    const wrong = issues.find((issue) => issue.field === "spec.run");
    expect(wrong).toMatchObject({ reason: "WrongType", found: '"2026-11-23"', expected: "a number" });
  });

  it.each([
    ["flow lists", "[".repeat(44_000)],
    ["flow maps", "{a: ".repeat(20_000)],
    ["block lists", "- ".repeat(20_000)],
    ["keys of keys", "? ".repeat(2_000)],
    [
      "block lists line by line",
      Array.from({ length: 1_000 }, (_, level) => `${" ".repeat(level)}-`).join("\n"),
    ],
    ["keys that are lists", "[".repeat(5_000) + "]: ".repeat(5_000)],
  ])("says the same of %s that never end, however much of the stack is taken", (_name, text) => {
    const read = () => parseDocument({ file: "x.yaml", bytes: Buffer.from(text) }).issues;
    const first = read();
    const deeper = (levels: number): ReturnType<typeof read> => (levels === 0 ? read() : deeper(levels - 1));
    expect(deeper(2_000)).toEqual(first);
    for (let turn = 0; turn < 5; turn += 1) expect(read()).toEqual(first);
  });

  it("a switch in a document that is too deep elsewhere is read", () => {
    const text = `${HEAD}  kill_switch: {engaged: true}\n  objective: ${"[".repeat(400)}${"]".repeat(400)}\n`;
    const { stops, document } = parseDocument({ file: "missions/x.yaml", bytes: Buffer.from(text) });
    expect(document).toBeNull();
    expect(JSON.stringify(stops)).toContain("true");
  });

  it("leaves every object's prototype alone", () => {
    reasons(
      "__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}\nmetadata: {__proto__: {polluted: true}}",
    );
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});
