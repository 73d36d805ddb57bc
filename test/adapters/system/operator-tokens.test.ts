import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openOperatorTokens } from "../../../src/adapters/system/operator-tokens.ts";
import { systemRandom } from "../../../src/adapters/system/random.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "operators-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = () => openOperatorTokens({ directory, random: systemRandom() });
const ANN = {
  name: "ann",
  role: "approver",
  createdAt: 1,
  createdBy: "operator:root",
  expiresAt: 9,
} as const;

test("what is kept of a token opens nothing, and finds it again after a restart", async () => {
  const { made, token } = await open().create(ANN);
  const file = join(directory, "operators.json");
  const text = readFileSync(file, "utf8");
  expect(text).not.toContain(token);
  expect(text).not.toContain(token.split("_")[2]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const again = open();
  expect(again.find(token)).toEqual({ ...ANN, id: made.id, revokedAt: null });
  const kept = (JSON.parse(text) as { tokens: { sha256: string }[] }).tokens[0]?.sha256 ?? "";
  for (const guess of [
    kept,
    `fop_${made.id}_${kept}`,
    `${token}0`,
    token.slice(0, -1),
    token.toUpperCase(),
    "",
    made.id,
  ])
    expect([guess, again.find(guess)]).toEqual([guess, null]);
});

test("a revoked token stays revoked, and a repeat does not move the moment", async () => {
  const tokens = open();
  const [ann, bob] = [await tokens.create(ANN), await tokens.create({ ...ANN, name: "bob" })];
  expect(await tokens.revoke(ann.made.id, "operator:root", 5)).toBe(true);
  expect(await tokens.revoke(ann.made.id, "operator:root", 7)).toBe(true);
  expect(await tokens.revoke("nobody", "operator:root", 7)).toBe(false);
  expect(open().find(ann.token)).toMatchObject({ revokedAt: 5 });
  expect(open().find(bob.token)).toMatchObject({ revokedAt: null });
});

test("many at once are all kept", async () => {
  const tokens = open();
  await Promise.all(Array.from({ length: 20 }, (_, n) => tokens.create({ ...ANN, name: `p${n}` })));
  expect(
    open()
      .list()
      .map(({ name }) => name),
  ).toEqual(Array.from({ length: 20 }, (_, n) => `p${n}`));
});

test.each(["", "[]", '{"version":2,"tokens":[]}', '{"version":1,"tokens":[{"id":"x"}]}'])(
  "a file that says %j lets nobody in and is not written over",
  (text) => {
    writeFileSync(join(directory, "operators.json"), text);
    expect(open).toThrow(/cannot be understood/);
  },
);
