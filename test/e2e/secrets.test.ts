import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { sharedFile } from "../support/shared.ts";
import { createStage } from "./stage.ts";
import { agentCommand, eventually, STATUS, type World } from "./world.ts";

/** A secret reaches its agent and nothing else, even when the agent shows it to everybody. */
const SECRET = "s3cr3t-9f8e7d6c5b4a-value";
const stage = createStage(
  "secrets",
  (world) => ({
    ...fleetFiles({ secrets: { env: ["TEST_*"] } }),
    ...withSecret(world, "shows", "TEST_API_KEY"),
    ...withSecret(world, "lacks", "TEST_NO_SUCH_KEY"),
  }),
  { env: { TEST_API_KEY: SECRET }, args: ["--log-level", "debug"] },
);

function digestOf(world: World, name: string): string {
  return sharedFile(`${basename(world.path)}-${name}.digest`);
}

function withSecret(world: World, name: string, variable: string): ReturnType<typeof fleetFiles> {
  return pairFiles(
    name,
    {
      command: agentCommand("shows-secret.js", digestOf(world, name)),
      secrets: [{ name: "API_KEY", from: { env: variable } }],
    },
    { outputs: ["out/result.json"] },
  );
}

test("it reaches the agent, and stands nowhere else", async () => {
  const mission = await stage.mission("shows", (view) => view.closure !== null);
  expect(mission.outcome).toBe("accepted");
  expect(readFileSync(digestOf(stage.world, "shows"), "utf8")).toBe(
    createHash("sha256").update(SECRET).digest("hex"),
  );
  const transcript = String((await stage.client.call("logs", { name: "shows", bytes: 1_000_000 }))?.text);
  expect(transcript).toContain("plain text with");
  expect(transcript).toContain("an error with");
  expect(transcript).not.toContain(SECRET);
  expect(JSON.stringify(mission)).not.toContain(SECRET);
  await eventually(
    () => stage.world.status("missions/shows/closure.md"),
    () => true,
    () => "the closure report on the status branch",
  );
  for (const [path, text] of await stage.world.origin.files(STATUS)) expect(text, path).not.toContain(SECRET);
  expect(stage.controller.log()).not.toContain(SECRET);
  expect(filesWith(stage.world.dataDir, SECRET)).toEqual([]);
});

test("one that does not resolve holds the clone at its gate, and `why` names it without a value", async () => {
  const held = await stage.mission("lacks", (view) => view.holds.some(({ kind }) => kind === "gate"));
  expect(held.holds.map(({ reason }) => reason)).toEqual(["SecretMissing"]);
  const condition = held.conditions.find(({ type }) => type === "SecretsVerified");
  expect(condition).toMatchObject({ status: "False", reason: "SecretMissing" });
  const why = await stage.client.call("why", { name: "lacks" });
  expect(why?.runs).toBe(false);
  const step = why?.steps.find(({ name }) => name === "SecretsVerified");
  expect(step).toMatchObject({ ok: false });
  expect(step?.evidence).toContain("TEST_NO_SUCH_KEY");
  expect(readFileSync(digestOf(stage.world, "lacks"), "utf8")).toBe("");
});

/** Every file below a folder that holds the text; links are not followed. */
function filesWith(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    return entry.isFile() && contentOf(path).includes(text) ? [path] : [];
  });
}

/** Empty for a file that went away since it was listed: the controller is at work in there. */
function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw error;
  }
}
