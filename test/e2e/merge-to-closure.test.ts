import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../support/fleet-files.ts";
import { git, gitEnvironment } from "../support/git.ts";
import { agentCommand, createWorld, eventually, missionUntil, type World, yaml } from "./world.ts";

/** A mission is merged; nobody does anything else; its closure stands on the status branch. */
let world: World;
beforeAll(async () => {
  world = await createWorld("merge");
});
afterAll(() => world.close());

test("a merged mission is dispatched, supervised, judged and closed, and the repository shows it", async () => {
  const clone = cloneName("count");
  await world.origin.commit({
    ...fleetFiles(),
    ...cloneFile(clone, {
      command: agentCommand("works.js", world.ledgerPath(), 3, 50),
      healthChecks: [{ name: "node-runs", run: ["node", "--version"] }],
    }),
  });
  const controller = await world.start({ poll: "250ms" });
  await eventually(
    () => controller.client.call("clone", { name: clone }),
    (view) => view.generation === 1,
    () => `the clone to be declared\n${controller.log()}`,
  );
  expect(await controller.client.call("mission", { name: "count" })).toBeNull();

  const base = await world.origin.head();
  await world.origin.commit(missionFile("count", { clone, outputs: ["out/result.json"] }), {
    branch: "add-count",
    parent: base,
  });
  const tree = await world.origin.git("rev-parse", "add-count^{tree}");
  const merge = await world.origin.git(
    "commit-tree",
    tree,
    "-p",
    String(base),
    "-p",
    "add-count",
    "-m",
    "Merge the mission",
  );
  await world.origin.git("update-ref", "refs/heads/main", merge);

  const mission = await missionUntil(controller, "count", (view) => view.closure !== null);
  expect(mission.phase, mission.closure?.report).toBe("Completed");
  expect(mission.outcome).toBe("accepted");
  expect(mission.revision).toBe(merge);

  const closure = await eventually(
    () => world.status("missions/count/closure.md"),
    (text) => text.includes("ACCEPTED"),
    () => "the closure report on the status branch",
  );
  expect(closure).toContain(mission.missionId);
  const status = yaml(await world.status("missions/count/status.yaml"))["status"];
  expect(status).toMatchObject({ phase: "Completed", outcome: "accepted", mission_id: mission.missionId });
  const scorecard = yaml(await world.status("missions/count/scorecard.yaml"))["status"];
  expect(scorecard).toMatchObject({
    outcome: "accepted",
    quality: { criteria_total: 1, criteria_met: 1, outputs_required: 1, outputs_valid: 1 },
    maintainability: { restarts: 0, interventions: 0 },
  });
  expect(await world.status("README.md")).toContain("count");
  expect(await world.status(`clones/${clone}/status.yaml`)).toContain("epoch: 1");
  expect(world.ledger().map((line) => line.what)).toEqual([
    `begin ${mission.missionId}`,
    "step 1",
    "step 2",
    "step 3",
    `end ${mission.missionId}`,
  ]);
  expect(await controller.stop()).toBe(0);
});

test("the same for a fleet made by `factory init` in an empty folder, with nothing but git and the command line", async () => {
  const fresh = await createWorld("init");
  try {
    const folder = join(fresh.path, "fleet");
    await factory(fresh.path, "init", folder);
    await git(folder, ["add", "-A"]);
    await git(folder, ["commit", "-q", "-m", "Set up the fleet"]);
    await git(folder, ["branch", "-M", "main"]);
    await git(folder, ["remote", "add", "origin", fresh.url]);
    await git(folder, ["push", "-q", "origin", "main"]);
    const controller = await fresh.start({ poll: "250ms" });
    await eventually(
      async () => (await controller.client.call("fleet")).source,
      (source) => source.state === "ok",
      () => "the fleet to be read",
    );

    await git(folder, ["checkout", "-q", "-b", "weekly-links"]);
    await factory(folder, "new", "mission", "weekly-links");
    await factory(folder, "validate");
    await git(folder, ["add", "-A"]);
    await git(folder, ["commit", "-q", "-m", "Check the links"]);
    await git(folder, ["checkout", "-q", "main"]);
    await git(folder, ["merge", "-q", "--no-ff", "-m", "Merge the mission", "weekly-links"]);
    await git(folder, ["push", "-q", "origin", "main"]);

    const mission = await missionUntil(controller, "weekly-links", (view) => view.closure !== null);
    expect(mission.outcome, mission.closure?.report).toBe("accepted");
    const closure = await eventually(
      () => fresh.status("missions/weekly-links/closure.md"),
      (text) => text.includes("ACCEPTED"),
      () => "the closure report on the status branch",
    );
    expect(closure).toContain(mission.missionId);
    expect(await fresh.status("missions/weekly-links/scorecard.yaml")).toContain("outcome: accepted");
  } finally {
    await fresh.close();
  }
});

/** Rejects, with what it said, when it does not end with 0. */
async function factory(cwd: string, ...args: readonly string[]): Promise<void> {
  const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
  await promisify(execFile)(process.execPath, [main, ...args], { cwd, env: gitEnvironment() });
}
