/** How turns end, and what follows. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../../support/until.ts";
import { type AcpWorld, createAcpWorld, LADDER, signal } from "./world.ts";

let world: AcpWorld;
beforeAll(async () => {
  world = await createAcpWorld();
});
afterAll(() => world.close());

const tell = (clone: Awaited<ReturnType<AcpWorld["running"]>>, text: string): Promise<void> =>
  world.driver.tell(clone, { id: `w-${text}`, from: "operator", text }, signal);

describe("a turn that ends", () => {
  it("at a limit of tokens is no success", async () => {
    await world.running("tokens", "runs-out-of-tokens");
    expect((await world.arrived("mission.failed", "tokens")).summary).toBe(
      "the agent's turn ended at its limit of tokens",
    );
  });

  it("because it is rate limited goes on when that is over", async () => {
    await world.running("throttled", "is-rate-limited");
    expect((await world.arrived("mission.completed", "throttled")).summary).toBe("after all");
    expect((await world.arrived("agent.throttled", "throttled")).detail).toMatchObject({
      retry_after_ms: 50,
    });
    expect(world.wrote("throttled", "prompts")).toHaveLength(4);
  });

  it("with an error for ever is a crash, not a verdict", { timeout: 40_000 }, async () => {
    await world.running("fails", "fails-for-ever");
    const { detail } = await until(
      () => world.callback.of("fails").find(({ event_type: type }) => type === "instance.exited"),
      "its exit",
    );
    expect(detail).toMatchObject({
      code: 76,
      stderr_tail: expect.stringContaining("its turn failed 4 times in a row: Internal error"),
    });
    expect(world.types("fails")).not.toContain("mission.failed");
  });

  it("upon a refusal goes on once, and then is blocked until a person speaks", async () => {
    const handle = await world.running("refused", "gives-up", {
      constraints: { forbidden_tools: ["shell"] },
    });
    expect((await world.arrived("mission.blocked", "refused")).detail).toEqual({
      reason:
        "execute (make all) was refused: the contract forbids shell; the agent does not go on without it",
    });
    expect(world.wrote("refused", "prompts")[1]).toContain("Go on without it.");
    await tell(handle, "leave it");
    await world.arrived("mission.unblocked", "refused");
    await until(() => world.wrote("refused", "prompts").length === 4 || undefined, "two turns more");
    expect(world.wrote("refused", "prompts")[2]).toBe("A person of your operator says:\nleave it");
    expect(world.types("refused")).not.toContain("mission.completed");
    await world.driver.stop(handle, LADDER, signal);
  });

  it("leaves no processes and no open calls behind", async () => {
    const handle = await world.running("leaves", "leaves-processes");
    await world.arrived("mission.blocked", "leaves");
    const left = (): boolean => world.living("leaves", ["sleep", "7101"]);
    await until(() => left() || undefined, "what it has started");
    await tell(handle, "nothing");
    await world.arrived("mission.completed", "leaves");
    expect(left()).toBe(false);
    const transcript = await world.driver.transcript(handle, 1_000_000, signal);
    expect(transcript).toMatch(/\[factory\] \d processes that the turn had left behind were ended/);
  });
});

it("an agent that is blocked and ends its turn is not done, and goes on with a person's words", async () => {
  const handle = await world.running("blocked", "says-that-it-is-blocked");
  await world.arrived("mission.blocked", "blocked");
  await tell(handle, "there it is");
  expect((await world.arrived("mission.completed", "blocked")).summary).toBe("done with it");
  const told = world.types("blocked").filter((type) => type.startsWith("mission."));
  expect(told).toEqual(["mission.accepted", "mission.blocked", "mission.unblocked", "mission.completed"]);
});

it("a pause takes hold at the end of a turn, and what was said meanwhile is told when it is over", async () => {
  const handle = await world.running("paused", "listens");
  await world.arrived("mission.progress", "paused");
  await world.driver.pauseAfterTurn?.(handle, { graceMs: 300_000 }, signal);
  await tell(handle, "green");
  await until(
    () => world.callback.heartbeats.findLast(({ vp_id: clone }) => clone === "paused")?.phase === "paused",
    "a heartbeat that says that it is paused",
  );
  expect(world.wrote("paused", "prompts")).toHaveLength(1);
  await world.driver.resume(handle, signal);
  expect((await world.arrived("mission.completed", "paused")).summary).toBe("heard: green");
});

it("what is said during a turn is told with the next one", async () => {
  const handle = await world.running("listens", "listens");
  await world.arrived("mission.progress", "listens");
  await tell(handle, "red");
  expect((await world.arrived("mission.completed", "listens")).summary).toBe("heard: red");
});

it("a question of the agent's is answered by the next words of a person", async () => {
  const handle = await world.running("asks", "asks-a-question");
  expect((await world.arrived("mission.blocked", "asks")).detail).toEqual({
    reason: "which colour?",
    needs: "an answer",
  });
  await tell(handle, "blue");
  expect((await world.arrived("mission.completed", "asks")).summary).toBe("it is blue");
  expect(world.wrote("asks", "answers")).toEqual([{ action: "accept", content: { colour: "blue" } }]);
});
