/** Limits of missions whose controller was killed: their shims hold them, and what they did is on record afterwards. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { readHeldLimits } from "../../src/instance/held-limits.ts";
import { readOutbox } from "../../src/instance/outbox.ts";
import { cloneName, fleetFiles, type MissionOptions, pairFiles } from "../support/fleet-files.ts";
import { createStage, type Seen } from "./stage.ts";
import { agentCommand, eventually, isAlive, type World } from "./world.ts";

/** Further than any of these agents comes before its controller is gone. */
const stage = createStage("limits-alone", (world) => ({
  ...fleetFiles({ caps: { max_cost_usd: 1_000 }, branch: "factory/board" }),
  // Paused at 90 % by each of the three meters.
  ...spender(world, "money", ["spends.js", 0.05, 80], { maxCostUsd: 4 }),
  ...spender(world, "calls", ["spends.js", 0, 80], { maxLlmCalls: 80 }),
  ...spender(world, "time", ["works.js", 100_000, 50], { maxRuntimeMinutes: 10 / 60 }),
  // Over the threshold and the hard stop in one step, by each of them.
  ...spender(world, "jumps", ["spends.js", 100, 6_000, 0.1], { maxCostUsd: 10 }),
  ...spender(world, "many", ["spends.js", 0, 80], { maxLlmCalls: 80, pausePercent: 100 }),
  ...spender(world, "late", ["works.js", 100_000, 50], { maxRuntimeMinutes: 8 / 60, pausePercent: 100 }),
  ...spender(world, "done", ["spends-and-completes.js", 100, 6_000], {
    maxCostUsd: 10,
    outputs: ["out/result.json"],
  }),
}));
const PAUSED = ["money", "calls", "time"] as const;
const ENDED = ["jumps", "many", "late"] as const;

function spender(
  world: World,
  name: string,
  [agent, ...args]: [string, ...(number | string)[]],
  mission: Partial<MissionOptions>,
): ReturnType<typeof fleetFiles> {
  return pairFiles(
    name,
    { command: agentCommand(agent, world.ledgerPath(), ...args), isolation: "pidns" },
    { heartbeatSeconds: 30, ...mission },
  );
}

/** What its shim has written down about limits, oldest first. */
function reached(name: string): readonly { level: string; meter: string; did: string; used: number }[] {
  return readOutbox(folderOf(name), 0).flatMap(({ event_type: type, detail }) =>
    type === "mission.limit_reached" ? [detail as never] : [],
  );
}

function folderOf(name: string): string {
  return join(stage.world.dataDir, "instances", cloneName(name), "1");
}

async function waitFor(name: string, level: string): Promise<void> {
  await eventually(
    () => reached(name),
    (found) => found.some((one) => one.level === level),
    () => `the shim of ${name} to reach ${level}`,
  );
}

/** Every level of the shim's that was taken, in order. */
function taken(events: readonly Seen[]): readonly string[] {
  return events.flatMap((event) =>
    event.type === "instance.reported" && event.report.type === "mission.limit_reached"
      ? [String(event.report.detail["level"])]
      : [],
  );
}

test("an agent is paused at its threshold and ended at its limit while no controller lives", async () => {
  for (const name of [...PAUSED, ...ENDED, "done"])
    await stage.mission(name, ({ phase }) => phase === "Running");
  const before = new Map(PAUSED.map((name) => [name, stage.processes(name).agent]));
  await stage.controller.kill();
  for (const name of PAUSED) expect(reached(name).filter(({ level }) => level === "pause")).toEqual([]);

  for (const name of PAUSED) await waitFor(name, "pause");
  for (const name of ENDED) await waitFor(name, "stop");
  await waitFor("done", "stop");
  for (const name of [...ENDED, "done"])
    await eventually(
      () => ({ alive: isAlive(stage.processes(name).agent) || isAlive(stage.processes(name).shim) }),
      ({ alive }) => !alive,
      () => `${name} to be gone`,
    );
  // The slowest of them has had the time of all the others to do something more.
  const steps = PAUSED.map((name) => stage.notes(name).length);
  expect(PAUSED.map((name) => stage.processes(name).agent)).toEqual([...before.values()]);
  expect(PAUSED.map((name) => isAlive(stage.processes(name).agent))).toEqual([true, true, true]);
  expect(reached("money").at(-1)).toMatchObject({
    meter: "cost_usd",
    did: "paused",
    used: expect.closeTo(3.6, 1),
  });
  expect(reached("calls").at(-1)).toMatchObject({ meter: "llm_calls", did: "paused" });
  expect(reached("time").at(-1)).toMatchObject({ meter: "runtime_minutes", did: "paused" });
  expect(reached("jumps").map(({ level }) => level)).toEqual(["stop"]);
  expect(reached("many").at(-1)).toMatchObject({ meter: "llm_calls", level: "stop", did: "ended", used: 80 });
  expect(reached("late").at(-1)).toMatchObject({ meter: "runtime_minutes", level: "stop" });
  expect(spentOf("jumps").length).toBe(2);
  expect(PAUSED.map((name) => stage.notes(name).length)).toEqual(steps);
});

