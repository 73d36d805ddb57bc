/**
 * A disk that becomes full under a fleet that works: under everything, under the record alone, the workspaces, the
 * status mirror, or the instances with their outboxes. The controller says so, goes on supervising and kills; when there is
 * room again everything that was said in the meantime is in the record.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Living, pidsOf, works } from "../../e2e/living.ts";
import { agentCommand, createWorld, eventually, isAlive, missionUntil } from "../../e2e/world.ts";
import type { RunningController } from "../../support/controller.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../../support/fleet-files.ts";
import { bindFolder, mountSmallDisk, type SmallDisk } from "../faults/disk.ts";
import { nothingLost } from "../nothing-lost.ts";
import type { Scenario, ScenarioOptions, ScenarioResult } from "../scenario.ts";

interface Where {
  readonly name: string;
  readonly where: string;
  /** Below the data directory; empty: all of it. */
  readonly folder: string;
  /** Below the data directory, on a disk of their own that has room. */
  readonly elsewhere?: readonly string[];
  /** Whether the status branch has to catch up as well; its mirror lies there. */
  readonly published?: boolean;
  /** Steps of 50 ms for which it stays full after the kill; default `STEPS_WHILE_FULL`. */
  readonly steps?: number;
  /** The third mission is asked for only when the disk is full. */
  readonly late?: boolean;
  /** Where the controller says so. */
  detected(controller: RunningController): Promise<string | null>;
}

/** Room for a record of a few thousand events and its log; filling it takes no second. */
const DISK_MIB = 48;
/** Four pushes a minute are allowed, and a push that failed waits up to half a minute. */
const PUBLISH_MS = 100_000;
const NAMES = ["steady", "doomed", "finishing"] as const;

const PLACES: readonly Where[] = [
  {
    name: "disk-full-data",
    where: "data directory",
    folder: "",
    published: true,
    detected: recordProblem,
  },
  {
    name: "disk-full-record",
    where: "record",
    folder: "",
    elsewhere: ["instances", "workspaces"],
    steps: 140,
    detected: recordProblem,
  },
  {
    name: "disk-full-workspaces",
    where: "workspaces",
    folder: "workspaces",
    late: true,
    detected: ({ client }) => gateOf(client, "BaselineApplied"),
  },
  {
    name: "disk-full-outboxes",
    where: "instances and their outboxes",
    folder: "instances",
    late: true,
    detected: ({ client }) => gateOf(client, "KillSwitchArmed"),
  },
];

export const scenarios: Readonly<Record<string, Scenario>> = Object.fromEntries(
  PLACES.map((place) => [place.name, { where: place.where, run: (options) => diskFull(place, options) }]),
);

/** Nobody's shim ends its agent for it: the controller is there and hears, although it cannot write. */
const ORPHAN_AFTER = "5s";
const STEPS_WHILE_FULL = 10;

async function recordProblem({ client }: RunningController): Promise<string | null> {
  const items = await client.inbox();
  const item = items.find(({ id }) => id === "record/not-writable");
  return item === undefined ? null : `inbox: ${item.id}: ${item.message}`;
}

/** A start that waits for room is held by a gate, with the evidence. */
async function gateOf(client: RunningController["client"], gate: string): Promise<string | null> {
  const mission = await client.mission("finishing");
  const condition = mission?.conditions.find(({ type, status }) => type === gate && status === "False");
  const held = mission?.holds.some(({ kind }) => kind === "gate") === true;
  return condition === undefined || !held ? null : `hold gate: ${gate}=False: ${condition.message}`;
}

