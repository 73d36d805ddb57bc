import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { InboxItem } from "../../src/core/status/view.ts";
import { type Ended, factory } from "../cli/support.ts";
import { ended, endInstances, type RunningController, spawnController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { sharedSubfolder } from "../support/shared.ts";
import { wordOfTrust } from "../support/trust.ts";
import {
  agentCommand,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
  type World,
} from "./world.ts";

/** Installations on one repository, each with a data directory of its own: of a payment that one makes the others know nothing. */
let world: World;
let folder: string;
/** By the name of the folder. */
const running = new Map<string, RunningController>();
/** Who has the right to act, and who stands by. */
let holder = "";
let other = "";
beforeAll(async () => {
  world = await createWorld("lease");
  folder = sharedSubfolder(`${basename(world.path)}-world`, ["world.txt", "asked.txt"]);
  await world.origin.commit({
    ...fleetFiles({ leaseSeconds: LEASE_SECONDS }),
    ...pairFiles(NAME, { command: agentCommand("pays.js", folder, "wait") }, { heartbeatSeconds: 1 }),
  });
});
afterAll(async () => {
  for (const { pid } of running.values()) if (isAlive(pid)) process.kill(pid, "SIGCONT");
  await world.close();
  for (const name of NAMES) await endInstances(dirOf(name));
});

const NAMES = ["one", "two", "three"] as const;
const NAME = "pays";
/** Three renewals in it fit the pushes that this fleet may make. */
const LEASE_SECONDS = 12;

const dirOf = (name: string): string => join(world.path, name);
const env = (): Record<string, string> => ({ XDG_STATE_HOME: join(world.path, "state") });
const paid = (): readonly string[] =>
  readFileSync(join(folder, "world.txt"), "utf8").split("\n").slice(0, -1);

async function start(name: string): Promise<RunningController> {
  const controller = await world.start({ dataDir: dirOf(name), env: env() });
  running.set(name, controller);
  return controller;
}

function restore(name: string, ...words: readonly string[]): Promise<Ended> {
  const place = ["--data", dirOf(name), "restore", "--source", world.url];
  return factory({ cwd: world.path, env: env() }, ...place, ...words);
}

function leaseItem(name: string): Promise<InboxItem> {
  const controller = running.get(name) as RunningController;
  return eventually(
    async () => (await controller.client.call("inbox")).items.find(({ kind }) => kind === "lease") ?? null,
    ({ severity }) => severity === "critical",
    () => `who acts, in the inbox of ${name}\n${controller.log().slice(-3_000)}`,
  );
}

test("of two controllers that start at once one acts, and the other says who does", async () => {
  const both = await Promise.all(
    (["one", "two"] as const).map(async (name) => ({ name, controller: await start(name) })),
  );
  const acting = await Promise.any(
    both.map(async (one) => {
      await missionUntil(one.controller, NAME, ({ phase }) => phase === "Running");
      return one;
    }),
  );
  holder = acting.name;
  other = holder === "one" ? "two" : "one";
  const { installation } = await acting.controller.client.call("fleet");
  expect((await leaseItem(other)).message).toContain(`${installation} on `);
  const second = running.get(other) as RunningController;
  expect((await second.client.call("fleet")).clones).toEqual([]);
  const status = await factory({ cwd: world.path, env: { FACTORY_DATA: dirOf(other) } }, "status");
  expect(status.stdout).toContain(`${installation} on `);
  // What is asked to do something and end says so as well.
  const source = world.url;
  const once = spawnController({ dataDir: dirOf("three"), source, args: ["--once"], env: env() });
  expect(await ended(once)).toBe(4);
  const { items } = await acting.controller.client.call("inbox");
  expect(items.filter(({ kind }) => kind === "lease")).toEqual([]);
  await second.stop();
}, 120_000);

test("one that is stopped is taken over from when its time is over and what it started is dead, and does nothing when it wakes", async () => {
  const first = running.get(holder) as RunningController;
  process.kill(first.pid, "SIGSTOP");
  const { shim, agent } = processesOf(dirOf(holder), cloneName(NAME), 1);
  const early = await restore(other);
  expect([early.code, early.stderr]).toEqual([4, expect.stringContaining("may be at work")]);
  expect(isAlive(shim)).toBe(true);
  const preview = await eventually(
    () => restore(other),
    ({ code }) => code !== 4,
    () => "the end of the lease",
  );
  expect(preview.stdout.replaceAll(/\s+/g, " ")).toMatch(/has not renewed it for \d+ s/);
  const restored = await restore(other, "--yes", ...wordOfTrust(preview.stdout));
  expect([restored.code, restored.stderr]).toEqual([0, expect.any(String)]);
  expect([isAlive(shim), isAlive(agent)]).toEqual([false, false]);

  const second = await start(other);
  await missionUntil(second, NAME, ({ phase }) => phase === "Running");
  process.kill(first.pid, "SIGCONT");
  await leaseItem(holder);
  writeFileSync(join(folder, "go"), "");
  await missionUntil(second, NAME, ({ phase }) => phase === "Completed");
  expect(paid()).toEqual([`${cloneName(NAME)} 1000001 paid`]);
  // What it would have begun since is not there.
  for (const epoch of [1, 2, 3])
    expect(isAlive(processesOf(dirOf(holder), cloneName(NAME), epoch).shim)).toBe(false);
  await first.kill();
}, 180_000);

test("one that is killed is taken over from at once on its own machine, and nothing is done again", async () => {
  const second = running.get(other) as RunningController;
  await eventually(
    () => world.status(`missions/${NAME}/status.yaml`),
    (text) => text.includes("phase: Completed"),
    () => `the end on the status branch\n${second.log().slice(-3_000)}`,
  );
  await second.kill();
  const preview = await restore("three");
  expect(preview.stdout.replaceAll(/\s+/g, " ")).toMatch(/is proven to be gone/);
  expect((await restore("three", "--yes")).code).toBe(1);
  expect((await restore("three", "--yes", ...wordOfTrust(preview.stdout))).code).toBe(0);
  const third = await start("three");
  await world.origin.commit(
    pairFiles("more", { command: agentCommand("works.js", world.ledgerPath(), 3, 50) }),
  );
  await missionUntil(third, "more", ({ phase }) => phase === "Completed");
  expect((await third.client.call("mission", { name: NAME }))?.phase).toBe("Completed");
  expect(paid()).toHaveLength(1);
}, 120_000);
