import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { playSuite } from "./suite.ts";
import { isBroken, suiteText } from "./suite-report.ts";

const FIXTURES = fileURLToPath(new URL("./fixtures/", import.meta.url));
const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

test("each scenario is played within its limit, and the table says what became of it", async () => {
  const logged: string[] = [];
  const report = await playSuite({
    scenarios: await catalogue(FIXTURES),
    folder: FIXTURES,
    log: (line) => void logged.push(line),
  });
  const outcomes = Object.fromEntries(
    report.rows.map((row) => [row.name, [row.outcome.type, isBroken(row)]]),
  );
  expect(outcomes).toEqual({
    hangs: ["failed", true],
    holds: ["played", false],
    impossible: ["not_possible", false],
    loses: ["played", true],
    throws: ["failed", true],
  });
  expect(report.ok).toBe(false);
  const text = suiteText(report);
  expect(text).toContain("2 of 5 scenarios were played");
  expect(text).toContain("1 are not possible on this machine");
  expect(text).toContain("| holds | a \\| bar | nowhere | at once | 0.1 s | by itself | nothing |");
  expect(text).toContain("not possible here: no such program");
  expect(text).toContain("somebody to notice");
  expect(text).toMatch(/hangs:\n\n {6}it did not end within 4 s/);
  expect(sleepers()).toEqual([]);
});

test("two are played at once and told in the order of their names", async () => {
  const all = await catalogue(FIXTURES);
  const logged: string[] = [];
  const { rows } = await playSuite({
    scenarios: new Map([...all].filter(([name]) => name === "hangs" || name === "holds")),
    folder: FIXTURES,
    jobs: 2,
    log: (line) => void logged.push(line),
  });
  expect(rows.map(({ name }) => name)).toEqual(["hangs", "holds"]);
  expect(logged.slice(0, 2)).toEqual(["hangs …", "holds …"]);
});

test("what is not possible here does not count as passed", async () => {
  const all = await catalogue(FIXTURES);
  const report = await playSuite({
    scenarios: new Map([...all].filter(([name]) => name === "impossible")),
    folder: FIXTURES,
    log: () => {},
  });
  expect(report.ok).toBe(false);
  expect(suiteText(report)).toContain("NOTHING WAS TRIED");
});

test("wrong usage ends with 2 and says what would be right", () => {
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", timeout: 30_000 });
  expect(run("--only", "nope")).toMatchObject({ status: 2, stderr: expect.stringContaining("sigstop-shim") });
  expect(run("--kills", "many")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("takes a number"),
  });
  expect(run("--faults")).toMatchObject({ status: 2, stderr: expect.stringContaining("--only NAME") });
  const listed = run("--list");
  expect(listed).toMatchObject({ status: 0 });
  expect(listed.stdout.split("\n")).toContain("sigstop-controller");
});

/** Of the fixture that hangs, by the folder that its environment names. */
function sleepers(): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return (
        readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("sleep\x180") &&
        readFileSync(`/proc/${pid}/environ`, "latin1").includes("factory-chaos-hangs")
      );
    } catch {
      return false;
    }
  });
}
