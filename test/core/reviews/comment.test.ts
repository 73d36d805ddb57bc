import { describe, expect, test } from "vitest";
import { commentText } from "../../../src/core/reviews/comment.ts";

const of = (markdown: string, charsMax = 2_000): string =>
  commentText({ markdown, charsMax, elsewhere: "All of it: `factory plan`." });

describe("the text of a comment", () => {
  test("is left as it is where it fits", () => {
    expect(of("## Plan\n\nIt starts **one** mission.\n")).toBe("## Plan\n\nIt starts **one** mission.\n");
  });

  test("calls nobody and links no issue, whatever a proposal brought along", () => {
    const text = of("Ask \\@ann, @acme/owners, #12, acme/fleet#13; &#64; stays, and so does # a heading");
    expect(text).not.toMatch(/@[a-z]/);
    expect(text).not.toMatch(/(?<!&)#\d/);
    expect(text).toContain("&#64;");
    expect(text.replaceAll("\u200b", "")).toContain("Ask \\@ann, @acme/owners, #12, acme/fleet#13");
  });

  test("ends at a line where it is too long, and says how much is left out and where it is", () => {
    const rows = Array.from({ length: 500 }, (_, index) => `| mission-${index} | starts |`);
    const text = of(rows.join("\n"));
    expect(text.length).toBeLessThanOrEqual(2_000);
    const [, left] = /\*\*(\d+) more lines\*\*/.exec(text) ?? [];
    const shown = text.split("\n").filter((line) => line.startsWith("| mission-"));
    expect(shown.length + Number(left)).toBe(500);
    expect(shown.every((line) => rows.includes(line))).toBe(true);
    expect(text).toContain("All of it: `factory plan`.");
  });

  test("closes what it opened", () => {
    const code = of(`<details>\n\n\`\`\`diff\n${"+ a line\n".repeat(500)}\`\`\`\n\n</details>\n`);
    expect(code.match(/^```/gm)).toHaveLength(2);
    expect(code).toContain("</details>");
    expect(code.length).toBeLessThanOrEqual(2_000);
  });

  test("of one endless line is nothing but what is left out", () => {
    const text = of("x".repeat(5_000));
    expect(text).toContain("**1 more line** of this plan are left out");
    expect(text.length).toBeLessThanOrEqual(2_000);
  });
});
