/** Agents of the Agent Client Protocol under a real controller, which is killed in the middle of their turns. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import type { Files } from "../support/git.ts";
import { createStage } from "./stage.ts";
import { eventually } from "./world.ts";

const AGENT = fileURLToPath(new URL("../support/acp/agent.js", import.meta.url));

function acpFiles(name: string, behaviour: string, constraints: object = {}): Files {
  const files = pairFiles(name, { command: ["node", AGENT, behaviour], agent: { adapter: "acp" } });
  const path = `missions/${name}.yaml`;
  const mission = parse(String(files[path])) as { spec: Record<string, unknown> };
  return { ...files, [path]: stringify({ ...mission, spec: { ...mission.spec, constraints } }) };
}

const stage = createStage("acp", () => ({
  ...fleetFiles(),
  ...acpFiles("asks", "uses-a-shell", { approval_required: ["shell"] }),
  ...acpFiles("denied", "uses-a-shell", { approval_required: ["shell"] }),
  ...acpFiles("counts", "counts"),
}));

/** Lines of JSON that the mission's agent has written into its workspace. */
function wrote(mission: string, file: string): readonly unknown[] {
  const path = join(stage.world.dataDir, "workspaces", cloneName(mission), file);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as unknown);
}

async function question(mission: string): Promise<string> {
  const events = await stage.recorded(mission, "approval.requested");
  expect(events.find(({ type }) => type === "approval.requested")).toMatchObject({
    action: "shell",
    target: "make all",
    arguments: expect.stringContaining('"input":{"command":"make all"}'),
  });
  const items = await stage.inbox(mission);
  return items.find(({ request }) => request !== undefined)?.id ?? JSON.stringify(items);
}

test("a session goes on without a gap while its controller is killed and comes back", async () => {
  const said = (): readonly number[] => {
    const path = join(stage.world.dataDir, "instances", cloneName("counts"), "1", "transcript.log");
    if (!existsSync(path)) return [];
    return [...readFileSync(path, "utf8").matchAll(/^n(\d+)$/gm)].map(([, n]) => Number(n));
  };
  await eventually(
    said,
    (numbers) => numbers.length >= 5,
    () => "its first words",
  );
  await stage.restart();
  await stage.mission("counts", ({ phase }) => phase === "Blocked");
  expect(said()).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  expect((await stage.clone("counts", () => true)).epoch).toBe(1);
  expect(wrote("counts", "prompts")).toHaveLength(1);
});

test("a tool waits for people across the death of the controller, and runs once they have approved it", async () => {
  const id = await question("asks");
  await stage.mission("asks", ({ phase }) => phase === "Paused");
  expect(wrote("asks", "answers")).toEqual([]);
  await stage.restart();
  expect(wrote("asks", "ran")).toEqual([]);
  expect((await stage.factory("decide", id, "--approve")).code).toBe(0);
  await stage.mission("asks", ({ phase }) => phase === "Completed");
  expect(wrote("asks", "ran")).toEqual(["make all"]);
  expect(wrote("asks", "prompts")).toHaveLength(1);
});

test("a tool that people deny does not run", async () => {
  const id = await question("denied");
  expect((await stage.factory("decide", id, "--deny")).code).toBe(0);
  await stage.mission("denied", ({ phase }) => phase === "Completed");
  expect(wrote("denied", "answers")).toEqual([{ outcome: "selected", optionId: "no" }]);
  expect(wrote("denied", "ran")).toEqual([]);
});
