import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { userOf } from "../../../../src/adapters/drivers/process/users.ts";
import { USERS_COUNT, USERS_FIRST } from "../../../../src/instance/sandbox-users.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "factory-users-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("each clone has a number of its own, always the same, that nobody here has", () => {
  const names = Array.from({ length: 20 }, (_, index) => `clone-${index}`);
  const users = names.map((name) => userOf(directory, name));
  expect(new Set(users).size).toBe(20);
  for (const user of users) {
    expect(user).toBeGreaterThanOrEqual(USERS_FIRST);
    expect(user).toBeLessThan(USERS_FIRST + USERS_COUNT);
    expect(readFileSync("/etc/passwd", "latin1")).not.toContain(`:${user}:`);
  }
  expect(names.map((name) => userOf(directory, name))).toEqual(users);
});
