/** A controller whose only driver is on another machine: a mission is judged and a kill is traced, and no path is shared. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFactory, type RunningFactory } from "../../src/app.ts";
import { operator } from "../../src/core/model/actor.ts";
import type { MissionView } from "../../src/core/status/view.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../support/fleet-files.ts";
import { createOrigin, createScratch, type Origin } from "../support/git.ts";
import { createRemoteDriver } from "../support/remote-driver/client.ts";
import { type RemoteMachine, startRemoteMachine } from "../support/remote-driver/machine.ts";
import { agentCommand, eventually } from "./world.ts";

const ANN = operator("ann");
let scratch: Awaited<ReturnType<typeof createScratch>>;
let origin: Origin;
let machine: RemoteMachine;
let factory: RunningFactory;
let dataDir = "";

beforeAll(async () => {
  scratch = await createScratch("factory-e2e-remote");
  origin = await createOrigin({ directory: scratch.path });
  machine = await startRemoteMachine([scratch.path]);
  dataDir = join(scratch.path, "data");
  await origin.commit(fleetFiles());
  factory = await openFactory({
    dataDir,
    source: origin.path,
    branch: "main",
    pollMs: 250,
    // Its shims are elsewhere: they know the controller by its certificate.
    host: "127.0.0.1",
    logLevel: "error",
    drivers: {
      process: ({ dataDir: place }) =>
        createRemoteDriver({ url: machine.url, world: place.endsWith("drills") ? "drills" : "fleet" }),
    },
  });
});
afterAll(async () => {
  const driver = createRemoteDriver({ url: machine.url, world: "fleet" });
  const signal = AbortSignal.timeout(30_000);
  await factory.stop();
  for (const { handle } of (await driver.list(signal)).instances)
    await driver.stop(handle, { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 }, signal);
  await machine.close();
  await scratch.remove();
});

function missionUntil(name: string, holds: (mission: MissionView) => boolean): Promise<MissionView> {
  return eventually(
    () => factory.controlPlane.operations.mission({ name }, ANN),
    holds,
    () => `mission ${name}`,
  );
}

test("a mission's outputs are fetched, judged and kept here, and its transcript is shown", async () => {
  const clone = cloneName("count");
  await origin.commit({
    ...cloneFile(clone, { command: agentCommand("works.js", "/dev/null", 3, 50) }),
    ...missionFile("count", { clone, outputs: ["out/result.json"] }),
  });
  const mission = await missionUntil("count", ({ closure }) => closure !== null);
  expect(mission.outcome, mission.closure?.report).toBe("accepted");
  const kept = join(dataDir, "judged", "artifacts", mission.missionId, "out/result.json");
  expect(JSON.parse(readFileSync(kept, "utf8"))).toMatchObject({ steps: 3 });
  expect(await factory.controlPlane.operations.logs({ name: "count", bytes: 10_000 }, ANN)).not.toBeNull();
  for (const folder of ["instances", "workspaces"]) expect(existsSync(join(dataDir, folder))).toBe(false);
  if (machine.apart) expect(readdirSync(machine.root)).toEqual([]);
});

test("a killed instance is proven dead, and what it did is kept here", async () => {
  const clone = cloneName("digs");
  const script =
    "git init -q . && git config user.name a && git config user.email a@b && echo one > note.txt && git add note.txt && git commit -qm first && echo two >> note.txt; echo ready; exec sleep 600";
  await origin.commit({
    ...cloneFile(clone, { command: ["sh", "-c", script] }),
    ...missionFile("digs", { clone }),
  });
  await eventually(
    () => factory.controlPlane.operations.logs({ name: "digs", bytes: 10_000 }, ANN),
    ({ text }) => text.includes("ready"),
    () => "the agent to say that it is ready",
  );
  await factory.controlPlane.operations.kill({ name: "digs", reason: "enough", now: true }, ANN);
  const mission = await missionUntil("digs", ({ closure }) => closure !== null);
  expect(mission.closure?.report).toContain("2 scans in a row");
  const bundle = join(dataDir, "traces", mission.missionId, "1");
  const has = (name: string): boolean => existsSync(join(bundle, name));
  // The bundle is closed by its manifest, which does not hold up the closure.
  await eventually(
    () => has("manifest.json"),
    (closed) => closed,
    () => "the trace bundle to be closed",
  );
  expect(
    ["processes.json", "instance/transcript.log", "instance/outbox.jsonl"].filter((name) => !has(name)),
  ).toEqual([]);
  expect(readFileSync(join(bundle, "instance/transcript.log"), "utf8")).toContain("ready");
  expect(readFileSync(join(bundle, "workspace/changed.json"), "utf8")).toContain("new note.txt");
  expect(readFileSync(join(bundle, "workspace/changes.diff"), "utf8")).toContain("+two");
  expect(has("workspace/repository.bundle")).toBe(true);
});
