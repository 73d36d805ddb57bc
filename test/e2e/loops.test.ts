import { afterAll, beforeAll, expect, test } from "vitest";
import type { InboxItem } from "../../src/core/status/view.ts";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, type MissionOptions, pairFiles } from "../support/fleet-files.ts";
import { agentCommand, createWorld, eventually, missionUntil, type World } from "./world.ts";

/** Agents that go in circles, get nowhere, or say that they are blocked; with real processes. */
let world: World;
let controller: RunningController;

beforeAll(async () => {
  world = await createWorld("loops");
  const ledger = world.ledgerPath();
  await world.origin.commit({
    ...fleetFiles(),
    ...documents("circles", agentCommand("loops.js", ledger), { outputs: ["out/result.json"] }),
    ...documents("dizzy", agentCommand("loops.js", ledger)),
    ...documents("idles", agentCommand("idles.js", ledger), { heartbeatSeconds: 1, progressSeconds: 2 }),
    ...documents("asks", agentCommand("is-blocked.js", ledger, 3), { outputs: ["out/result.json"] }),
    ...documents("waits", agentCommand("is-blocked.js", ledger, 1), { outputs: ["out/result.json"] }),
  });
  controller = await world.start();
});
afterAll(() => world.close());

function documents(
  name: string,
  command: readonly string[],
  mission: Partial<MissionOptions> = {},
): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command }, mission);
}

