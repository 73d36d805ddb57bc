import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COMMAND_CHARS_MAX, COMMANDS_MAX, parseComment } from "../../../src/core/commands/parse.ts";

const read = (text: string): readonly string[] =>
  parseComment(text).commands.map(({ verb, rest }) => `${verb}|${rest}`);

describe("a comment", () => {
  test.each([
    ["one line", "/kill", ["kill|"]],
    [
      "with what follows",
      "/raise-budget budget.1  max_cost_usd=3 ",
      ["raise-budget|budget.1  max_cost_usd=3"],
    ],
    [
      "among other lines",
      "Looks stuck.\r\n\r\n/pause --reason a look\r\n/ack",
      ["pause|--reason a look", "ack|"],
    ],
    ["in large letters", "/Kill", ["kill|"]],
    ["up to three spaces in", "   /kill", ["kill|"]],
    ["after a code block", "```sh\n/kill\n```\n/ack", ["ack|"]],
    ["after a quotation that ended", "> /kill\n\n/ack", ["ack|"]],
    ["after what was hidden", "<!-- /kill -->\n/ack", ["ack|"]],
    ["a word that is unknown", "/lgtm", ["lgtm|"]],
  ])("commands: %s", (_, text, commands) => {
    expect(read(text)).toEqual(commands);
    expect(parseComment(text).problem).toBeNull();
  });

  test.each([
    ["nothing", ""],
    ["a path", "/etc/hosts\n/usr/bin/kill audit"],
    ["a slash alone", "/ kill\n//kill\n/1kill"],
    ["within a line", "please /kill"],
    ["a list", "- /kill\n1. /kill"],
    ["a quotation", "> /kill"],
    ["what goes on in a quotation", "> he said\n/kill"],
    ["a quotation in a quotation", ">> he said\n/kill"],
    ["a fence that nobody closes", "```\n/kill"],
    ["a fence within a longer one", "````\n```\n/kill\n````"],
    ["another fence within one", "~~~\n```\n~~\n/kill\n~~~"],
    ["a fence with a language", "```sh\n/kill\n```"],
    ["four spaces", "    /kill"],
    ["a tab", "\t/kill"],
    ["hidden over lines", "<!--\n/kill\n-->"],
    ["hidden and never shown again", "fine <!-- \n/kill"],
    ["preformatted", "<pre>\n/kill\n</pre>"],
    ["a word of a hundred letters", `/${"k".repeat(100)}`],
  ])("no command: %s", (_, text) => {
    expect(parseComment(text)).toEqual({ commands: [], problem: null });
  });

  test("too many, too long: none is obeyed, and it is said", () => {
    expect(parseComment("/ack\n".repeat(COMMANDS_MAX)).commands).toHaveLength(COMMANDS_MAX);
    const many = parseComment("/ack\n".repeat(COMMANDS_MAX + 1));
    expect(many).toEqual({ commands: [], problem: expect.stringContaining("holds 11 commands") });
    const long = parseComment(`/ack\n/answer ${"x".repeat(COMMAND_CHARS_MAX)}`);
    expect(long).toEqual({ commands: [], problem: expect.stringContaining("`/answer` stands on a line") });
    expect(parseComment("x".repeat(80_000)).problem).toContain("longer than 70000 characters");
  });

  test("what is quoted line by line commands nothing, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("/kill", "\n", " ", "`", "~", ">", "<!--", "-->", "a") }),
        (text) => {
          const quoted = text
            .split("\n")
            .map((line) => `> ${line}`)
            .join("\n");
          expect(parseComment(quoted).commands).toEqual([]);
        },
      ),
    );
  });
});
