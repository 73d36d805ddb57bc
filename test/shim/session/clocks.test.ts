/** What a session measures, on a clock that the test winds. */
import { describe, expect, test } from "vitest";
import { createClocks } from "../../../src/shim/session/clocks.ts";

function wound() {
  const time = { ms: 1_000 };
  const clocks = createClocks(() => time.ms);
  return {
    clocks,
    wait: (ms: number) => {
      time.ms += ms;
    },
    ages: () => {
      const { last_event_age_ms, last_progress_age_ms } = clocks.heartbeatPart();
      return [last_event_age_ms, last_progress_age_ms];
    },
  };
}

describe("ages", () => {
  test("count from the beginning, and from what happened last", () => {
    const { clocks, wait, ages } = wound();
    wait(500);
    expect(ages()).toEqual([500, 500]);
    clocks.onOutput();
    wait(20);
    expect(ages()).toEqual([20, 520]);
    clocks.onProgress();
    wait(3);
    expect(ages()).toEqual([23, 3]);
  });

  test("of progress stand still while the agent is frozen", () => {
    const { clocks, wait, ages } = wound();
    clocks.setRunning(true);
    wait(100);
    clocks.setRunning(false);
    wait(1_000);
    expect(ages()[1]).toBe(1_100);
    clocks.setRunning(true);
    expect(ages()).toEqual([1_100, 100]);
    wait(10);
    clocks.setRunning(true);
    expect(ages()[1]).toBe(110);
    clocks.setRunning(false);
    wait(500);
    // It stands still already: the freeze that began first counts.
    clocks.setRunning(false);
    wait(500);
    clocks.setRunning(true);
    expect(ages()[1]).toBe(110);
  });

  test("of progress do not count a tool call for as long as it said that it would take", () => {
    const { clocks, wait, ages } = wound();
    wait(500);
    clocks.openTool("short", 1_000);
    wait(400);
    clocks.closeTool("short");
    expect(ages()[1]).toBe(500);
    clocks.onProgress();
    clocks.openTool("late", 1_000);
    wait(1_500);
    clocks.closeTool("late");
    expect(ages()[1]).toBe(500);
    clocks.openTool("open-ended", null);
    wait(100);
    clocks.closeTool("open-ended");
    expect(ages()[1]).toBe(600);
    clocks.closeTool("never opened");
    expect(ages()[1]).toBe(600);
  });
});

describe("active time", () => {
  test("runs while the agent does, and no stretch counts twice", () => {
    const { clocks, wait } = wound();
    wait(50);
    expect(clocks.activeMs()).toBe(0);
    clocks.setRunning(true);
    wait(30);
    clocks.setRunning(true);
    wait(30);
    expect(clocks.activeMs()).toBe(60);
    clocks.setRunning(false);
    clocks.setRunning(false);
    wait(1_000);
    expect(clocks.activeMs()).toBe(60);
    clocks.setRunning(true);
    wait(40);
    expect([clocks.activeMs(), clocks.heartbeatPart().usage.active_ms]).toEqual([100, 100]);
    expect(clocks.eventUsage().runtime_minutes).toBeCloseTo(100 / 60_000, 9);
  });

  test("does not run while its provider makes it wait", () => {
    const { clocks, wait } = wound();
    clocks.setRunning(true);
    wait(100);
    clocks.throttle(1_000);
    expect(clocks.throttledMs()).toBe(1_000);
    wait(400);
    expect([clocks.activeMs(), clocks.throttledMs()]).toEqual([100, 600]);
    // A shorter word does not make the wait shorter.
    clocks.throttle(10);
    expect(clocks.throttledMs()).toBe(600);
    wait(700);
    expect([clocks.activeMs(), clocks.throttledMs()]).toEqual([200, 0]);
  });

  test("of an agent that does not run is none, whatever its provider says", () => {
    const { clocks, wait } = wound();
    clocks.throttle(100);
    wait(1_000);
    expect(clocks.activeMs()).toBe(0);
  });

  test("of an agent that starts within a wait begins when that is over", () => {
    const { clocks, wait } = wound();
    clocks.throttle(300);
    clocks.setRunning(true);
    wait(500);
    expect(clocks.activeMs()).toBe(200);
  });
});

describe("open calls", () => {
  test("are told with their age and deadline until they are closed", () => {
    const { clocks, wait } = wound();
    clocks.openTool("a", 500);
    wait(20);
    clocks.openTool("b", null);
    wait(5);
    const told = () => clocks.heartbeatPart().open_tool_calls;
    expect(told()).toEqual([
      { id: "a", age_ms: 25, deadline_ms: 500 },
      { id: "b", age_ms: 5, deadline_ms: null },
    ]);
    clocks.closeTool("a");
    expect(told().map(({ id }) => id)).toEqual(["b"]);
    clocks.closeTools();
    expect(told()).toEqual([]);
  });

  test("are as many as fit a heartbeat; one that is open may be opened anew", () => {
    const { clocks, wait } = wound();
    for (let number = 0; number < 70; number += 1) clocks.openTool(`t${number}`, null);
    wait(5);
    clocks.openTool("t0", null);
    const told = clocks.heartbeatPart().open_tool_calls;
    expect(told).toHaveLength(64);
    expect(told.find(({ id }) => id === "t0")?.age_ms).toBe(0);
  });
});

test("a text is news until it was said lately", () => {
  const { clocks } = wound();
  expect([clocks.isNews("a"), clocks.isNews("a")]).toEqual([true, false]);
  for (let number = 0; number < 50; number += 1) clocks.isNews(`other ${number}`);
  expect(clocks.isNews("a")).toBe(true);
});

test("usage is told as it was said, and whether it rose", () => {
  const { clocks } = wound();
  const line = {
    type: "usage",
    llmCalls: 3,
    costUsd: 0.5,
    tokens: new Map(),
    semantics: "cumulative",
    source: "agent",
  } as const;
  expect(clocks.eventUsage()).toMatchObject({ llm_calls: null, estimated_cost_usd: null });
  expect([clocks.onUsage(line), clocks.onUsage(line)]).toEqual([true, false]);
  expect(clocks.onUsage({ ...line, llmCalls: 2, costUsd: 0.4 })).toBe(false);
  const dearer = createClocks(() => 0);
  dearer.onUsage({ ...line, costUsd: 0.4 });
  expect(dearer.onUsage(line)).toBe(true);
  const said = { llm_calls: 3, estimated_cost_usd: 0.5, trust: "reported", source: "agent" };
  expect(clocks.eventUsage()).toMatchObject(said);
  expect(clocks.heartbeatPart().usage).toMatchObject(said);
});
