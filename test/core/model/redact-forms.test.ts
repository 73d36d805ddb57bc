import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRedactor, REDACTED } from "../../../src/core/model/redact.ts";

const SECRET = "p4ss+word/with=signs & ümlaut";

describe("redaction", () => {
  it.each([
    ["as it is", SECRET],
    ["base64", Buffer.from(SECRET).toString("base64")],
    ["URL-encoded", encodeURIComponent(SECRET)],
    ["form-encoded", new URLSearchParams({ k: SECRET }).toString().slice(2)],
    ["hexadecimal", Buffer.from(SECRET).toString("hex")],
    ["inside JSON", JSON.stringify(SECRET).slice(1, -1)],
  ])("finds a value %s", (_, form) => {
    const shown = createRedactor([SECRET]).text(`before ${form} after`);
    expect(shown).not.toContain(form);
    expect(shown).toMatch(/^before .*\[redacted\].* after$/);
  });

  it("finds a value inside of longer base64, wherever it stands in it", () => {
    for (const user of ["", "u", "us", "use"]) {
      const header = Buffer.from(`${user}:${SECRET}:tail`).toString("base64");
      const shown = createRedactor([SECRET]).text(header);
      expect(shown).toContain(REDACTED);
      // What is left does not decode to a recognisable part of the value.
      for (const rest of shown.split(REDACTED))
        expect(Buffer.from(rest, "base64").toString()).not.toContain(SECRET.slice(2, 10));
    }
  });

  it("goes through every string of an event, keys included", () => {
    const shown = createRedactor([SECRET]).deep({ a: [`x${SECRET}`, 1, null], [SECRET]: true });
    expect(shown).toEqual({ a: [`x${REDACTED}`, 1, null], [REDACTED]: true });
  });

  it("leaves ordinary text alone, and short values too, which would blot out everything", () => {
    expect(createRedactor(["abc", ""]).text("an abc of things")).toBe("an abc of things");
    const stream = createRedactor([SECRET]).stream();
    expect(stream.push("a line\n")).toBe("a line\n"); // Nothing is held back without reason.
  });

  it("shows the same however a text is cut into pieces", () => {
    const secrets = ["abcdefgh", "cdefghij", "abcd", "aaaa"];
    const alphabet = fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "\n", ...secrets);
    fc.assert(
      fc.property(
        fc.array(alphabet, { maxLength: 40 }),
        fc.array(fc.nat(9), { maxLength: 40 }),
        (parts, cuts) => {
          const text = parts.join("");
          const redactor = createRedactor(secrets);
          const stream = redactor.stream();
          let shown = "";
          let at = 0;
          for (const length of cuts) {
            shown += stream.push(text.slice(at, at + length));
            at += length;
          }
          shown += stream.push(text.slice(at)) + stream.flush();
          expect(shown).toBe(redactor.text(text));
          for (const secret of secrets) expect(shown).not.toContain(secret);
        },
      ),
      { numRuns: 500 },
    );
  });
});
