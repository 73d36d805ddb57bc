/** A fleet on a stand-in forge with its controller, for a story that people and a controller play there. */
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ControllerClient } from "../../../src/adapters/http/client.ts";
import { factory } from "../../cli/support.ts";
import { createWorld, eventually, type World } from "../../e2e/world.ts";
import { announcement, clientOf, ended, readLog, spawnController } from "../controller.ts";
import { BOT, deliver, OWNER, openStandIn, REPOSITORY, type StandIn } from "../forge/stand-in.ts";
import { type Files, type Origin, openOrigin } from "../git.ts";
import { sharedSubfolder } from "../shared.ts";
import { fleetBefore } from "./fleet.ts";

export interface Walk {
  readonly world: World;
  readonly standIn: StandIn;
  /** The repository itself: nobody hears of what is committed here but by looking, or by a webhook. */
  readonly origin: Origin;
  /** Where the agent notes what it did. */
  readonly folder: string;
  /** Numbers of pull requests and issues by what they are in the story. */
  readonly numbers: Map<string, number>;
  /** Starts a controller and waits for nothing. There is one already where nothing else was asked for. */
  spawn(): void;
  /** Sends the controller the signal that nothing survives; it is gone when `gone` resolves. */
  kill(): void;
  gone(): Promise<void>;
  /** Asks it to end in order, and answers with its exit code. */
  stop(): Promise<number | null>;
  /** Of the controller that runs. Throws while it does not listen. */
  client(): ControllerClient;
  /** Everything that the controllers have logged. */
  log(): string;
  /** The command line beside the controller; rejects where it ends with anything but 0. */
  factory(...args: readonly string[]): Promise<string>;
  /** As the forge sends an event; what becomes of it on the way is up to `mail`. */
  webhook(event: string, payload: object): Promise<void>;
  /** Lines that the agent wrote: `world.txt` is what it did outside, `log.txt` all that it did. */
  lines(file: "world.txt" | "log.txt"): readonly string[];
  /** Looks until the world is as wanted; a look that fails is one of a controller that is away. */
  until<T>(what: string, look: () => Promise<T | null> | T | null, holds: (seen: T) => boolean): Promise<T>;
  close(): Promise<void>;
}

export interface WalkOptions {
  /** How often each webhook arrives: 0 is a lost one, 2 a doubled one. Once where nothing is said. */
  readonly mail?: (event: string) => number;
  readonly poll?: string;
  /** For each wait: a machine that is busy, and a controller that dies. */
  readonly withinMs?: number;
  /** Whether a controller is started at once. */
  readonly spawned?: boolean;
  /** On the obeyed branch before anybody asks for anything; the walk-through's where nothing is said. */
  readonly before?: (api: string) => Files;
}

const SECRET = "it is signed";

export async function openWalk(name: string, options: WalkOptions = {}): Promise<Walk> {
  const { mail = () => 1, poll = "1s", withinMs = 60_000, spawned = true } = options;
  const world = await createWorld(name);
  const origin = openOrigin(world.origin.path);
  const standIn = await openStandIn({ origin });
  const folder = sharedSubfolder(`${basename(world.path)}-walk`, ["world.txt", "log.txt"]);
  const { before = (api: string) => fleetBefore({ api }) } = options;
  await origin.commit(before(standIn.url));
  let child: ChildProcess | null = null;
  let deliveries = 0;

  function spawn(): void {
    child = spawnController({
      dataDir: world.dataDir,
      source: world.url,
      poll,
      env: { FORGE_TOKEN: standIn.tokenOf(BOT), FORGE_SECRET: SECRET },
      args: ["--port", "0"],
    });
  }
  if (spawned) spawn();

  function announced() {
    const found = announcement(world.dataDir);
    return found !== null && child !== null && found.pid === child.pid ? found : null;
  }

  const log = (): string => readLog(world.dataDir);
  return {
    world,
    standIn,
    origin,
    folder,
    numbers: new Map(),
    spawn,
    kill: () => void child?.kill("SIGKILL"),
    async gone() {
      if (child !== null) await ended(child);
    },
    async stop() {
      child?.kill("SIGTERM");
      return child === null ? null : ended(child);
    },
    client() {
      const found = announced();
      if (found === null) throw new Error("no controller listens");
      return clientOf(world.dataDir, found.url);
    },
    log,
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
        const [port] = /:(\d+)#/.exec(announced()?.network ?? "")?.slice(1) ?? [];
        // Nobody sends it again where nobody listens: the controller has to find out by itself.
        if (port === undefined) return;
        const url = `https://127.0.0.1:${port}/webhooks/github`;
        await deliver(url, event, body, { secret: SECRET, id }).catch(() => 0);
      }
    },
    lines(file) {
      const path = join(folder, file);
      return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
    },
    until: (what, look, holds) => eventually(look, holds, () => `${what}\n${log().slice(-4_000)}`, withinMs),
    async close() {
      child?.kill("SIGKILL");
      if (child !== null) await ended(child);
      await world.close();
      await standIn.close();
    },
  };
}
