import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { factory } from "../cli/support.ts";
import { ended, endInstances, type RunningController, spawnController } from "../support/controller.ts";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { sharedSubfolder } from "../support/shared.ts";
import { agentCommand, createWorld, eventually, missionUntil, type World } from "./world.ts";

/** Two installations on one repository: a payment of which the other knows nothing would be made twice. */
let world: World;
let folder: string;
let first: RunningController;
let other: string;
beforeAll(async () => {
  world = await createWorld("lease");
  folder = sharedSubfolder(`${basename(world.path)}-world`, ["world.txt", "asked.txt"]);
  other = join(world.path, "other");
});
afterAll(async () => {
  await world.close();
  await endInstances(other);
});

const NAME = "pays";
/** Three renewals in it fit the pushes that these fleets may make. */
const LEASE_SECONDS = 12;
const env = () => ({ XDG_STATE_HOME: join(world.path, "state") });
const _paid = (): readonly string[] =>
  readFileSync(join(folder, "world.txt"), "utf8").split("\n").slice(0, -1);

test("of two controllers that start at once one acts, and the other says who does", async () => {
  await world.origin.commit({
    ...fleetFiles({ leaseSeconds: LEASE_SECONDS }),
    ...pairFiles(NAME, { command: agentCommand("pays.js", folder, "wait") }, { heartbeatSeconds: 1 }),
  });
  const both = await Promise.all([world.start({ env: env() }), world.start({ dataDir: other, env: env() })]);
  first = await Promise.any(
    both.map(async (one) => {
      await missionUntil(one, NAME, ({ phase }) => phase === "Running");
      return one;
    }),
  );
  const second = both.find((one) => one !== first) as RunningController;
  const { installation } = await first.client.call("fleet");
  const item = await eventually(
    async () => (await second.client.call("inbox")).items.find(({ kind }) => kind === "lease") ?? null,
    ({ message }) => message.includes(installation),
    () => `the inbox of the other one\n${second.log().slice(-3_000)}`,
  );
  expect(item).toMatchObject({ severity: "critical", subject: "fleet" });
  expect((await second.client.call("fleet")).clones).toEqual([]);
  // The first data directory may be the one that stands by.
  if (first.log() !== both[0]?.log()) [world, other] = [{ ...world, dataDir: other }, world.dataDir];
  const status = await factory({ cwd: world.path, env: { FACTORY_DATA: other } }, "status");
  expect(status.stdout).toContain(`${installation} on `);
  const once = spawnController({
    dataDir: join(world.path, "third"),
    source: world.url,
    args: ["--once"],
    env: env(),
  });
  expect(await ended(once)).toBe(4);
  expect((await first.client.call("inbox")).items.filter(({ kind }) => kind === "lease")).toEqual([]);
  await second.stop();
}, 120_000);
