import { expect, test } from "vitest";
import { loseRecord } from "../chaos/scenarios/restore.ts";
import { cloneName } from "../support/fleet-files.ts";

const log = (line: string): void => {
  if (process.env["FACTORY_DEBUG"] !== undefined) process.stderr.write(`${line}\n`);
};

test("a deleted store is rebuilt: what lives is adopted, and what is over stays over", async () => {
  const report = await loseRecord({ clones: 4, lose: "store", published: true, alive: true, log });
  expect(report.lost).toEqual([]);
  expect(report.noticed?.beside.code).toBe(1);
  expect(report.refusal.code).toBe(1);
  expect(report.refusal.said).toMatch(/the record is empty.*`factory restore`/);
  expect(report.preview.code).toBe(1);
  const preview = report.preview.stdout.replaceAll(/\s+/g, " ");
  expect(preview).toContain("lane-1 run 1 goes on: epoch 1 lives and is adopted");
  expect(preview).toContain("done run 1 is closed and stays so");
  expect(report.livedBefore).toHaveLength(8);
  expect(report.livedAfter).toEqual(report.livedBefore);
  expect(report.ledger.filter(({ what }) => what === "cancelled")).toEqual([]);
}, 240_000);

test("a damaged store is put aside and rebuilt, also from a branch that does not know yet who works", async () => {
  const report = await loseRecord({ clones: 3, lose: "damage", published: false, log });
  expect(report.lost).toEqual([]);
  expect(report.refusal.said).toMatch(/is damaged/);
  expect(report.restored.stdout).toMatch(/What was left of the old record is at .*factory\.db\.lost-1/);
}, 240_000);

test("after the loss of the whole directory what lives is ended with proof, and its missions are started again above every epoch", async () => {
  const report = await loseRecord({ clones: 3, lose: "disk", published: true, log });
  expect(report.lost).toEqual([]);
  expect(report.livedAfter).toEqual([]);
  expect(report.preview.stdout).toContain("The key of this installation is lost");
  const again = report.ledger.filter(
    ({ clone, what, epoch }) => clone === cloneName("lane-1") && what.startsWith("begin") && epoch > 1,
  );
  expect(again.map(({ epoch }) => epoch)).toEqual([1_002]);
}, 240_000);