test("what it did is recorded once by the next controller, which asks; a higher limit lets the same agent go on", async () => {
  await stage.restart();
  for (const name of PAUSED) {
    const mission = await stage.mission(name, ({ phase }) => phase === "Paused");
    expect(mission.holds).toMatchObject([{ kind: "budget", clearBy: "decision" }]);
    await stage.recorded(name, "instance.paused");
  }
  const { agent } = stage.processes("money");
  const steps = stage.notes("money").length;
  const raised = await stage.factory("decide", "money.budget.1", "--raise", "max_cost_usd=100");
  expect(raised).toMatchObject({ code: 0, stderr: "" });
  await eventually(
    () => stage.notes("money").length,
    (length) => length > steps + 3,
    () => "the same agent to go on",
  );
  expect(stage.processes("money").agent).toBe(agent);
  expect(readHeldLimits(folderOf("money"))?.budget.max_cost_usd).toBe(100);
  expect(taken(await stage.events("money"))).toEqual(["notify", "warn", "pause"]);
  expect((await stage.inbox("money")).map(({ kind }) => kind)).toEqual([]);
});

test("one that was ended at its limit is asked about, and another goes on when a person has raised it", async () => {
  const held = await stage.mission("jumps", ({ phase }) => phase === "Paused");
  expect(held.holds).toMatchObject([{ kind: "budget", clearBy: "decision" }]);
  expect(taken(await stage.events("jumps"))).toEqual(["stop"]);
  expect((await stage.factory("decide", "jumps.budget.1", "--raise", "max_cost_usd=500")).code).toBe(0);
  await stage.mission("jumps", ({ phase }) => phase === "Running");
  await eventually(
    () => stage.world.ledger(),
    (lines) => lines.some(({ clone, epoch }) => clone === cloneName("jumps") && epoch === 2),
    () => "the second epoch of jumps",
  );
  // What the first one has spent counts against the raised limit.
  const told = await eventually(
    () => readHeldLimits(join(stage.world.dataDir, "instances", cloneName("jumps"), "2")),
    (limits) => limits.budget.max_cost_usd === 500,
    () => "the limits of the second epoch",
  );
  expect(told.before.costMicros).toBe(100_100_000);
});

test("nothing that went over its limit is closed in silence: an incident, a question, the report and the scorecard", async () => {
  expect((await stage.factory("decide", "many.budget.1", "--stop")).code).toBe(0);
  const many = await stage.mission("many", ({ closure }) => closure !== null);
  const late = await stage.mission("late", ({ closure }) => closure !== null);
  const done = await stage.mission("done", ({ closure }) => closure !== null);
  expect([many.phase, late.phase, done.phase]).toEqual(["Cancelled", "TimedOut", "Completed"]);
  for (const { closure } of [many, late, done]) {
    expect(closure?.scorecard.incidents.by_class).toMatchObject({ overspent: 1 });
    expect(closure?.report).toContain("| Beyond its limit |");
  }
  expect(late.closure?.scorecard.economics.over_limit).toEqual(["runtime_minutes"]);
  expect(done.closure?.scorecard.economics.over_limit).toEqual(["cost_usd"]);
  expect(done.outcome).toBe("pending");
  const asked = (await stage.client.call("inbox")).items.filter(({ kind }) => kind === "overspent");
  // Of `many` a person has said that it is to stop: who was asked is not asked again.
  expect(asked.map(({ id }) => id.split(".")[0]).sort()).toEqual([cloneName("done"), cloneName("late")]);
  const [question = ""] = asked.flatMap(({ id }) => (id.startsWith(cloneName("done")) ? [id] : []));
  expect((await stage.factory("decide", question, "--approve", "--reason", "worth it")).code).toBe(0);
  const accepted = await stage.mission("done", ({ outcome }) => outcome === "accepted");
  expect(accepted.closure?.report).toContain("approved by operator:");
});

test("what became of them is written to the branch that fleet.yaml names", async () => {
  const { origin } = stage.world;
  await eventually(
    async () => ((await origin.head("factory/board")) === null ? null : origin.files("factory/board")),
    (files) => /over_limit/.test(files.get("missions/late/scorecard.yaml") ?? ""),
    () => "the scorecard of late on its branch",
  );
  expect(await origin.head("factory/status")).toBeNull();
});

function spentOf(name: string): readonly string[] {
  return stage.notes(name).filter((what) => what.startsWith("spent"));
}
