/** One fleet and one controller that the tests of a file share, and what they ask of them. */
import { afterAll, beforeAll } from "vitest";
import type { ControllerClient } from "../../src/adapters/http/client.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import { isOfClone } from "../../src/core/record/chain.ts";
import type { CloneView, InboxItem, MissionView } from "../../src/core/status/view.ts";
import { type Ended, factory } from "../cli/support.ts";
import type { ControllerOptions, RunningController } from "../support/controller.ts";
import { cloneName } from "../support/fleet-files.ts";
import type { Files } from "../support/git.ts";
import { cloneUntil, createWorld, eventually, missionUntil, processesOf, type World } from "./world.ts";

/** An event with the moment in which it was recorded. */
export type Seen = CloneEvent & { readonly at: number };

export interface Stage {
  readonly world: World;
  /** The one that runs now; another one after `restart`. */
  readonly controller: RunningController;
  /** Of that controller. */
  readonly client: ControllerClient;
  /** Commits to the fleet's branch. */
  commit(files: Files): Promise<string>;
  /** Kills the controller and starts another one on its data. */
  restart(): Promise<void>;
  /** The command line on this data directory. */
  factory(...args: readonly string[]): Promise<Ended>;
  mission(name: string, holds: (mission: MissionView) => boolean): Promise<MissionView>;
  clone(name: string, holds: (clone: CloneView) => boolean): Promise<CloneView>;
  /** What was recorded of the mission's clone, oldest first. */
  events(mission: string): Promise<readonly Seen[]>;
  /** Waits until it is on record this often, and answers with everything that is. */
  recorded(mission: string, type: CloneEvent["type"], times?: number): Promise<readonly Seen[]>;
  /** What the mission's agents have noted in the world's ledger, oldest first. */
  notes(mission: string): readonly string[];
  /** Waits for so many more notes from now on. */
  notesMore(mission: string, count: number): Promise<void>;
  inbox(mission: string): Promise<readonly InboxItem[]>;
  /** Pids of an epoch of the mission's clone. */
  processes(mission: string, epoch?: number): ReturnType<typeof processesOf>;
}

/** Made before the first test of the file that calls this, and ended after its last one. */
export function createStage(
  name: string,
  files: (world: World) => Files,
  options: Partial<ControllerOptions> = {},
): Stage {
  let world: World;
  let controller: RunningController;
  beforeAll(async () => {
    world = await createWorld(name);
    await world.origin.commit(files(world));
    controller = await world.start(options);
  });
  afterAll(() => world.close());

  async function events(mission: string): Promise<readonly Seen[]> {
    const found = await controller.client.call("events", { clone: cloneName(mission), limit: 1_000 });
    return found.events.filter(isOfClone).map(({ event, at }) => ({ ...event, at }));
  }

  function notes(mission: string): readonly string[] {
    return world.ledger().flatMap(({ clone, what }) => (clone === cloneName(mission) ? [what] : []));
  }

  const log = (): string => `\n${controller.log().slice(-3_000)}`;

  return {
    get world() {
      return world;
    },
    get controller() {
      return controller;
    },
    get client() {
      return controller.client;
    },
    commit: (changed) => world.origin.commit(changed),
    async restart() {
      await controller.kill();
      controller = await world.start(options);
    },
    factory: (...args) => factory({ cwd: world.path, env: { FACTORY_DATA: world.dataDir } }, ...args),
    mission: (mission, holds) => missionUntil(controller, mission, holds),
    clone: (mission, holds) => cloneUntil(controller, cloneName(mission), holds),
    events,
    recorded: (mission, type, times = 1) =>
      eventually(
        () => events(mission),
        (seen) => seen.filter((event) => event.type === type).length >= times,
        () => `${times} × ${type} of ${mission}${log()}`,
      ),
    notes,
    async notesMore(mission, count) {
      const from = notes(mission).length;
      await eventually(
        () => notes(mission).length,
        (length) => length >= from + count,
        () => `${count} more notes of ${mission}${log()}`,
      );
    },
    inbox: async (mission) =>
      (await controller.client.call("inbox")).items.filter(({ subject }) => subject === mission),
    processes: (mission, epoch = 1) => processesOf(world.dataDir, cloneName(mission), epoch),
  };
}
