import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../support/fleet-files.ts";
import { createWorld, eventually, missionUntil, type World } from "./world.ts";

/** A skill that is broken by a commit reaches one clone, which goes back, and no other. */
let world: World;
beforeAll(async () => {
  world = await createWorld("rollout");
});
afterAll(() => world.close());

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const SKILL = "overlays/writer/skills/write";
const PROGRAM = `${SKILL}/scripts/write.js`;
const works = (version: number) =>
  `import { mkdirSync, writeFileSync } from "node:fs";
mkdirSync("out", { recursive: true });
writeFileSync("out/result.json", JSON.stringify({ version: ${version} }));
process.stdout.write(JSON.stringify({ type: "completed", summary: "version ${version}" }) + "\\n");
`;
const BROKEN = 'process.stderr.write("the new skill is broken\\n");\nprocess.exit(7);\n';

function mission(name: string, run: number) {
  return missionFile(name, { clone: cloneName(name), run, outputs: ["out/result.json"] });
}

test("a canary refuses a broken overlay, goes back to what was stable, and finishes; the other never had it", async () => {
  const command = ["node", ".claude/skills/write/scripts/write.js"];
  const clone = (name: string) =>
    cloneFile(cloneName(name), {
      command,
      overlays: ["writer"],
      restart: { backoff: "100ms", intensity: 5 },
    });
  await world.origin.commit({
    ...fleetFiles(),
    "overlays/writer/overlay.yaml":
      "apiVersion: factory/v1\nkind: Overlay\nmetadata: {name: writer}\nspec:\n  base_profile: ua@1.0.0\n  skills: {enable: [write]}\n",
    [`${SKILL}/SKILL.md`]: "---\nname: write\ndescription: Writes.\n---\n\nWrite.\n",
    [PROGRAM]: works(1),
    ...clone("alpha"),
    ...clone("beta"),
    ...mission("alpha", 1),
    ...mission("beta", 1),
  });
  const controller = await world.start();
  const closed = (name: string, run: number) =>
    missionUntil(controller, name, (view) => view.run === run && view.closure !== null);
  for (const name of ["alpha", "beta"])
    expect((await closed(name, 1)).outcome, controller.log()).toBe("accepted");

  const broken = await world.origin.commit({
    [PROGRAM]: BROKEN,
    ...mission("alpha", 2),
    ...mission("beta", 2),
  });
  expect((await closed("beta", 2)).closure?.scorecard.maintainability.restarts).toBe(0);
  const alpha = await closed("alpha", 2);
  expect(alpha.outcome, alpha.closure?.report).toBe("accepted");
  expect(alpha.closure?.scorecard.maintainability.restarts).toBe(2);

  const [rollout] = (await controller.client.call("rollouts")).rollouts;
  expect(rollout).toMatchObject({
    group: "ua+writer",
    state: "refused",
    refused: { revision: broken, reverted: [cloneName("alpha")] },
  });
  const item = (await controller.client.call("inbox")).items.find(({ kind }) => kind === "rollout");
  expect(item?.answers).toContain(`git revert ${broken}`);
  const shown = await promisify(execFile)(process.execPath, [MAIN, "rollouts"], {
    env: { ...process.env, FACTORY_DATA: world.dataDir, NO_COLOR: "1" },
  }).catch((error: { stdout: string; code: number }) => error);
  expect(shown).toMatchObject({ code: 1 });
  expect(shown.stdout).toContain("refused ua+writer");

  // Mended, it is tried again, and reaches both.
  await world.origin.commit({ [PROGRAM]: works(2), ...mission("alpha", 3), ...mission("beta", 3) });
  await closed("alpha", 3);
  await closed("beta", 3);
  await eventually(
    () => controller.client.call("rollouts").then((answer) => answer.rollouts),
    ([one]) => one?.state === "stable" && one.turns.at(-1)?.type === "stable",
    () => `the mended one to be stable\n${controller.log()}`,
  );
});
