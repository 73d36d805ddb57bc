import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { socketFolder } from "../../../../src/adapters/drivers/process/socket-folder.ts";

let root: string;
const made: string[] = [];
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "sockets-")));
});
afterEach(() => {
  for (const path of [root, ...made.splice(0)]) rmSync(path, { recursive: true, force: true });
});

function far(): string {
  const path = join(root, "d".repeat(100));
  mkdirSync(path);
  return path;
}
function folder(directory: string): string {
  const path = socketFolder(directory);
  made.push(path);
  return path;
}

test("below the instances' folder where a socket's path fits, for its owner alone", () => {
  const path = folder(root);
  expect(path.startsWith(`${root}/`)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(folder(root)).toBe(path);
});

test("else elsewhere, the same one each time, short enough, for its owner alone", () => {
  const directory = far();
  const path = folder(directory);
  expect(path.startsWith(root)).toBe(false);
  expect(Buffer.byteLength(join(path, `${"0".repeat(16)}.sock`))).toBeLessThan(108);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(folder(directory)).toBe(path);
});

test("two installations do not share one, so no name of another user's is in the way", () => {
  expect(folder(far())).not.toBe(socketFolder(root));
});

test.each(["opened to others", "replaced by a link", "gone"])(
  "a remembered folder that is %s is left, and a new one made",
  (how) => {
    const directory = far();
    const first = folder(directory);
    if (how === "opened to others") chmodSync(first, 0o777);
    else rmSync(first, { recursive: true });
    if (how === "replaced by a link") symlinkSync(root, first);
    const second = folder(directory);
    expect(second).not.toBe(first);
    expect(statSync(second).mode & 0o777).toBe(0o700);
  },
);

test("a near one that others can enter is refused with what to do", () => {
  chmodSync(folder(root), 0o755);
  expect(() => socketFolder(root)).toThrow(/chmod 700/);
});
