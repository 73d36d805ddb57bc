import { expect, test } from "vitest";
import type { InboxItem } from "../../src/core/status/view.ts";
import { fleetFiles, type MissionOptions, pairFiles } from "../support/fleet-files.ts";
import { createStage } from "./stage.ts";
import { agentCommand, eventually } from "./world.ts";

/** Agents that go in circles, get nowhere, or say that they are blocked; with real processes. */
const stage = createStage("loops", (world) => {
  const ledger = world.ledgerPath();
  return {
    ...fleetFiles(),
    ...documents("circles", agentCommand("loops.js", ledger), { outputs: ["out/result.json"] }),
    ...documents("dizzy", agentCommand("loops.js", ledger)),
    ...documents("idles", agentCommand("idles.js", ledger), { heartbeatSeconds: 1, progressSeconds: 2 }),
    ...documents("asks", agentCommand("is-blocked.js", ledger, 3), { outputs: ["out/result.json"] }),
    ...documents("waits", agentCommand("is-blocked.js", ledger, 1), { outputs: ["out/result.json"] }),
  };
});

function documents(
  name: string,
  command: readonly string[],
  mission: Partial<MissionOptions> = {},
): ReturnType<typeof fleetFiles> {
  return pairFiles(name, { command }, mission);
}

test("an agent that goes in circles is nudged once, then held, and goes on when a person says how", async () => {
  const name = "circles";
  const stuck = await stage.mission(name, ({ holds }) => holds.some(({ kind }) => kind === "stuck"));
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
  const why = await stage.client.call("why", { name });
  expect(why?.steps.find((step) => step.name === "stuck")?.next).toContain(
    `factory decide ${question.id} --go-on`,
  );
  // A pause is not what holds it.
  expect(await stage.client.call("resume", { name, reason: "" })).toMatchObject({ ok: false });

  const decided = await stage.client.call("decide", {
    id: question.id,
    decision: "go_on",
    reason: "the list is in docs/",
  });
  expect(decided).toMatchObject({ ok: true });
  const closed = await stage.mission(name, ({ closure }) => closure !== null);
  expect(closed).toMatchObject({ phase: "Completed", outcome: "accepted" });
  expect(closed.summary).toBe("did as told: the list is in docs/");
  expect(heardBy(name)).toHaveLength(2);
  expect(closed.closure?.report).toMatch(/1 nudge; held as stuck 1 time/);
  expect(closed.closure?.report).toContain("said to the agent: the list is in docs/");
});

test("a person may end what goes in circles", async () => {
  const question = await asked("dizzy", "stuck");
  await stage.client.call("decide", { id: question.id, decision: "stop", reason: "of no use" });
  const closed = await stage.mission("dizzy", ({ closure }) => closure !== null);
  expect(closed).toMatchObject({ phase: "Cancelled", outcome: "ignored" });
  expect(closed.conduct.nudges).toBe(1);
});

test("an agent that is busy and gets nowhere past its deadline goes the same way", async () => {
  const stuck = await stage.mission("idles", ({ holds }) => holds.some(({ kind }) => kind === "stuck"));
  expect(stuck.holds[0]).toMatchObject({ reason: "NoProgress" });
  expect(heardBy("idles")[0]).toMatch(/^heard supervisor: no progress for \d+ s; 2 s are allowed/);
  const { id } = await asked("idles", "stuck");
  await stage.client.call("decide", { id, decision: "stop", reason: "" });
  await stage.mission("idles", ({ closure }) => closure !== null);
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
  const mission = await stage.mission(name, ({ phase }) => phase === "Blocked");
  expect(mission.holds).toEqual([]);
  expect((await stage.inbox(name)).map(({ kind }) => kind)).toEqual(["blocked"]);
  expect(await stage.client.call("acknowledge", { id: question.id })).toMatchObject({ ok: true });

  await stage.client.call("decide", {
    id: question.id,
    decision: "go_on",
    reason: "the token is in the vault",
  });
  const closed = await stage.mission(name, ({ closure }) => closure !== null);
  expect(closed).toMatchObject({ outcome: "accepted", summary: "did as told: the token is in the vault" });
  const report = closed.closure?.report ?? "";
  expect(report).toContain("- blocked 3 × by **request req\\_3f3a9c01d3");
  expect(report).toContain("- blocked 1 × by **the disk is almost full**");
  expect(report).toContain("**asks.blocked.1**: go_on by operator:tester, the token is in the vault");
});

test("a blocker that nobody is asked about can be answered, and answered again", async () => {
  const name = "waits";
  await stage.mission(name, ({ conduct }) => conduct.blocked.length === 2);
  const [item] = await eventually(
    () => stage.inbox(name),
    (items) => items.length > 0,
    () => "the blocker in the inbox",
  );
  expect(item?.answers[0]).toBe(`factory message ${name} "<text>"`);
  expect(await stage.client.call("message", { name, text: "again, please" })).toMatchObject({ ok: true });
  const again = await stage.mission(name, ({ conduct }) => conduct.blocked.length === 3);
  expect(again.conduct.blocked.filter(({ open }) => open).map(({ reason }) => reason)).toEqual([
    "the registry is closed for today",
  ]);
  await stage.client.call("message", { name, text: "take the mirror" });
  const closed = await stage.mission(name, ({ closure }) => closure !== null);
  expect(closed).toMatchObject({ outcome: "accepted", summary: "did as told: take the mirror" });
  expect(heardBy(name)).toEqual(["heard operator: again, please", "heard operator: take the mirror"]);
  expect(await stage.client.call("message", { name, text: "too late" })).toMatchObject({
    ok: false,
    code: "conflict",
  });
});

function heardBy(name: string): readonly string[] {
  return stage.notes(name).filter((what) => what.startsWith("heard"));
}

async function asked(name: string, kind: string): Promise<InboxItem> {
  const items = await eventually(
    () => stage.inbox(name),
    (found) => found.some((item) => item.kind === kind && item.request !== undefined),
    () => `a question about ${name}\n${stage.controller.log().slice(-3_000)}`,
  );
  const item = items.find((found) => found.kind === kind && found.request !== undefined);
  if (item === undefined) throw new Error("unreachable");
  return item;
}
