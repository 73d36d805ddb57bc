/** A fleet on a stand-in forge with its controller, for a story that people and a controller play there. */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { factory } from "../../cli/support.ts";
import { createWorld, eventually, type World } from "../../e2e/world.ts";
import type { RunningController } from "../controller.ts";
import { BOT, deliver, OWNER, openStandIn, REPOSITORY, type StandIn } from "../forge/stand-in.ts";
import { type Origin, openOrigin } from "../git.ts";
import { sharedSubfolder } from "../shared.ts";
import { fleetBefore } from "./fleet.ts";

export interface Walk {
  readonly world: World;
  readonly standIn: StandIn;
  /** The repository itself: nobody hears of what is committed here but by looking, or by a webhook. */
  readonly origin: Origin;
  /** Where the agent notes what it did. */
  readonly folder: string;
  /** The one that runs now; another one after `restart`. */
  readonly controller: RunningController;
  /** Numbers of pull requests and issues by what they are in the story. */
  readonly numbers: Map<string, number>;
  /** Ends the controller without a chance to do anything, and starts another one on its data. */
  restart(): Promise<void>;
  /** The command line beside the controller. */
  factory(...args: readonly string[]): Promise<string>;
  /** As the forge sends an event; what becomes of it on the way is up to `mail`. */
  webhook(event: string, payload: object): Promise<void>;
  /** Lines that the agent wrote: `world.txt` is what it did outside, `log.txt` all that it did. */
  lines(file: "world.txt" | "log.txt"): readonly string[];
  /** Looks until the world is as wanted. */
  until<T>(what: string, look: () => Promise<T | null> | T | null, holds: (seen: T) => boolean): Promise<T>;
  close(): Promise<void>;
}

export interface WalkOptions {
  /** How often each webhook arrives: 0 is a lost one, 2 a doubled one. Once where nothing is said. */
  readonly mail?: (event: string) => number;
  readonly poll?: string;
  /** For each wait; a machine that is busy, with a controller that dies. */
  readonly withinMs?: number;
}

const SECRET = "it is signed";

export async function openWalk(name: string, options: WalkOptions = {}): Promise<Walk> {
  const { mail = () => 1, poll = "1s", withinMs = 60_000 } = options;
  const world = await createWorld(name);
  const origin = openOrigin(world.origin.path);
  const standIn = await openStandIn({ origin });
  const folder = sharedSubfolder(`${basename(world.path)}-walk`, ["world.txt", "log.txt"]);
  const started = {
    env: { FORGE_TOKEN: standIn.tokenOf(BOT), FORGE_SECRET: SECRET },
    args: ["--port", "0"],
    poll,
  };
  let controller: RunningController;
  let deliveries = 0;
  try {
    await origin.commit(fleetBefore({ api: standIn.url }));
    controller = await world.start(started);
  } catch (error) {
    await world.close();
    await standIn.close();
    throw error;
  }

  const until: Walk["until"] = (what, look, holds) =>
    eventually(look, holds, () => `${what}\n${controller.log().slice(-4_000)}`, withinMs);

  return {
    world,
    standIn,
    origin,
    folder,
    numbers: new Map(),
    get controller() {
      return controller;
    },
    async restart() {
      await controller.kill();
      controller = await world.start(started);
    },
    async factory(...args) {
      const ran = await factory({ cwd: world.path, env: { FACTORY_DATA: world.dataDir } }, ...args);
      if (ran.code !== 0) throw new Error(`factory ${args.join(" ")} ended with ${ran.code}: ${ran.stderr}`);
      return ran.stdout;
    },
    async webhook(event, payload) {
      deliveries += 1;
      const id = `delivery-${deliveries}`;
      const body = { repository: { full_name: `${OWNER}/${REPOSITORY}` }, ...payload };
      for (let time = mail(event); time > 0; time -= 1) {
        const [port] = /:(\d+)#/.exec(controller.network ?? "")?.slice(1) ?? [];
        const url = `https://127.0.0.1:${port}/webhooks/github`;
        // Nobody sends it again where nobody listens: the controller has to find out by itself.
        await deliver(url, event, body, { secret: SECRET, id }).catch(() => 0);
      }
    },
    lines(file) {
      const path = join(folder, file);
      return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
    },
    until,
    async close() {
      await world.close();
      await standIn.close();
    },
  };
}
