import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const CLAIM = new URL("../../src/instance/claim.ts", import.meta.url).href;
let directory: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "factory-claim-")), "1");
  mkdirSync(directory);
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true, force: true }));

/** In a process that may write no byte to any file, as on a disk that is full. */
function fenceWithoutRoom(): { code: number | null; said: string } {
  const program = `import(${JSON.stringify(CLAIM)}).then(({ claimFenced }) => console.log(claimFenced(process.argv[1])))`;
  const command = [
    "-c",
    'trap "" XFSZ; ulimit -f 0; exec "$0" -e "$1" "$2"',
    process.execPath,
    program,
    directory,
  ];
  const { status, stdout } = spawnSync("sh", command, { encoding: "utf8", timeout: 30_000 });
  return { code: status, said: stdout.trim() };
}

test("a claim that stands needs no room to be found: a full disk keeps nobody from being ended", () => {
  const claim = { fenced: false, nonce: "n", bootId: "b", shim: { pid: 1, startTicks: 1 } };
  writeFileSync(join(directory, "claim.json"), JSON.stringify(claim));
  expect(fenceWithoutRoom()).toEqual({ code: 0, said: "false" });
  expect(JSON.parse(readFileSync(join(directory, "claim.json"), "utf8"))).toEqual(claim);
});

test("a claim that cannot be written whole is not made, and leaves nothing behind", () => {
  expect(fenceWithoutRoom().code).not.toBe(0);
  expect(readdirSync(directory)).toEqual([]);
});
