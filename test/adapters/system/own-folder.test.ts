import { chmodSync, chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assertOwnFolder, folderTrouble } from "../../../src/adapters/system/own-folder.ts";

let above: string;
let folder: string;
beforeEach(() => {
  above = realpathSync(mkdtempSync(join(tmpdir(), "own-folder-")));
  folder = join(above, "data");
  mkdirSync(folder, { mode: 0o700 });
});
afterEach(() => rmSync(above, { recursive: true, force: true }));

test.each([0o700, 0o750, 0o755])("ours with mode %o is taken", (mode) => {
  chmodSync(folder, mode);
  expect(folderTrouble(folder)).toBeNull();
});

test.each([0o770, 0o707, 0o777, 0o1777])(
  "ours with mode %o is refused with the command that mends it",
  (mode) => {
    chmodSync(folder, mode);
    expect(() => assertOwnFolder(folder)).toThrow(`chmod go-w ${folder}`);
  },
);

test("one below a folder that everybody can write is refused, unless only owners can rename in there", () => {
  chmodSync(above, 0o777);
  expect(folderTrouble(folder)?.what).toContain(above);
  chmodSync(above, 0o1777);
  expect(folderTrouble(folder)).toBeNull();
});

test("a link is judged by where it leads", () => {
  const link = join(above, "link");
  symlinkSync(folder, link);
  expect(folderTrouble(link)).toBeNull();
  chmodSync(folder, 0o777);
  expect(folderTrouble(link)?.next).toBe(`run: chmod go-w ${folder}`);
});

test.skipIf(process.getuid?.() !== 0)("another user's is refused, and one below another user's", () => {
  const STRANGER = 54_321;
  chownSync(folder, STRANGER, STRANGER);
  expect(folderTrouble(folder)?.what).toContain(String(STRANGER));
  chownSync(folder, 0, 0);
  chownSync(above, STRANGER, STRANGER);
  expect(folderTrouble(folder)?.what).toContain(`${above}, above the data directory`);
});
