/** `factory drill kill` where the proof cannot be given: said clearly, with the exit code for problems, and kept. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cloneFile, cloneName, fleetFiles } from "../support/fleet-files.ts";
import { type Ended, factory } from "./support.ts";

const CLONE = cloneName("proven");
let fleet = "";
let data = "";

beforeEach(() => {
  fleet = mkdtempSync(join(tmpdir(), "factory-cli-drill-"));
  data = join(fleet, ".factory");
  for (const [path, text] of Object.entries({
    ...fleetFiles(),
    ...cloneFile(CLONE, { command: ["true"] }),
  })) {
    mkdirSync(join(fleet, dirname(path)), { recursive: true });
    writeFileSync(join(fleet, path), String(text));
  }
});
afterEach(() => rmSync(fleet, { recursive: true, force: true }));

function run(...args: readonly string[]): Promise<Ended> {
  return factory({ cwd: fleet }, ...args);
}

test("an instance that cannot be launched proves nothing: exit 1, what it means and what to do, and it is listed", async () => {
  mkdirSync(join(data, "drills", "instances"), { recursive: true });
  writeFileSync(join(data, "drills", "instances", "drill"), "no folder");
  const drilled = await run("drill", "kill", CLONE);
  expect(drilled).toMatchObject({ code: 1, stdout: expect.stringMatching(`${CLONE}: FAILED: `) });
  expect(drilled.stderr).toMatch(`error: the kill is not proven on ${CLONE}: `);
  expect(drilled.stderr).toMatch(/No mission was touched[\s\S]*Do not rely on the kill[\s\S]*factory doctor/);
  const listed = await run("drills");
  expect(listed).toMatchObject({ code: 1, stdout: expect.stringMatching(`${CLONE}: FAILED: `) });
  const { code, stdout } = await run("--json", "drill", "kill", CLONE);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ drills: [{ target: CLONE, passed: false, deathMs: null }] });
});

test("where not even the folder of the drills can be made the kill is not proven either, and nothing is listed", async () => {
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, "drills"), "no folder");
  const { code, stdout, stderr } = await run("drill", "kill", CLONE, "--now");
  expect(code).toBe(1);
  expect(stdout).toMatch(`${CLONE}: FAILED: `);
  expect(stderr).toMatch(/could not be written down, so `factory drills` will not show it/);
  expect(stderr).toMatch(/the kill is not proven/);
});
