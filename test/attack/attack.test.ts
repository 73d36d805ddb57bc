/** `npm run attack`, the part of it that does not take long; and that it leaves the machine as it was, also when it is killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { ended } from "../cli/support.ts";
import { CORE_PATTERN } from "../support/guard.ts";
import { SHUTS_IN } from "../support/machine.ts";
import { until } from "../support/until.ts";
import type { Played } from "./attack.ts";
import { ensureBuilt, ROOT } from "./program.ts";

const root = process.getuid?.() === 0;
const QUICK_MS = 400_000;
const BUILD_MS = 180_000;
// Nobody waits for it below.
beforeAll(() => ensureBuilt(() => {}), BUILD_MS);

let running: ChildProcess | null = null;
afterEach(() => {
  running?.kill("SIGKILL");
});

function attack(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [join(ROOT, "test/attack/main.ts"), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running = child;
  return child;
}

test(
  "no attack gets anything that is not said",
  async () => {
    const { code, stdout, stderr } = await ended(attack("--quick", "--json"), QUICK_MS);
    const played = JSON.parse(stdout) as Played[];
    expect(
      played.filter(({ verdict }) => verdict === "broken"),
      stderr,
    ).toEqual([]);
    expect(code).toBe(0);
    expect(new Set(played.map(({ user }) => user)).size).toBe(root ? 2 : 1);
    // A machine that can shut agents in has no excuse but the one that is known.
    const unproven = played.filter(({ verdict }) => verdict === "unproven").map(({ attack: name }) => name);
    if (SHUTS_IN) expect([...new Set(unproven)].filter((name) => name !== "server-port")).toEqual([]);
  },
  QUICK_MS,
);

/** Folders and processes of a run, by the folder that it names. */
async function folderOf(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said += chunk.toString("utf8");
  });
  return until(() => /^as \w+ user in (\S+)$/m.exec(said)?.[1], "the folder in which it plays");
}

async function expectNothingLeft(folder: string): Promise<void> {
  await until(() => !existsSync(folder) && naming(folder).length === 0, `nothing of ${folder} to be left`);
}

function naming(folder: string): readonly string[] {
  return readdirSync("/proc").filter((entry) => {
    try {
      return /^\d+$/.test(entry) && readFileSync(`/proc/${entry}/cmdline`, "latin1").includes(folder);
    } catch {
      return false;
    }
  });
}

test.skipIf(!root)(
  "killed in the middle of it, the kernel's setting is put back, and nothing of it lives",
  async () => {
    const before = readFileSync(CORE_PATTERN, "utf8");
    const child = attack("--only", "core-pattern", "--level", "group", "--as", "root");
    const folder = await folderOf(child);
    await until(
      () => readFileSync(CORE_PATTERN, "utf8").includes(folder),
      "the kernel's setting to be changed",
    );
    child.kill("SIGKILL");
    await once(child, "exit");
    await until(() => readFileSync(CORE_PATTERN, "utf8") === before, "the kernel's setting to be put back");
    await expectNothingLeft(folder);
  },
  QUICK_MS,
);

test(
  "killed while an ordinary user's agents run, nothing of it lives",
  async () => {
    const child = attack("--only", "wakes-in-a-pause", "--level", "group", "--as", "ordinary");
    const folder = await folderOf(child);
    await until(() => naming(join(folder, "group/data")).length > 1, "a controller and a shim to run");
    child.kill("SIGKILL");
    await once(child, "exit");
    await expectNothingLeft(folder);
  },
  QUICK_MS,
);
