/** What an agent asks permission for, what it does without, and what it asks people. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../support/until.ts";
import { type AcpWorld, createAcpWorld, LADDER, signal } from "./world.ts";

const once = { outcome: "selected", optionId: "once" };
const no = { outcome: "selected", optionId: "no" };
const cancelled = { outcome: "cancelled" };

let world: AcpWorld;
beforeAll(async () => {
  world = await createAcpWorld();
});
beforeEach(() => {
  world.callback.claim = null;
  world.callback.claims.length = 0;
});
afterAll(() => world.close());

describe("a tool that an agent asks permission for", () => {
  it.each([
    ["nothing is said of", "uses-a-shell", {}, once, "made"],
    ["is forbidden", "uses-a-shell", { forbidden_tools: ["shell"] }, no, "not made"],
    ["is not among those that are allowed", "uses-a-shell", { allowed_tools: ["read"] }, no, "not made"],
    ["is allowed by its kind", "uses-a-shell", { allowed_tools: ["execute"] }, once, "made"],
    ["is known from its call alone", "asks-by-id-alone", { forbidden_tools: ["execute"] }, no, null],
    ["may only be allowed for ever", "offers-always-alone", {}, cancelled, "asked"],
  ])("and %s", async (what, behaviour, constraints, outcome, said) => {
    const clone = what.replaceAll(/\W+/g, "-");
    await world.running(clone, behaviour, { constraints });
    const { summary } = await world.arrived("mission.completed", clone);
    expect(world.wrote(clone, "answers")).toEqual([outcome]);
    expect(world.wrote(clone, "ran")).toEqual(said === "made" ? ["make all"] : []);
    if (said !== null) expect(summary).toBe(said);
  });

  it("and needs people waits for them, and they see exactly what is asked", async () => {
    let decided = false;
    world.callback.claim = () => ({ decision: decided ? "approved" : "approval_required" });
    await world.running("approved", "uses-a-shell", { constraints: { approval_required: ["shell"] } });
    await until(() => world.callback.claims.length >= 2 || undefined, "a question that was put twice");
    expect(world.callback.claims[0]).toMatchObject({
      action: "shell",
      target: "make all",
      approval_only: true,
      arguments: { tool: "execute", title: "make all", input: { command: "make all" } },
    });
    const asked = new Set(world.callback.claims.map((claim) => JSON.stringify(claim.arguments)));
    expect(asked.size).toBe(1);
    expect(world.wrote("approved", "answers")).toEqual([]);
    decided = true;
    await world.arrived("mission.completed", "approved");
    expect(world.wrote("approved", "ran")).toEqual(["make all"]);
  });

  it("and is denied by people does not run", async () => {
    world.callback.claim = () => ({ decision: "denied", message: "a-1 was denied by ann; do not do it" });
    await world.running("denied", "uses-a-shell", { constraints: { approval_required: ["shell"] } });
    await world.arrived("mission.completed", "denied");
    expect([world.wrote("denied", "answers"), world.wrote("denied", "ran")]).toEqual([[no], []]);
  });

  it("and is not told apart from a forbidden one is asked of people", async () => {
    world.callback.claim = () => ({ decision: "denied", message: "no" });
    await world.running("unknown", "asks-by-title-alone", { constraints: { forbidden_tools: ["network"] } });
    await world.arrived("mission.completed", "unknown");
    expect(world.callback.claims[0]).toMatchObject({ action: "unknown_tool", target: "something" });
  });
});

it("a forbidden tool that is used without asking ends the mission", async () => {
  await world.running("breach", "does-not-ask", { constraints: { forbidden_tools: ["shell"] } });
  expect((await world.arrived("mission.failed", "breach")).summary).toBe(
    "the agent used execute without being allowed to",
  );
  await world.arrived("instance.exited", "breach");
  expect(world.wrote("breach", "cancels")).toEqual([1]);
});

describe("a stop while an agent", () => {
  it("waits for a permission answers it as cancelled", async () => {
    world.callback.claim = () => ({ decision: "approval_required" });
    const handle = await world.running("waiting", "waits-for-permission", {
      constraints: { approval_required: ["shell"] },
    });
    await until(() => world.callback.claims.length > 0 || undefined, "the question");
    const proof = await world.driver.stop(handle, LADDER, signal);
    expect((proof.rungs ?? []).map(({ rung }) => rung)).toEqual(["cancel"]);
    expect(world.wrote("waiting", "answers")).toEqual([cancelled]);
  });

  it("works answers what it asks afterwards as cancelled", async () => {
    const handle = await world.running("late", "asks-after-the-cancel");
    await world.arrived("mission.accepted", "late");
    await until(() => world.wrote("late", "prompts").length > 0 || undefined, "its prompt");
    await world.driver.stop(handle, LADDER, signal);
    expect(world.wrote("late", "answers")).toEqual([cancelled]);
  });
});
