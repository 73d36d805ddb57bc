/** One fleet that is attacked: an origin on this machine, a controller of the built program on it, and what is asked of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DeathProof } from "../../src/core/model/instance.ts";
import { isOfClone } from "../../src/core/record/chain.ts";
import type { CloneView, MissionView } from "../../src/core/status/view.ts";
import { type Ended, environment, factory } from "../cli/support.ts";
import { cloneUntil, eventually, missionUntil } from "../e2e/world.ts";
import {
  type ControllerOptions,
  endInstances,
  type RunningController,
  startController,
} from "../support/controller.ts";
import {
  type CloneOptions,
  cloneName,
  fleetFiles,
  type MissionOptions,
  pairFiles,
} from "../support/fleet-files.ts";
import { createOrigin, type Files, type Origin } from "../support/git.ts";
import { PROGRAM } from "./program.ts";

export interface Fleet {
  readonly folder: string;
  readonly origin: Origin;
  readonly dataDir: string;
  /** The one that runs now. */
  readonly controller: RunningController;
  commit(files: Files): Promise<string>;
  /** Commits a mission and its clone, whose agent is this program. */
  enlist(mission: string, clone: CloneOptions, options?: Partial<MissionOptions>): Promise<void>;
  mission(name: string, holds: (view: MissionView) => boolean): Promise<MissionView>;
  clone(mission: string, holds: (view: CloneView) => boolean): Promise<CloneView>;
  /** What the mission's agent has left in its workspace under this name, once it is there. */
  left(mission: string, file: string): Promise<string>;
  workspace(mission: string): string;
  /** `factory kill --now`, and what is on record about it. */
  kill(mission: string): Promise<DeathProof>;
  /** The command line of the built program on this data directory. */
  factory(...args: readonly string[]): Promise<Ended>;
  /** Another controller on the same repository, with this folder for its data. */
  another(data: string, args: readonly string[]): Promise<RunningController>;
  restart(options?: Partial<ControllerOptions>): Promise<void>;
  close(): Promise<void>;
}

export interface FleetOptions extends Partial<ControllerOptions> {
  readonly fleet?: Parameters<typeof fleetFiles>[0];
  /** What clones say of their isolation. */
  readonly isolation?: CloneOptions["isolation"];
}

export async function openFleet(folder: string, options: FleetOptions = {}): Promise<Fleet> {
  const { fleet = {}, isolation, env = {}, ...running } = options;
  const origin = await createOrigin({ directory: folder });
  const dataDir = join(folder, "data");
  // A person at the command line has nothing of the controller's environment but where things are.
  const operator = Object.fromEntries(
    ["HOME", "PATH", "TMPDIR"].flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
  let turn: Promise<unknown> = origin.commit(fleetFiles(fleet));
  await turn;
  const start = (more: Partial<ControllerOptions> = {}): Promise<RunningController> =>
    startController({ dataDir, source: origin.path, poll: "1s", program: PROGRAM, env, ...running, ...more });
  let controller = await start();
  const others: { readonly second: RunningController; readonly dataDir: string }[] = [];

  /** One after the other: each builds on the commit before. */
  function commit(files: Files): Promise<string> {
    const made = turn.then(async () => {
      const id = await origin.commit(files);
      void controller.client.call("reconcile").catch(() => {});
      return id;
    });
    turn = made.catch(() => {});
    return made;
  }

  async function proofOf(mission: string): Promise<DeathProof | null> {
    const asked = { clone: cloneName(mission), last: 100, limit: 100 };
    const { events } = await controller.client.call("events", asked);
    const ends = events
      .filter(isOfClone)
      .flatMap(({ event }) => (event.type === "stop.finished" ? [event.proof] : []));
    return ends.at(-1) ?? null;
  }

  const made: Fleet = {
    folder,
    origin,
    dataDir,
    get controller() {
      return controller;
    },
    commit,
    async enlist(mission, clone, more = {}) {
      const own = isolation === undefined ? clone : { isolation, ...clone };
      await commit(pairFiles(mission, own, { heartbeatSeconds: 10, ...more }));
    },
    mission: (name, holds) => missionUntil(controller, name, holds),
    clone: (mission, holds) => cloneUntil(controller, cloneName(mission), holds),
    workspace: (mission) => join(dataDir, "workspaces", cloneName(mission)),
    left: (mission, file) =>
      eventually(
        () => textOf(join(dataDir, "workspaces", cloneName(mission), file)),
        () => true,
        () => `${file} of ${mission}\n${controller.log().slice(-2_000)}`,
      ),
    async kill(mission) {
      const { code, stderr } = await made.factory("kill", mission, "--now", "--reason", "played");
      if (code !== 0) throw new Error(`factory kill ${mission} ended with ${code}: ${stderr}`);
      return eventually(
        () => proofOf(mission),
        () => true,
        () => `the end of ${mission}\n${controller.log().slice(-2_000)}`,
      );
    },
    factory: (...args) =>
      factory({ cwd: folder, program: PROGRAM, env: { ...operator, FACTORY_DATA: dataDir } }, ...args),
    async another(data, args) {
      const second = await start({ dataDir: join(folder, data), args: [...(running.args ?? []), ...args] });
      others.push({ second, dataDir: join(folder, data) });
      return second;
    },
    async restart(more = {}) {
      await controller.kill();
      controller = await start(more);
    },
    async close() {
      await controller.kill();
      for (const { second } of others) await second.kill();
      for (const one of [dataDir, ...others.map((other) => other.dataDir)]) await endInstances(one);
    },
  };
  return made;
}

/** As the command line is run elsewhere than on a fleet. */
export function command(
  cwd: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Ended> {
  return factory({ cwd, program: PROGRAM, env: environment(env) }, ...args);
}

function textOf(path: string): string | null {
  try {
    const text = readFileSync(path, "utf8");
    return text === "" ? null : text;
  } catch {
    return null;
  }
}

/** Living processes with the mark among their arguments: who looks is not the driver. */
export function marked(mark: string): readonly number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    return (textOf(`/proc/${entry}/cmdline`) ?? "").includes(mark) ? [Number(entry)] : [];
  });
}
