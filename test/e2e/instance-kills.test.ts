import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { overlaps } from "./overlap.ts";
import {
  agentCommand,
  cloneUntil,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
  type World,
} from "./world.ts";

/** `kill -9` of a shim, of an agent, of both: recovered at a higher epoch, or quarantined with a reason. */
let world: World;
let controller: RunningController;

beforeAll(async () => {
  world = await createWorld("instances");
  const working = (name: string) =>
    pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) });
  await world.origin.commit({
    ...fleetFiles(),
    ...working("shim"),
    ...working("agent"),
    ...working("both"),
    ...pairFiles("fails", { command: agentCommand("exits-7.js") }),
  });
  controller = await world.start();
});
afterAll(() => world.close());

test.each([
  { name: "shim", victims: ["shim"] },
  { name: "agent", victims: ["agent"] },
  { name: "both", victims: ["shim", "agent"] },
] as const)("after a kill -9 of $victims it works again at a higher epoch", async ({ name, victims }) => {
  const clone = cloneName(name);
  await working(clone, 1);
  const first = processesOf(world.dataDir, clone, 1);
  for (const victim of victims) process.kill(Number(first[victim]), "SIGKILL");
  await working(clone, 2);
  expect(isAlive(first.shim) || isAlive(first.agent)).toBe(false);
  const mission = await missionUntil(controller, name, (view) => view.phase === "Running");
  expect(mission.closure).toBeNull();
  const view = await cloneUntil(controller, clone, (seen) => seen.instance?.epoch === 2);
  expect(view.restarts).toBe(1);
  expect(overlaps(world.ledger())).toEqual([]);
});

test("an agent that fails the same way three times is quarantined, and `why` says so", async () => {
  const clone = await cloneUntil(controller, cloneName("fails"), (view) => view.phase === "Quarantined");
  expect(clone.epoch).toBe(3);
  expect(clone.holds.map(({ kind, reason }) => ({ kind, reason }))).toEqual([
    { kind: "quarantine", reason: "SameFailureRepeated" },
  ]);
  const why = await controller.client.call("why", { name: "fails" });
  expect(why?.runs).toBe(false);
  expect(JSON.stringify(why?.steps)).toMatch(/SameFailureRepeated.*exit 7/);
  expect((await controller.client.call("inbox")).items.map(({ id }) => id)).toContain("fails/quarantine");
});

async function working(clone: string, epoch: number): Promise<void> {
  await eventually(
    () => world.ledger(),
    (lines) => lines.some((line) => line.clone === clone && line.epoch === epoch && line.what === "step 3"),
    () => `epoch ${epoch} of ${clone} to work\n${controller.log().slice(-3_000)}`,
  );
}
