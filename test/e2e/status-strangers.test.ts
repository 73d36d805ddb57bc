import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningController } from "../support/controller.ts";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { git } from "../support/git.ts";
import { agentCommand, createWorld, eventually, missionUntil, STATUS, type World } from "./world.ts";

/** Whoever can push to the status branch writes there whatever he likes. */
let world: World;
let controller: RunningController;
beforeAll(async () => {
  world = await createWorld("strangers");
  await world.origin.commit({ ...fleetFiles(), ...mission("first") });
  controller = await world.start();
  await published("first");
});
afterAll(() => world.close());

const JOURNAL = ".factory/journal.json";
const ANOTHER_JOURNAL = `${JSON.stringify({
  version: 1,
  installation: "factory-evil",
  repository: "elsewhere",
  seq: 7,
  hash: "a".repeat(64),
  first: "b".repeat(64),
})}\n`;

function mission(name: string): ReturnType<typeof pairFiles> {
  return pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 3, 50) });
}

async function published(name: string): Promise<void> {
  await missionUntil(controller, name, ({ phase }) => phase === "Completed");
  await eventually(
    () => world.status(`missions/${name}/status.yaml`),
    (text) => text.includes("phase: Completed"),
    () => `the end of ${name} on the status branch\n${controller.log().slice(-3_000)}`,
  );
}

async function told(type: string): Promise<readonly Record<string, unknown>[]> {
  const { events } = await controller.client.call("events", { limit: 1_000 });
  return events
    .map(({ event }) => event as unknown as Record<string, unknown>)
    .filter((event) => event["type"] === type);
}

const tip = (): Promise<string> => git(world.origin.path, ["rev-parse", `refs/heads/${STATUS}`]);

test("a stranger's commit starts and stops nothing, is set aside, named and repaired", async () => {
  const theirs = await world.origin.commit(
    {
      [JOURNAL]: ANOTHER_JOURNAL,
      "README.md": "all is well\n",
      ".factory/lease.json": "{}\n",
      "notes.txt": "mine\n",
    },
    { branch: STATUS },
  );
  // Also after a restart, when nothing is known but what stands there.
  await controller.kill();
  controller = await world.start();
  await world.origin.commit(mission("second"));
  await published("second");

  expect(await told("status.overwritten")).toMatchObject([
    { commit: theirs, files: expect.arrayContaining([JOURNAL, "README.md"]) },
  ]);
  const { items } = await controller.client.call("inbox");
  expect(items.map(({ id }) => id)).toContain(`status/${theirs}`);
  const files = await world.origin.files(STATUS);
  expect(JSON.parse(files.get(JOURNAL) ?? "")).not.toMatchObject({ installation: "factory-evil" });
  expect(files.get("README.md")).not.toBe("all is well\n");
  expect(files.get("notes.txt")).toBe("mine\n");
  // Nothing of it is taken back, and whoever wants to look finds it.
  expect(await world.origin.log(STATUS)).toContain(theirs);
  const aside = await git(`${world.dataDir}/status.git`, [
    "for-each-ref",
    "--format=%(objectname)",
    "refs/factory/set-aside",
  ]);
  expect(aside.split("\n")).toContain(theirs);
}, 120_000);

test("a branch that is put back to an older state of ours, or deleted, is found out and made whole", async () => {
  const before = await tip();
  const older = await git(world.origin.path, ["rev-parse", `${before}~1`]);
  await git(world.origin.path, ["update-ref", `refs/heads/${STATUS}`, older]);
  await world.origin.commit(mission("third"));
  await published("third");
  expect(await told("status.rewound")).toMatchObject([{ from: before, to: older }]);
  expect(await world.origin.log(STATUS)).toContain(before);

  const last = await tip();
  await git(world.origin.path, ["update-ref", "-d", `refs/heads/${STATUS}`]);
  await world.origin.commit(mission("fourth"));
  await published("fourth");
  expect(await told("status.rewound")).toMatchObject([{}, { from: last, to: null }]);
  const files = await world.origin.files(STATUS);
  for (const name of ["first", "second", "third"])
    expect(files.has(`missions/${name}/closure.md`)).toBe(true);
}, 120_000);
