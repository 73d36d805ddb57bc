import { expect, test } from "vitest";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { overlaps } from "./overlap.ts";
import { createStage } from "./stage.ts";
import { agentCommand, eventually, isAlive } from "./world.ts";

/** `kill -9` of a shim, of an agent, of both: recovered at a higher epoch, or quarantined with a reason. */
const stage = createStage("instances", (world) => {
  const works = (name: string) =>
    pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 50) });
  return {
    ...fleetFiles(),
    ...works("shim"),
    ...works("agent"),
    ...works("both"),
    ...pairFiles("fails", { command: agentCommand("exits-7.js") }),
  };
});

test.each([
  { name: "shim", victims: ["shim"] },
  { name: "agent", victims: ["agent"] },
  { name: "both", victims: ["shim", "agent"] },
] as const)("after a kill -9 of $victims it works again at a higher epoch", async ({ name, victims }) => {
  const clone = cloneName(name);
  await working(clone, 1);
  const first = stage.processes(name);
  for (const victim of victims) process.kill(Number(first[victim]), "SIGKILL");
  await working(clone, 2);
  expect(isAlive(first.shim) || isAlive(first.agent)).toBe(false);
  const mission = await stage.mission(name, (view) => view.phase === "Running");
  expect(mission.closure).toBeNull();
  const view = await stage.clone(name, (seen) => seen.instance?.epoch === 2);
  expect(view.restarts).toBe(1);
  expect(overlaps(stage.world.ledger())).toEqual([]);
});

test("an agent that fails the same way three times is quarantined, and `why` says so", async () => {
  const clone = await stage.clone("fails", (view) => view.phase === "Quarantined");
  expect(clone.epoch).toBe(3);
  expect(clone.holds.map(({ kind, reason }) => ({ kind, reason }))).toEqual([
    { kind: "quarantine", reason: "SameFailureRepeated" },
  ]);
  const why = await stage.client.call("why", { name: "fails" });
  expect(why?.runs).toBe(false);
  expect(JSON.stringify(why?.steps)).toMatch(/SameFailureRepeated.*exit 7/);
  expect((await stage.client.call("inbox")).items.map(({ id }) => id)).toContain("fails/quarantine");
});

async function working(clone: string, epoch: number): Promise<void> {
  await eventually(
    () => stage.world.ledger(),
    (lines) => lines.some((line) => line.clone === clone && line.epoch === epoch && line.what === "step 3"),
    () => `epoch ${epoch} of ${clone} to work\n${stage.controller.log().slice(-3_000)}`,
  );
}
