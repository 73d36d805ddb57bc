import { describe, expect, test } from "vitest";
import { createRedactor, REDACTED } from "../../../src/core/model/redact.ts";

/** What each piece makes a stream show, and what is left at the end. */
function shown(secrets: readonly string[], pieces: readonly string[]): readonly string[] {
  const stream = createRedactor(secrets).stream();
  return [...pieces.map((piece) => stream.push(piece)), stream.flush()];
}

describe("nothing to hide", () => {
  test.each([[[]], [["", "abc"]]])("%j changes nothing, however it comes", (secrets) => {
    const redactor = createRedactor(secrets);
    expect(redactor.text("abc")).toBe("abc");
    expect(redactor.deep({ a: ["abc"] })).toEqual({ a: ["abc"] });
    expect(shown(secrets, ["ab", "c"])).toEqual(["ab", "c", ""]);
  });

  test("a short value beside a long one stays as it is", () => {
    expect(createRedactor(["abc", "longer"]).text("abc longer")).toBe(`abc ${REDACTED}`);
    expect(createRedactor(["1234"]).text("1234 31323334")).toBe(`${REDACTED} ${REDACTED}`);
  });
});

describe("the longest form", () => {
  test("is taken where one value is the beginning of another", () => {
    for (const secrets of [
      ["abcd", "abcdefgh"],
      ["abcdefgh", "abcd"],
    ])
      expect(createRedactor(secrets).text("x abcdefgh y abcd z")).toBe(`x ${REDACTED} y ${REDACTED} z`);
  });
});

describe("forms in which a value travels", () => {
  const base64 = (text: string): string => Buffer.from(text).toString("base64");

  test.each([
    ["with quotes, inside JSON", 'say "x" \\ y', 'say \\"x\\" \\\\ y'],
    ["URL-encoded", "päss wörd", "p%C3%A4ss%20w%C3%B6rd"],
    ["form-encoded", "pass word", "pass+word"],
    ["hexadecimal", "päss", "70c3a47373"],
  ])("%s", (_, secret, form) => {
    expect(createRedactor([secret]).text(`<${form}>`)).toBe(`<${REDACTED}>`);
  });

  // The number of bytes decides how much of the last digit belongs to the value.
  test.each(["secret", "secret1", "secret12"])("base64 of %s, alone and behind something", (secret) => {
    for (const lead of ["", "a", "ab", "abc"]) {
      const text = createRedactor([secret]).text(base64(lead + secret));
      expect(text).toContain(REDACTED);
      const [before = "", after = ""] = text.split(REDACTED);
      expect(Buffer.from(before, "base64").toString()).not.toContain(secret.slice(0, 2));
      // At most the one digit that it shares with what follows, and the padding.
      expect(after.replaceAll("=", "").length).toBeLessThanOrEqual(1);
      expect(before.length).toBeLessThanOrEqual(Math.ceil((lead.length * 8) / 6));
    }
  });

  test("base64 of a value that fills its digits leaves none behind", () => {
    expect(createRedactor(["secret"]).text(base64("secret"))).toBe(REDACTED);
    expect(createRedactor(["secret"]).text(base64("abcsecret"))).toBe(`YWJj${REDACTED}`);
    expect(createRedactor(["secret12a"]).text(base64("secret12a"))).toBe(REDACTED);
  });

  test("base64 for URLs", () => {
    const secret = "\u{3ff}>>>???\u{3ff}";
    const url = Buffer.from(secret).toString("base64url");
    expect(url).toMatch(/-.*_|_.*-/);
    expect(createRedactor([secret]).text(`token=${url}`)).toMatch(/^token=\[redacted\].?$/);
  });
});

describe("a text that arrives in pieces", () => {
  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ["a value in two pieces", ["secret"], ["my sec", "ret it"], ["my ", `${REDACTED} it`, ""]],
    ["a value, letter by letter", ["abcd"], ["a", "b", "c", "d"], ["", "", "", REDACTED, ""]],
    ["what only began like one", ["secret"], ["sec", "ond"], ["", "second", ""]],
    ["what only began like one, at the end", ["secret"], ["my sec"], ["my ", "sec"]],
    ["a whole value at the end of a piece", ["secret"], ["my secret", "!"], [`my ${REDACTED}`, "!", ""]],
    ["a letter that begins none", ["secret"], ["abx"], ["abx", ""]],
    ["the last letter but one begins it", ["secret"], ["xxs", "ecret"], ["xx", REDACTED, ""]],
    [
      "a value that may still become a longer one",
      ["abcd", "abcdefgh"],
      ["-abcd", "efgh-", "abcd", "-"],
      ["-", `${REDACTED}-`, "", `${REDACTED}-`, ""],
    ],
    ["two values in one piece", ["secret"], ["a secret secret b"], [`a ${REDACTED} ${REDACTED} b`, ""]],
    ["nothing", ["secret"], ["", ""], ["", "", ""]],
  ])("%s", (_, secrets, pieces, wanted) => expect(shown(secrets, pieces)).toEqual(wanted));

  test("is shown to its end once", () => {
    const stream = createRedactor(["secret"]).stream();
    expect(stream.push("a sec")).toBe("a ");
    expect([stream.flush(), stream.flush(), stream.push("b")]).toEqual(["sec", "", "b"]);
  });
});
