import { describe, expect, test } from "vitest";
import { createRequestBudget } from "../../../../src/adapters/forge/github/budget.ts";
import type { Urgency } from "../../../../src/ports/forge.ts";
import { createVirtualClock } from "../../../support/virtual-clock.ts";

const never = new AbortController().signal;
const START = 1_000_000;

function scene() {
  const clock = createVirtualClock(START);
  const budget = createRequestBudget(clock);
  const went: { readonly name: string; readonly at: number }[] = [];
  const give = new Map<string, () => void>();
  return {
    clock,
    budget,
    went,
    ask(name: string, urgency: Urgency, writes = false) {
      const asked = budget.take({ urgency, writes }, never).then((back) => {
        went.push({ name, at: clock.now() - START });
        give.set(name, back);
      });
      asked.catch(() => {});
      return asked;
    },
    giveBack: (name: string) => give.get(name)?.(),
    settle: () => new Promise((resolve) => setImmediate(resolve)),
    async run(turns: number) {
      for (let turn = 0; turn < turns; turn += 1) await clock.step();
    },
  };
}

const rate = (remaining: number, resetInSeconds: number) => ({
  "x-ratelimit-limit": "5000",
  "x-ratelimit-remaining": String(remaining),
  "x-ratelimit-reset": String((START + resetInSeconds * 1_000) / 1_000),
  "x-ratelimit-resource": "core",
});

describe("the budget of a credential", () => {
  test("lets a few ask at once, and of those that wait the most urgent first", async () => {
    const { ask, giveBack, settle, went } = scene();
    for (const name of ["a", "b", "c", "d"]) void ask(name, "comment");
    await settle();
    void ask("late comment", "comment");
    void ask("check", "check");
    void ask("stop", "stop");
    await settle();
    expect(went.map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
    for (const name of ["a", "b", "c"]) {
      giveBack(name);
      await settle();
    }
    expect(went.slice(4).map(({ name }) => name)).toEqual(["stop", "check", "late comment"]);
  });

  test("leaves a second between two requests that write, and lets reads pass", async () => {
    const { ask, settle, run, went, giveBack } = scene();
    void ask("first", "comment", true);
    void ask("second", "comment", true);
    void ask("read", "comment");
    await settle();
    giveBack("first");
    giveBack("read");
    await run(3);
    expect(went.map(({ name, at }) => [name, at])).toEqual([
      ["first", 0],
      ["read", 0],
      ["second", 1_000],
    ]);
  });

  test("writes no more in a minute than the forge allows, and keeps room for a stop", async () => {
    const { ask, settle, run, went, giveBack } = scene();
    for (let index = 0; index < 45; index += 1) {
      void ask(`comment ${index}`, "comment", true);
      await settle();
      if (index > 0) await run(1);
      giveBack(`comment ${index}`);
    }
    expect(went.at(-1)).toEqual({ name: "comment 44", at: 44_000 });
    void ask("one too many", "comment", true);
    void ask("stop", "stop", true);
    await run(2);
    giveBack("stop");
    await run(3);
    expect(went.slice(45).map(({ name }) => name)).toEqual(["stop", "one too many"]);
    expect(went[45]?.at).toBe(45_000);
    expect(went[46]?.at).toBeGreaterThan(60_000);
  });

  test("spends no more points in a minute than the forge allows, and keeps some for what is urgent", async () => {
    const { ask, settle, run, went, giveBack, clock } = scene();
    for (let index = 0; index < 600; index += 1) {
      void ask(`read ${index}`, "comment");
      await settle();
      giveBack(`read ${index}`);
    }
    expect(went).toHaveLength(600);
    await expect(ask("comment", "comment")).rejects.toMatchObject({
      code: "forge/limited",
      until: START + 60_000,
    });
    await ask("check", "check");
    void clock.sleep(50_000);
    await run(1);
    void ask("later", "comment");
    await settle();
    expect(went.at(-1)?.name).toBe("check");
    await run(1);
    expect(went.at(-1)).toEqual({ name: "later", at: 60_000 });
  });

  test("keeps a part of the hour's requests for what is urgent", async () => {
    const { ask, budget } = scene();
    budget.note(rate(600, 1_800));
    await expect(ask("comment", "comment")).rejects.toMatchObject({
      code: "forge/limited",
      until: START + 1_800_000,
    });
    await ask("check", "check");
    budget.note(rate(90, 1_800));
    await expect(ask("check", "check")).rejects.toMatchObject({ code: "forge/limited" });
    await expect(ask("ask", "ask")).rejects.toMatchObject({ code: "forge/limited" });
    await ask("stop", "stop");
    expect(budget.state()).toMatchObject({ remaining: 90, limit: 5_000 });
  });

  test("counts by the forge's clock where it tells its time", async () => {
    const { ask, budget } = scene();
    // Its clock is an hour ahead of ours, and the reset is in a minute.
    const ahead = START + 3_600_000;
    budget.note({
      ...rate(0, 3_660),
      date: new Date(ahead).toUTCString(),
    });
    await expect(ask("read", "check")).rejects.toMatchObject({ until: START + 60_000 });
  });

  test("asks nothing before a limit is over, and waits longer each time where its end is not told", async () => {
    const { ask, budget, clock } = scene();
    budget.limited({ kind: "secondary", retryAfterMs: 30_000 });
    await expect(ask("stop", "stop")).rejects.toMatchObject({ until: START + 30_000 });
    expect(budget.state().pausedUntil).toBe(START + 30_000);
    budget.limited({ kind: "secondary", retryAfterMs: null });
    budget.limited({ kind: "secondary", retryAfterMs: null });
    expect(budget.state().pausedUntil).toBe(START + 240_000);
    void clock.sleep(250_000);
    await clock.step();
    await ask("stop", "stop");
    expect(budget.state().pausedUntil).toBeNull();
  });

  test("waits out a short limit", async () => {
    const { ask, budget, run, went } = scene();
    budget.limited({ kind: "secondary", retryAfterMs: 5_000 });
    void ask("read", "check");
    await run(1);
    expect(went).toEqual([{ name: "read", at: 5_000 }]);
  });

  test("whoever is called off leaves the line", async () => {
    const { budget, ask, settle, giveBack, went } = scene();
    for (const name of ["a", "b", "c", "d"]) void ask(name, "check");
    await settle();
    const calling = new AbortController();
    const waiting = budget.take({ urgency: "stop", writes: false }, calling.signal);
    calling.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    void ask("next", "check");
    giveBack("a");
    await settle();
    expect(went.at(-1)?.name).toBe("next");
  });
});
