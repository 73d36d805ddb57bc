/** Starts programs inside an instance's containment, with a clean environment. */

import type { ChildProcess } from "node:child_process";
import { accessSync, constants, lstatSync, mkdirSync, statSync, unlinkSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import type { Intent } from "../../instance/claim.ts";
import { containedCommand, findAgentMembers, killCgroup, type Target } from "../../instance/containment.ts";
import { hasCode } from "../../instance/files.ts";
import { INSTANCE_MARKER, type ProcessId, readProcess, signalProcess } from "../../instance/process-table.ts";
import { limitedCommand } from "../../instance/resource-limits.ts";
import { type StartFailure, startProgram } from "../../instance/start-program.ts";
import type { EndRung } from "./agent.ts";
import { giveTree } from "./ownership.ts";

export interface SpawnOptions {
  readonly intent: Intent;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: "pipe" | "ignore";
  /** Descriptor 3 is a pipe, and a line on it starts the program (`containedCommand`). */
  readonly gated?: boolean;
}

export interface Spawned {
  readonly child: ChildProcess;
  /** Leader of a session of its own. */
  readonly outer: ProcessId;
}

/** It never ran: there is no such program, or nothing is left to start it with. The caller reports that as an exit with 127. */
export interface Unstarted {
  readonly why: Promise<Pick<StartFailure, "message">>;
}

/** For `container.ts`, which lets the program in. */
export function spawnContained(options: SpawnOptions): Spawned | Unstarted {
  const { intent, gated = false } = options;
  const [named] = options.argv;
  if (!programExists(named, intent.workspace, options.env["PATH"] ?? ""))
    return { why: Promise.resolve({ message: `no such program: ${named}` }) };
  giveToAgent(intent);
  const { workspace } = intent;
  const contained = containedCommand(intent.containment, options.argv, { gated, workspace });
  const [command = "false", ...args] = limitedCommand(intent.resources, contained);
  const { child, failure } = startProgram(command, args, {
    cwd: intent.workspace,
    env: options.env,
    detached: true,
    stdio: [options.stdin, "pipe", "pipe", ...(gated ? ["pipe" as const] : [])],
  });
  if (child === null) return { why: failure };
  const row = readProcess(child.pid);
  // An outer process that is gone already can only be known by its number.
  return { child, outer: { pid: child.pid, startTicks: row?.startTicks ?? 0 } };
}

/** What the agent has to write to is its own, where it is somebody of its own. */
function giveToAgent(intent: Intent): void {
  const user = intent.containment.sandbox?.user ?? null;
  if (user !== null) giveTree(intent.workspace, user);
}

/** Only what is declared, what the program needs to find its way, and the marker by which it is found again. */
export function cleanEnvironment(
  intent: Intent,
  declared: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const ours = factoryFolder(intent.workspace);
  return {
    // Last, so that nothing of the machine is shadowed.
    PATH: [process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", join(ours, "bin")].join(delimiter),
    HOME: join(ours, "home"),
    LANG: "C.UTF-8",
    TMPDIR: join(ours, "tmp"),
    // A workspace that is no repository of its own is not taken for a part of one that lies above it.
    GIT_CEILING_DIRECTORIES: dirname(intent.workspace),
    ...declared,
    FACTORY_CLONE: intent.clone,
    FACTORY_EPOCH: String(intent.epoch),
    [INSTANCE_MARKER]: intent.nonce,
  };
}

/** Our folder in the workspace. The agent may have replaced it by a link; then the link goes. */
export function factoryFolder(workspace: string): string {
  const folder = join(workspace, ".factory");
  for (const path of [folder, join(folder, "tmp"), join(folder, "home"), join(folder, "bin")]) {
    try {
      if (!lstatSync(path).isDirectory()) unlinkSync(path);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  return folder;
}

/** Takes one rung of the ladder against a program that was spawned here, and its group. */
export function endProcess({ child, outer }: Spawned, rung: EndRung): void {
  if (rung === "stdin") {
    child.stdin?.end();
    return;
  }
  if (child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-outer.pid, rung === "sigterm" ? "SIGTERM" : "SIGKILL");
  } catch {
    // The group is gone; its exit is on the way.
  }
}

/** Ends whatever the agent left behind. It looks again until nothing is found or `LOOKS_MAX` is reached; the driver's proof is another matter. */
export function endLeftovers(target: Target): void {
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    if (target.plan.cgroup !== null) killCgroup(join(target.plan.cgroup, "agent"));
    const left = findAgentMembers(target);
    if (left.length === 0) return;
    for (const row of left) signalProcess(row, "SIGKILL");
  }
}

const LOOKS_MAX = 20;

function programExists(program: string, workspace: string, path: string): boolean {
  if (isAbsolute(program) || program.includes("/")) return isExecutable(resolve(workspace, program));
  return path.split(delimiter).some((folder) => isExecutable(resolve(workspace, folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
