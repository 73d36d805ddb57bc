/** What a process concludes when it has no descriptor left: nothing. In a process of its own, with a limit that it meets. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const PROGRAM = join(import.meta.dirname, "programs/out-of-descriptors.ts");
const LIMIT = 96;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "factory-descriptors-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the scenario says in a process that keeps so many spare descriptors. */
function play(scenario: string, spare: number): unknown {
  const args = [
    `--nofile=${LIMIT}:${LIMIT}`,
    "--",
    process.execPath,
    PROGRAM,
    scenario,
    String(spare),
    folder,
  ];
  const text = execFileSync("prlimit", args, {
    env: { ...process.env, XDG_STATE_HOME: join(folder, "state") },
    encoding: "utf8",
  });
  return JSON.parse(text);
}

describe("the file of the kill switch", () => {
  test("says what it said last, and why nobody knows more, until it can be read again", () => {
    expect(play("switch", 0)).toEqual({
      before: 0,
      during: {
        same: true,
        unknown: expect.stringMatching(/cannot be read .*\(EMFILE\)\. What it said last holds/),
      },
      after: { engaged: 1, unknown: null },
    });
  });

  test("is read all the same with a spare descriptor", () => {
    expect(play("switch", 8)).toMatchObject({ during: { same: true, unknown: null } });
  });

  test("that was never read is no reason to go on", () => {
    expect(play("unread", 0)).toBe("machine/shortage");
  });
});

test("nobody is taken for dead", () => {
  expect(play("processes", 0)).toEqual({ alive: "machine/shortage", seen: "EMFILE" });
  expect(play("processes", 8)).toEqual({ alive: true, seen: true });
});

test("no fleet is forgotten", () => {
  expect(play("fleets", 0)).toEqual({ before: 1, during: "machine/shortage", after: 1 });
});

test("a program that cannot be started says why, and leaves nothing open", () => {
  expect(play("start", 0)).toEqual({
    short: {
      code: "EMFILE",
      shortage: "EMFILE",
      message: expect.stringContaining("true cannot be started: this process has"),
    },
    missing: { code: "ENOENT", shortage: null, message: expect.stringContaining("it is not there") },
    code: 0,
  });
});

test("spare descriptors are lent for a while, and taken again", () => {
  expect(play("borrow", 8)).toEqual({ kept: 8, lent: 0, back: 8, missed: true });
});
