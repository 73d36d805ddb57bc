import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { knownFleets, localPathOf, rememberFleet } from "../../../src/adapters/system/known-fleets.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "factory-known-"));
  vi.stubEnv("XDG_STATE_HOME", join(root, "state"));
  for (const name of ["one", "two"]) mkdirSync(join(root, name));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

const notes = (): string => join(root, "state/ua-factory/fleets");

test("every fleet of the user is known to the others until its data is gone", () => {
  const one = { dataDir: join(root, "one"), origins: [join(root, "origin.git")] };
  const two = { dataDir: join(root, "two"), origins: [] };
  for (const fleet of [one, two, one]) expect(rememberFleet(fleet)).toBe(true);
  expect([...knownFleets()].sort((a, b) => (a.dataDir < b.dataDir ? -1 : 1))).toEqual([one, two]);
  expect(readdirSync(notes()).map((name) => statSync(join(notes(), name)).mode & 0o077)).toEqual([0, 0]);
  rmSync(one.dataDir, { recursive: true });
  expect(knownFleets()).toEqual([two]);
  expect(readdirSync(notes())).toHaveLength(1);
});

test("what is no note is passed over, and a home that takes none is no reason to stop", () => {
  rememberFleet({ dataDir: join(root, "one"), origins: [] });
  writeFileSync(join(notes(), "0.json"), "{");
  writeFileSync(join(notes(), "1.json"), '{"dataDir": 7, "origins": []}');
  expect(knownFleets().map(({ dataDir }) => dataDir)).toEqual([join(root, "one")]);
  vi.stubEnv("XDG_STATE_HOME", join(root, "one", "file"));
  writeFileSync(join(root, "one", "file"), "");
  expect(rememberFleet({ dataDir: join(root, "two"), origins: [] })).toBe(false);
  expect(knownFleets()).toEqual([]);
});

test("a user without a home gets none by this", () => {
  vi.stubEnv("XDG_STATE_HOME", undefined);
  vi.stubEnv("HOME", join(root, "nobody"));
  expect(rememberFleet({ dataDir: join(root, "one"), origins: [] })).toBe(false);
  expect(readdirSync(root).sort()).toEqual(["one", "two"]);
});

test.each([
  ["/srv/fleet.git", "/srv/fleet.git"],
  ["file:///srv/fleet.git", "/srv/fleet.git"],
  ["https://forge.example/fleet.git", null],
  ["git@forge.example:fleet.git", null],
  ["ssh://git@forge.example/fleet.git", null],
])("%s lies in %s", (source, path) => {
  expect(localPathOf(source)).toBe(path);
});