test("an agent that goes in circles is nudged once, then held, and goes on when a person says how", async () => {
  const name = "circles";
  const stuck = await missionUntil(controller, name, ({ holds }) =>
    holds.some(({ kind }) => kind === "stuck"),
  );
  expect(stuck.phase).toBe("Paused");
  expect(stuck.holds).toEqual([
    expect.objectContaining({ kind: "stuck", reason: "SameResultRepeated", clearBy: "decision" }),
  ]);
  expect(stuck.conduct).toMatchObject({ nudges: 1, nudge: { pattern: "repeated_result" } });
  expect(heardBy(name)).toEqual([
    expect.stringMatching(/^heard supervisor: shell {"command":"ls".*was done 4 times in a row/),
  ]);
  const question = await asked(name, "stuck");
  expect(question.message).toContain("a nudge at");
  expect(question.request?.evidence).toHaveLength(2);
  const why = await controller.client.call("why", { name });
  expect(why?.steps.find((step) => step.name === "stuck")?.next).toContain(
    `factory decide ${question.id} --go-on`,
  );
  // A pause is not what holds it.
  expect(await controller.client.call("resume", { name, reason: "" })).toMatchObject({ ok: false });

  const decided = await controller.client.call("decide", {
    id: question.id,
    decision: "go_on",
    reason: "the list is in docs/",
  });
  expect(decided).toMatchObject({ ok: true });
  const closed = await missionUntil(controller, name, ({ closure }) => closure !== null);
  expect(closed).toMatchObject({ phase: "Completed", outcome: "accepted" });
  expect(closed.summary).toBe("did as told: the list is in docs/");
  expect(heardBy(name)).toHaveLength(2);
  expect(closed.closure?.report).toMatch(/1 nudge; held as stuck 1 time/);
  expect(closed.closure?.report).toContain("said to the agent: the list is in docs/");
});

test("a person may end what goes in circles", async () => {
  const question = await asked("dizzy", "stuck");
  await controller.client.call("decide", { id: question.id, decision: "stop", reason: "of no use" });
  const closed = await missionUntil(controller, "dizzy", ({ closure }) => closure !== null);
  expect(closed).toMatchObject({ phase: "Cancelled", outcome: "ignored" });
  expect(closed.conduct.nudges).toBe(1);
});

test("an agent that is busy and gets nowhere past its deadline goes the same way", async () => {
  const stuck = await missionUntil(controller, "idles", ({ holds }) =>
    holds.some(({ kind }) => kind === "stuck"),
  );
  expect(stuck.holds[0]).toMatchObject({ reason: "NoProgress" });
  expect(heardBy("idles")[0]).toMatch(/^heard supervisor: no progress for \d+ s; 2 s are allowed/);
  const { id } = await asked("idles", "stuck");
  await controller.client.call("decide", { id, decision: "stop", reason: "" });
  await missionUntil(controller, "idles", ({ closure }) => closure !== null);
});

test("the third report of one blocker asks a person, with the whole list, and an answer lets the agent go on", async () => {
  const name = "asks";
  const question = await asked(name, "blocked");
  expect(question.request?.evidence).toEqual([
    expect.stringMatching(
      /^3 × request req_3f3a9c01d3 to the registry was refused with 403; needs a read token \(/,
    ),
    expect.stringMatching(/^1 × the disk is almost full \(/),
  ]);
  const mission = await missionUntil(controller, name, ({ phase }) => phase === "Blocked");
  expect(mission.holds).toEqual([]);
  expect((await inboxOf(name)).map(({ kind }) => kind)).toEqual(["blocked"]);
  expect(await controller.client.call("acknowledge", { id: question.id })).toMatchObject({ ok: true });

  await controller.client.call("decide", {
    id: question.id,
    decision: "go_on",
    reason: "the token is in the vault",
  });
  const closed = await missionUntil(controller, name, ({ closure }) => closure !== null);
  expect(closed).toMatchObject({ outcome: "accepted", summary: "did as told: the token is in the vault" });
  const report = closed.closure?.report ?? "";
  expect(report).toContain("- blocked 3 × by **request req\\_3f3a9c01d3");
  expect(report).toContain("- blocked 1 × by **the disk is almost full**");
  expect(report).toContain("**asks.blocked.1**: go_on by operator:tester, the token is in the vault");
});

test("a blocker that nobody is asked about can be answered, and answered again", async () => {
  const name = "waits";
  await missionUntil(controller, name, ({ conduct }) => conduct.blocked.length === 2);
  const [item] = await eventually(
    () => inboxOf(name),
    (items) => items.length > 0,
    () => "the blocker in the inbox",
  );
  expect(item?.answers[0]).toBe(`factory answer ${name} "<text>"`);
  expect(await controller.client.call("message", { name, text: "again, please" })).toMatchObject({
    ok: true,
  });
  const again = await missionUntil(controller, name, ({ conduct }) => conduct.blocked.length === 3);
  expect(again.conduct.blocked.filter(({ open }) => open).map(({ reason }) => reason)).toEqual([
    "the registry is closed for today",
  ]);
  await controller.client.call("message", { name, text: "take the mirror" });
  const closed = await missionUntil(controller, name, ({ closure }) => closure !== null);
  expect(closed).toMatchObject({ outcome: "accepted", summary: "did as told: take the mirror" });
  expect(heardBy(name)).toEqual(["heard operator: again, please", "heard operator: take the mirror"]);
  expect(await controller.client.call("message", { name, text: "too late" })).toMatchObject({
    ok: false,
    code: "conflict",
  });
});

function heardBy(name: string): readonly string[] {
  return world
    .ledger()
    .filter(({ clone, what }) => clone === cloneName(name) && what.startsWith("heard"))
    .map(({ what }) => what);
}

async function inboxOf(name: string): Promise<readonly InboxItem[]> {
  return (await controller.client.call("inbox")).items.filter(({ subject }) => subject === name);
}

async function asked(name: string, kind: string): Promise<InboxItem> {
  const items = await eventually(
    () => inboxOf(name),
    (found) => found.some((item) => item.kind === kind && item.request !== undefined),
    () => `a question about ${name}\n${controller.log().slice(-3_000)}`,
  );
  const item = items.find((found) => found.kind === kind && found.request !== undefined);
  if (item === undefined) throw new Error("unreachable");
  return item;
}