async function diskFull(place: Where, { log }: ScenarioOptions): Promise<ScenarioResult> {
  const world = await createWorld(place.name);
  let disk: SmallDisk | null = null;
  const running: RunningController[] = [];
  try {
    mkdirSync(world.dataDir, { recursive: true });
    disk = mountSmallDisk(join(world.dataDir, place.folder), DISK_MIB);
    for (const folder of place.elsewhere ?? [])
      bindFolder(join(world.path, "roomy", folder), join(world.dataDir, folder));
    await world.origin.commit(files(world.ledgerPath(), place.late === true ? ["steady", "doomed"] : NAMES));
    const controller = await world.start();
    running.push(controller);
    const living: Living = { world, controller };
    for (const name of ["steady", "doomed"]) await works(living, name, 1);
    const before = pidsOf(living, "steady", 1);
    const doomed = pidsOf(living, "doomed", 1);

    disk.fill();
    const since = Date.now();
    log(`the disk under ${place.where} is full`);
    if (place.late === true) await world.origin.commit(files(world.ledgerPath(), NAMES));
    const detected = await eventually(
      () => place.detected(controller),
      () => true,
      () => `somebody to say that the disk is full\n${controller.log().slice(-3_000)}`,
    );
    const detectedAfterMs = Date.now() - since;
    log(`after ${detectedAfterMs} ms: ${detected}`);

    const killed = Date.now();
    await controller.client.kill({ name: "doomed", reason: "the disk is full", now: true });
    await eventually(
      () => doomed,
      ({ shim, agent }) => !isAlive(shim) && !isAlive(agent),
      () => `the kill to work on a full disk\n${controller.log().slice(-3_000)}`,
    );
    log(`killed within ${Date.now() - killed} ms`);
    await steps(living, place.steps ?? STEPS_WHILE_FULL);

    disk.empty();
    const freed = Date.now();
    log("there is room again");
    const doomedEnd = await missionUntil(controller, "doomed", ({ closure }) => closure !== null);
    const finished = await missionUntil(controller, "finishing", ({ closure }) => closure !== null);
    await eventually(
      () => place.detected(controller).then((said) => said ?? "well"),
      (said) => said === "well",
      () => `the complaint to end\n${controller.log().slice(-3_000)}`,
    );
    const recoveredAfterMs = Date.now() - freed;
    if (place.published === true)
      await eventually(
        () => world.status("missions/finishing/status.yaml"),
        (text) => text.includes("phase: Completed"),
        () => `the status branch to catch up\n${controller.log().slice(-3_000)}`,
        PUBLISH_MS,
      );
    await works(living, "steady", 1);
    const after = pidsOf(living, "steady", 1);
    const steady = await controller.client.clone(cloneName("steady"));
    const odd = [
      ...(after.shim === before.shim && after.agent === before.agent ? [] : ["steady has other processes"]),
      ...(steady?.epoch === 1 ? [] : [`steady is in epoch ${steady?.epoch}`]),
      ...(doomedEnd.phase === "Cancelled" ? [] : [`doomed ended as ${doomedEnd.phase}`]),
      ...(finished.outcome === "accepted" ? [] : [`finishing is ${finished.outcome}: ${finished.summary}`]),
    ];
    const lost = odd.length > 0 ? odd.join("; ") : await nothingLost(world, controller, NAMES);
    return {
      injected: `the disk under the ${place.where} is full to its last byte`,
      detected,
      detectedAfterMs,
      recovered: "killed meanwhile with proof; with room again all is recorded, the others in the same epoch",
      recoveredAfterMs,
      lost,
    };
  } finally {
    disk?.empty();
    for (const controller of running) await controller.kill();
    await world
      .close()
      .catch((error: unknown) =>
        log(`left to the walls: ${error instanceof Error ? error.name : String(error)}`),
      );
    disk?.remove();
  }
}

async function steps({ world, controller }: Living, count: number): Promise<void> {
  const taken = (): number => world.ledger().filter(({ clone }) => clone === cloneName("steady")).length;
  const before = taken();
  await eventually(
    taken,
    (now) => now >= before + count,
    () => `steady to go on\n${controller.log().slice(-3_000)}`,
  );
}

/** One that works on, one that is killed, and one that ends by itself in the middle of it. */
function files(ledger: string, names: readonly string[]): ReturnType<typeof fleetFiles> {
  const command = (name: string): string[] =>
    agentCommand("works.js", ledger, name === "finishing" ? 60 : 100_000, 50);
  return Object.assign(
    fleetFiles(),
    ...names.map((name) => ({
      ...cloneFile(cloneName(name), {
        command: command(name),
        orphanPolicy: { action: "terminate", after: ORPHAN_AFTER },
      }),
      ...missionFile(name, { clone: cloneName(name), heartbeatSeconds: 1 }),
    })),
  );
}
