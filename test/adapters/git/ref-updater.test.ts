import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createRefUpdater, type RefUpdater } from "../../../src/adapters/git/ref-updater.ts";
import { createGitSource } from "../../../src/adapters/git/source.ts";
import { fleetFiles } from "../../support/fleet-files.ts";
import { createOrigin, git, gitEnvironment } from "../../support/git.ts";
import { until } from "../../support/until.ts";

const ZEROS = "0".repeat(40);
const signal = new AbortController().signal;

let directory: string;
let commit: string;
let updater: RefUpdater;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "factory-refs-"));
  await git(directory, ["init", "-q", "--bare", "--initial-branch=main"]);
  const tree = await git(directory, ["hash-object", "-t", "tree", "-w", "/dev/null"]);
  commit = await git(directory, ["commit-tree", "-m", "one", tree]);
  updater = createRefUpdater({ directory, env: gitEnvironment(), timeoutMs: 20_000 });
});
afterEach(() => {
  updater.close();
  rmSync(directory, { recursive: true, force: true });
});

it("moves refs one after the other, with one git", async () => {
  expect(await updater.update([`create refs/factory/a ${commit}`])).toBe(true);
  const [first] = updatersIn(directory);
  expect(await updater.update([`update refs/factory/b ${commit} ${ZEROS}`])).toBe(true);
  expect(await git(directory, ["rev-parse", "refs/factory/a", "refs/factory/b"])).toBe(
    `${commit}\n${commit}`,
  );
  expect(updatersIn(directory)).toEqual([first]);
});

it("says of a refused change that it does not know, and goes on with another git", async () => {
  expect(await updater.update([`create refs/factory/a ${commit}`])).toBe(true);
  expect(await updater.update([`create refs/factory/a ${commit}`, `create refs/factory/c ${commit}`])).toBe(
    false,
  );
  await expect(git(directory, ["rev-parse", "--verify", "-q", "refs/factory/c"])).rejects.toThrow();
  expect(await updater.update([`create refs/factory/b ${commit}`])).toBe(true);
});

it("is gone with its closing", async () => {
  await updater.update([`create refs/factory/a ${commit}`]);
  updater.close();
  await until(() => updatersIn(directory).length === 0, "the end of git");
});

it("that is killed, or finds a lock, costs a source nothing but time", async () => {
  const origin = await createOrigin({ directory, name: "origin" });
  await origin.commit(fleetFiles());
  const mirror = join(directory, "mirror.git");
  const source = createGitSource({ url: origin.path, branch: "main", directory: mirror });
  try {
    expect((await source.observe(signal)).type).toBe("ok");
    const [pid] = updatersIn(mirror);
    process.kill(pid ?? 0, "SIGKILL");
    const second = await origin.commit({ "notes/two.md": "two\n" });
    expect(await source.observe(signal)).toMatchObject({ type: "ok", snapshot: { revision: second } });
    expect(readFileSync(join(mirror, "refs/factory/accepted"), "utf8").trim()).toBe(second);
    writeFileSync(join(mirror, "refs/factory/accepted.lock"), "");
    const third = await origin.commit({ "notes/three.md": "three\n" });
    // Somebody's lock: the mirror cannot be written, and a new one takes its place.
    expect(await source.observe(signal)).toMatchObject({ type: "ok", snapshot: { revision: third } });
    expect(readFileSync(join(mirror, "refs/factory/accepted"), "utf8").trim()).toBe(third);
  } finally {
    await source.close();
  }
});

/** Long-lived ones that work in this folder. */
function updatersIn(folder: string): readonly number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return command === "git\0update-ref\0--stdin\0" && readlinkSync(`/proc/${pid}/cwd`) === folder;
      } catch {
        return false;
      }
    });
}
