/**
 * What an end-to-end test needs: an origin behind `git http-backend`, a data
 * directory, controllers on it, and an orderly end for everything that was started.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { CloneView, MissionView } from "../../src/core/status/view.ts";
import { readClaim } from "../../src/instance/claim.ts";
import { readAgentRecord } from "../../src/instance/containment.ts";
import {
  type ControllerOptions,
  endInstances,
  type RunningController,
  startController,
} from "../support/controller.ts";
import { createOrigin, createScratch, type Origin } from "../support/git.ts";
import { type GitServer, serveGit } from "../support/git-server.ts";
import { sharedFile } from "../support/shared.ts";

export interface World {
  readonly path: string;
  /** The controllers hear of each commit that is made with `commit`, as from a forge's webhook. */
  readonly origin: Origin;
  readonly server: GitServer;
  /** Of the origin, over HTTP. */
  readonly url: string;
  readonly dataDir: string;
  start(options?: Partial<ControllerOptions>): Promise<RunningController>;
  /** Lines of a ledger in the world's folder. */
  ledger(name?: string): readonly LedgerLine[];
  ledgerPath(name?: string): string;
  /** Whole document below `factory/status`, or null. */
  status(path: string): Promise<string | null>;
  /** Ends every controller and every clone that this world has started. */
  close(): Promise<void>;
}

export interface LedgerLine {
  readonly clone: string;
  readonly epoch: number;
  readonly ms: number;
  readonly what: string;
}

export const STATUS = "factory/status";
/** For what comes past `commit`. Four times a second, as in the tests that are about polling, costs more than the rest of an idle controller. */
const POLL = "2s";

export async function createWorld(name: string): Promise<World> {
  const scratch = await createScratch(`factory-e2e-${name}`);
  const bare = await createOrigin({ directory: scratch.path });
  const server = await serveGit({ root: scratch.path });
  const dataDir = join(scratch.path, "data");
  const controllers: RunningController[] = [];
  const origin: Origin = {
    ...bare,
    async commit(files, options) {
      const commit = await bare.commit(files, options);
      // Not waited for, and not missed where the controller is gone: it looks at the origin when it begins.
      for (const { client } of controllers) void client.call("reconcile").catch(() => {});
      return commit;
    },
  };
  const ledgerPath = (ledger = "ledger"): string => sharedFile(`${basename(scratch.path)}-${ledger}.txt`);
  return {
    path: scratch.path,
    origin,
    server,
    url: server.url(origin.path),
    dataDir,
    async start(options = {}) {
      const source = server.url(origin.path);
      const controller = await startController({ dataDir, source, poll: POLL, ...options });
      controllers.push(controller);
      return controller;
    },
    ledgerPath,
    ledger: (ledger) => readLedger(ledgerPath(ledger)),
    async status(path) {
      if ((await origin.head(STATUS)) === null) return null;
      return (await origin.files(STATUS)).get(path) ?? null;
    },
    async close() {
      for (const controller of controllers) await controller.kill();
      await endInstances(dataDir);
      await server.close();
      await scratch.remove();
    },
  };
}

export function agentPath(file: string): string {
  return fileURLToPath(new URL(`./agents/${file}`, import.meta.url));
}

/** The command of a clone that runs one of the fixture agents. */
export function agentCommand(file: string, ...args: readonly (string | number)[]): string[] {
  return ["node", agentPath(file), ...args.map(String)];
}

export function readLedger(path: string): readonly LedgerLine[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  return lines.map((line) => {
    const [clone = "", epoch, ms, ...what] = line.split(" ");
    return { clone, epoch: Number(epoch), ms: Number(ms), what: what.join(" ") };
  });
}

/** Processes of one instance as its folder names them; null where there is none. */
export function processesOf(
  dataDir: string,
  clone: string,
  epoch: number,
): { shim: number | null; agent: number | null } {
  const directory = join(dataDir, "instances", clone, String(epoch));
  const claim = readClaim(directory);
  const agent = readAgentRecord(directory);
  return {
    shim: claim === null || claim.fenced ? null : claim.shim.pid,
    agent: agent === null ? null : (agent.init?.pid ?? agent.outer.pid),
  };
}

export function isAlive(pid: number | null): boolean {
  if (pid === null) return false;
  try {
    const state = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.[0];
    return state !== "Z" && state !== "X";
  } catch {
    return false;
  }
}

/** Asks a controller until the mission is as wanted. Its newest view is part of the complaint when it never is. */
export async function missionUntil(
  controller: Pick<RunningController, "client" | "log">,
  name: string,
  holds: (mission: MissionView) => boolean,
): Promise<MissionView> {
  return eventually(
    () => controller.client.call("mission", { name }),
    holds,
    () => `mission ${name}\n${controller.log().slice(-3_000)}`,
  );
}

export async function cloneUntil(
  controller: RunningController,
  name: string,
  holds: (clone: CloneView) => boolean,
): Promise<CloneView> {
  return eventually(
    () => controller.client.call("clone", { name }),
    holds,
    () => `clone ${name}\n${controller.log().slice(-3_000)}`,
  );
}

/** For a machine that is busy with other things; a healthy one needs a small part of it. */
const DEADLINE_MS = 45_000;
const LOOK_MS = 40;

/** Looks until what is seen is as wanted. A look that fails, as while a controller restarts, is repeated. */
export async function eventually<T>(
  look: () => Promise<T | null> | T | null,
  holds: (seen: T) => boolean,
  what: () => string,
  withinMs = DEADLINE_MS,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown = null;
  for (;;) {
    try {
      const seen = await look();
      last = seen;
      if (seen !== null && holds(seen)) return seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`not within ${withinMs} ms: ${what()}\nlast seen: ${describe(last)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function describe(value: unknown): string {
  return value instanceof Error ? String(value) : JSON.stringify(value, null, 1).slice(0, 4_000);
}

export function yaml(text: string | null): Record<string, unknown> {
  return (text === null ? {} : parse(text)) as Record<string, unknown>;
}
