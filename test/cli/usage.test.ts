import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createIo } from "../../src/cli/io.ts";
import { createProgram } from "../../src/cli/program.ts";
import { ended, environment, factory, MAIN, ROOT, widest } from "./support.ts";

const here = { cwd: tmpdir() };

describe("help", () => {
  test("names every command, fits 80 columns and needs no fleet", async () => {
    const { code, stdout, stderr } = await factory(here, "--help");
    expect(code).toBe(0);
    expect(stderr).toBe("");
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    const io = createIo({ pipeClosed: () => {} });
    const names = (await createProgram(io, { exitCode: 0 })).commands.map((command) => command.name());
    expect(names).toEqual(expect.arrayContaining(["init", "run", "status", "decide", "kill", "restore"]));
    for (const name of names) expect(stdout).toMatch(new RegExp(`^  ${name}( |$)`, "m"));
    const headings = stdout.match(/^[A-Z][^:\n]*:$/gm);
    expect(headings).not.toContain("Commands:");
  });

  test("of each command has an example and fits 80 columns", async () => {
    const io = createIo({ pipeClosed: () => {} });
    for (const command of (await createProgram(io, { exitCode: 0 })).commands) {
      let text = "";
      command.configureOutput({
        writeOut: (part) => {
          text += part;
        },
      });
      command.outputHelp();
      expect(text, command.name()).toMatch(/Examples?:\n {2}\$ factory /);
      expect(widest(text), command.name()).toBeLessThanOrEqual(80);
    }
  });

  test("without a command is the help", async () => {
    const { code, stdout } = await factory(here);
    expect(code).toBe(0);
    expect(stdout).toContain("factory init my-fleet");
  });
});

test("the version is shown where no controller answers", async () => {
  const { code, stdout } = await factory(here, "version");
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^factory {5}\d+\.\d+\.\d+, Node 24\.\d+\.\d+, .*record layout \d+\ncontroller {2}none answers\n$/,
  );
});

describe("wrong use ends with 2 and says what would be right", () => {
  test.each([
    [["statsu"], /Did you mean status\?/],
    [["why"], /missing required argument 'name'/],
    [["events", "x", "--last", "zero"], /whole number/],
    [["run", "--poll", "1"], /500ms, 30s or 5m/],
    [["new", "misson", "x"], /did you mean mission\?/],
    [["plan"], /factory init/],
    [["validate", "/nonexistent"], /not a directory/],
    [["status", "--dir", "/nonexistent"], /not a directory/],
    [["allow-rewrite", "--from", "abc", "--to", "def"], /full commit id/],
    [["closure", "x", "--decide", "burn"], /retire, standby, template/],
    [["pause", "x", "--until", "tomorrow"], /45m, 2h, 1d or 2026/],
    [["kill"], /name one: a mission or clone, --label <key>=<value>, or --all/],
    [["kill", "--label", "team"], /for example team=platform/],
    [["kill-switch", "engage"], /expected status or release/],
    [["drill", "fire", "x"], /there is one drill, kill/],
    [["dead-letters", "resend"], /knows list and replay/],
    [["scorecard", "--since", "soon"], /90m, 12h, 30d or 4w/],
    [["decide", "x.budget.1"], /no answer was given; give one of --raise/],
    [["decide", "x.budget.1", "--stop", "--approve"], /one answer at a time/],
    [["decide", "x.budget.1", "--raise", "max_coast_usd=8"], /did you mean max_cost_usd\?/],
    [
      ["decide", "x.budget.1", "--raise", "max_cost_usd=lots"],
      /a number above 0, for example max_cost_usd=8/,
    ],
  ])("%j", async (args, says) => {
    const { code, stdout, stderr } = await factory(here, ...args);
    expect(stderr).toMatch(says);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});

describe("without a controller", () => {
  test("looking makes nothing", async () => {
    const cwd = await mkdtemp(join(tmpdir(), "factory-look-"));
    expect(await factory({ cwd }, "drills")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^no drill yet/),
    });
    expect((await factory({ cwd }, "kill-switch", "status")).code).toBe(0);
    expect(await readdir(cwd)).toEqual([]);
    await rm(cwd, { recursive: true });
  });

  test.each([
    ["status"],
    ["inbox"],
    ["why", "x"],
    ["events", "x"],
    ["logs", "x"],
    ["pause", "x"],
    ["kill", "--now", "x"],
    ["decide", "x", "--stop"],
    ["ack", "x"],
    ["reconcile"],
  ])("%s %s %s ends with 3 and says how to start one", async (...args) => {
    const { code, stderr } = await factory(here, ...args.filter((arg) => arg !== undefined));
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: .*factory run/);
  });

  test("with --json the error is one document on standard output", async () => {
    const { code, stdout } = await factory(here, "status", "--json");
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "controller/unreachable" } });
  });
});

test("a reader that goes away is not a crash", async () => {
  const child = spawn(
    "sh",
    ["-c", `"${process.execPath}" "${MAIN}" --help | head -n 1; echo "${"$"}{PIPESTATUS:-done}"`],
    {
      cwd: ROOT,
      env: environment(),
    },
  );
  const { code, stdout, stderr } = await ended(child);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: factory/);
  expect(stderr).toBe("");
});
