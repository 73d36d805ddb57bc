/** How a session with an agent of the protocol begins, and begins again. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../support/until.ts";
import { type AcpWorld, createAcpWorld, LADDER, signal } from "./world.ts";

let world: AcpWorld;
beforeAll(async () => {
  world = await createAcpWorld();
});
afterAll(() => world.close());

describe("the mode of an agent", () => {
  it("is set and read back before anything is asked of it", async () => {
    await world.running("set", "has-modes", { acp: { mode: "ask" } });
    expect((await world.arrived("mission.completed", "set")).summary).toBe("asked before everything");
    expect(world.wrote("set", "modes")).toEqual(["ask"]);
  });

  it.each([
    [
      "none is named where there are several",
      "has-modes",
      {},
      "offers the modes auto, ask and stands in auto",
    ],
    [
      "it is not confirmed",
      "confirms-no-mode",
      { mode: "ask" },
      "set and not confirmed: it says that it is in auto",
    ],
    [
      "an option is refused",
      "has-modes",
      { config: { effort: "high" } },
      "its option effort = high was refused",
    ],
    [
      "it goes from it by itself",
      "changes-its-mode",
      { mode: "ask" },
      "went from its mode ask to auto by itself",
    ],
  ])("ends the mission where %s", { timeout: 30_000 }, async (why, behaviour, acp, said) => {
    const clone = why.replaceAll(/\W+/g, "-");
    await world.running(clone, behaviour, { acp });
    expect((await world.arrived("mission.failed", clone)).summary).toContain(said);
    await world.arrived("instance.exited", clone);
  });
});

it("options of a session are set and read back", async () => {
  await world.running("options", "has-options", { acp: { config: { effort: "high" } } });
  await world.arrived("mission.completed", "options");
  expect(world.wrote("options", "options")).toEqual([
    { sessionId: "s-1", configId: "effort", value: "high" },
  ]);
});

it("an agent authenticates itself with the method that its clone names", async () => {
  await world.running("auth", "completes", { acp: { auth: "api-key" } });
  await world.arrived("mission.completed", "auth");
  expect(world.wrote("auth", "authenticated")).toEqual([{ methodId: "api-key" }]);
});

it("its session is in its workspace and has the tools of its shim", async () => {
  await world.running("place", "completes");
  await world.arrived("mission.completed", "place");
  expect(world.wrote("place", "sessions")).toEqual([
    {
      way: "new",
      cwd: world.workspace("place"),
      mcpServers: [
        {
          name: "factory",
          command: process.execPath,
          args: [expect.stringMatching(/tools-main\.c?[jt]s$/)],
          env: [{ name: "FACTORY_TOOLS_SOCKET", value: expect.stringContaining("tools.sock") }],
        },
      ],
    },
  ]);
});

it.each([
  ["wants-a-login", { auth: true, stopped: false }],
  ["is-refused-its-key", { auth: true, stopped: false }],
])("%s: its credentials are refused, and that is no verdict on its mission", async (behaviour, detail) => {
  await world.running(behaviour, behaviour);
  expect((await world.arrived("instance.exited", behaviour)).detail).toMatchObject(detail);
  expect(world.types(behaviour)).not.toContain("mission.failed");
});

it("an agent of another version of the protocol is told apart", async () => {
  await world.running("v2", "speaks-version-2");
  expect((await world.arrived("mission.failed", "v2")).summary).toBe(
    "the agent speaks version 2 of the Agent Client Protocol; 1 is spoken here",
  );
});

describe("an agent that is killed in the middle of its turn", () => {
  it.each([
    ["resumes", "resume", "went on"],
    ["loads", "load", "went on"],
    ["forgets-everything", "new", "began anew"],
  ])("and %s goes on in the same workspace", async (behaviour, way, said) => {
    const first = await world.running(behaviour, behaviour);
    await until(() => world.wrote(behaviour, "prompts").length === 1 || undefined, "its first prompt");
    world.killAgent(first);
    expect((await world.arrived("instance.exited", behaviour)).detail).toMatchObject({ signal: "SIGKILL" });
    await world.driver.stop(first, LADDER, signal);
    await world.running(behaviour, behaviour, { epoch: 2 });
    const done = await world.arrived("mission.completed", behaviour);
    expect([done.summary, done.epoch]).toEqual([said, 2]);
    expect(world.wrote(behaviour, "sessions").at(-1)).toMatchObject({
      way,
      cwd: world.workspace(behaviour),
      ...(way === "new" ? {} : { sessionId: "s-1" }),
    });
    // What a loaded session repeats is nothing new.
    expect(world.types(behaviour)).not.toContain("mission.progress");
  });
});
