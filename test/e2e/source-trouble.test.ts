import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import {
  agentCommand,
  createWorld,
  eventually,
  isAlive,
  missionUntil,
  processesOf,
  type World,
} from "./world.ts";

/**
 * Everything that can be wrong with the repository while missions run. One fleet
 * of four goes through it all, one after the other; nothing of it may be stopped,
 * started again or lost until two commits ask for it.
 */
const NAMES = ["one", "two", "three", "four"] as const;
let world: World;
let controller: RunningController;
let before: Record<string, { shim: number | null; agent: number | null }>;

beforeAll(async () => {
  world = await createWorld("source");
  await world.origin.commit(documents());
  controller = await world.start({ poll: "250ms" });
  for (const name of NAMES) await missionUntil(controller, name, (mission) => mission.phase === "Running");
  await eventually(
    () => world.ledger(),
    (lines) => new Set(lines.map((line) => line.clone)).size === NAMES.length,
    () => "all four agents at work",
  );
  before = processes();
});
afterAll(() => world.close());

function documents(): ReturnType<typeof fleetFiles> {
  const files = NAMES.map((name) =>
    pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 200) }),
  );
  return Object.assign(fleetFiles(), ...files);
}

function processes(): typeof before {
  return Object.fromEntries(NAMES.map((name) => [name, processesOf(world.dataDir, cloneName(name), 1)]));
}

/** Same processes, same epoch, alive and at work. */
async function expectUntouched(): Promise<void> {
  const { length } = world.ledger();
  await eventually(
    () => world.ledger().slice(length),
    (lines) => new Set(lines.map((line) => line.clone)).size === NAMES.length,
    () => "every agent to go on working",
  );
  expect(processes()).toEqual(before);
  for (const name of NAMES) {
    expect(isAlive(before[name]?.shim ?? null) && isAlive(before[name]?.agent ?? null)).toBe(true);
    expect(await controller.client.call("mission", { name })).toMatchObject({ phase: "Running", holds: [] });
    expect((await controller.client.call("clone", { name: cloneName(name) }))?.epoch).toBe(1);
  }
  expect(new Set(world.ledger().map((line) => line.epoch))).toEqual(new Set([1]));
}

async function sourceUntil(state: string, reason: string): Promise<void> {
  await eventually(
    async () => (await controller.client.call("fleet")).source,
    (source) => source.state === state && source.reason === reason,
    () => `the source to be ${state}: ${reason}`,
  );
}

test("an origin that cannot be reached stops nothing, and says so", async () => {
  world.server.setFault(() => ({ type: "status", status: 503 }));
  await sourceUntil("error", "Unreachable");
  await expectUntouched();
  expect((await controller.client.readiness()).checks["source"]).toContain("Unreachable");
  world.server.setFault(null);
  await sourceUntil("ok", "Read");
  await expectUntouched();
});

test("an emptied repository is held back by the guard", async () => {
  const full = await world.origin.head();
  await world.origin.commit({}, { clear: true });
  await sourceUntil("verified_empty", "VerifiedEmpty");
  const held = await heldFor("MassDeleteGuard");
  expect(held.length).toBeGreaterThanOrEqual(NAMES.length);
  await expectUntouched();
  const why = await controller.client.call("why", { name: "one" });
  expect(JSON.stringify(why)).toContain("MassDeleteGuard");
  await world.origin.commit(documents(), { parent: await world.origin.head() });
  await sourceUntil("ok", "Read");
  await noneHeld();
  await expectUntouched();
  expect(full).not.toBe(await world.origin.head());
});

test("a rewritten history is refused until a person allows it by name", async () => {
  const good = String(await world.origin.head());
  const rewritten = await world.origin.commit(
    { ...documents(), [`missions/two.yaml`]: null, [`clones/${cloneName("two")}.yaml`]: null },
    { parent: null, clear: true },
  );
  await sourceUntil("error", "HistoryRewritten");
  expect((await controller.client.call("fleet")).source.revision).toBe(good);
  await expectUntouched();

  await world.origin.commit({ ...documents(), "README.md": "again\n" }, { parent: rewritten });
  const head = String(await world.origin.head());
  await eventually(
    async () => (await controller.client.call("fleet")).source.message,
    (message) => message.includes(head.slice(0, 12)),
    () => "the newest rewritten head to be named",
  );
  expect(await controller.client.call("allowRewrite", { from: good, to: head })).toMatchObject({ ok: true });
  await sourceUntil("ok", "Read");
  expect((await controller.client.call("fleet")).source.revision).toBe(head);
  await expectUntouched();
});

test("a broken file keeps its last good generation, and hides no other", async () => {
  await world.origin.commit({
    "missions/three.yaml": "apiVersion: factory/v1\nkind: Mission\n  bad: [",
    [`clones/${cloneName("four")}.yaml`]: "kind: Nonsense\n",
  });
  const held = await heldFor("SpecInvalid");
  expect(held.map(({ subject }) => subject).sort()).toEqual([`clone/${cloneName("four")}`, "mission/three"]);
  const { issues } = await controller.client.call("fleet");
  expect(issues.map(({ file }) => file)).toEqual(
    expect.arrayContaining(["missions/three.yaml", `clones/${cloneName("four")}.yaml`]),
  );
  await expectUntouched();
  expect(JSON.stringify(await controller.client.call("why", { name: "three" }))).toContain("SpecInvalid");
  await world.origin.commit(documents());
  await noneHeld();
  await expectUntouched();
});

test("half the fleet deleted in one commit goes after a second commit confirms it", async () => {
  const gone = ["three", "four"] as const;
  const removal = Object.assign(
    {},
    ...gone.map((name) => ({ [`missions/${name}.yaml`]: null, [`clones/${cloneName(name)}.yaml`]: null })),
  );
  const commit = await world.origin.commit(removal);
  const held = await heldFor("MassDeleteGuard");
  expect(held[0]?.message).toContain(commit);
  expect((await controller.client.call("inbox")).items.map(({ kind }) => kind)).toContain("mass_deletion");
  await expectUntouched();

  await world.origin.commit(fleetFiles({ confirmDeletion: commit }));
  for (const name of gone) {
    await eventually(
      () => controller.client.call("clone", { name: cloneName(name) }),
      (clone) => clone.phase === "Retired" && clone.instance === null,
      () => `${name} to be withdrawn`,
    );
    expect(isAlive(before[name]?.agent ?? null) || isAlive(before[name]?.shim ?? null)).toBe(false);
  }
  for (const name of ["one", "two"] as const) {
    expect(await controller.client.call("mission", { name })).toMatchObject({ phase: "Running", holds: [] });
    expect(isAlive(before[name]?.agent ?? null)).toBe(true);
  }
});

async function heldFor(reason: string): Promise<readonly { subject: string; message: string }[]> {
  return eventually(
    async () => (await controller.client.call("fleet")).held.filter((one) => one.reason === reason),
    (held) => held.length > 0,
    () => `something to be held for ${reason}`,
  );
}

async function noneHeld(): Promise<void> {
  await eventually(
    async () => (await controller.client.call("fleet")).held,
    (held) => held.length === 0,
    () => "nothing to be held",
  );
}
