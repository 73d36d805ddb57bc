/** What a shim does about the limits of its mission, on a clock that the test winds and with an agent that stands still when it is told to. */
import { describe, expect, test, vi } from "vitest";
import type { HeldLimits } from "../../../src/core/model/budget-rule.ts";
import { createClocks } from "../../../src/shim/session/clocks.ts";
import { BY_LIMIT } from "../../../src/shim/session/graces.ts";
import type { Life } from "../../../src/shim/session/life.ts";
import { createLimitWatch } from "../../../src/shim/session/limit-watch.ts";

const kept = vi.hoisted(() => vi.fn());
vi.mock("../../../src/instance/held-limits.ts", () => ({ writeHeldLimits: kept }));

const MINUTE_MS = 60_000;
const LIMITS: HeldLimits = {
  missionId: "m-a",
  budget: { max_runtime_minutes: 10, max_llm_calls: 100, max_cost_usd: 5 },
  thresholds: { notify_percent: 50, warn_percent: 80, pause_percent: 90 },
  pauseGraceMs: 700,
  before: { activeMs: 0, llmCalls: 0, costMicros: 0 },
  reportCadence: "interval",
};

interface Report {
  readonly type: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

function session() {
  const time = { ms: 0 };
  const life = {
    instanceDirectory: "/instances/a/1",
    phase: "running",
    over: false,
    envelope: { mission_id: "m-a" },
    run: { terminal: () => false },
    agent: {},
  } as unknown as Life;
  const clocks = createClocks(() => time.ms);
  const reports: Report[] = [];
  const ended: unknown[] = [];
  const asked: (readonly [boolean, number])[] = [];
  const notes: string[] = [];
  let due: { readonly ms: number; readonly work: () => void } | null = null;
  const paused = vi.fn();
  const watch = createLimitWatch({
    life,
    clocks,
    pauses: {
      byLimit: (reached: boolean, graceMs: number) => asked.push([reached, graceMs]) > 0,
      frozenMs: () => 12,
    } as never,
    reporter: { report: (event: Report) => reports.push(event) } as never,
    transcript: { note: (line: string) => notes.push(line) } as never,
    end: (reason, graces) => ended.push([reason, graces]),
    onPaused: paused,
    after(ms, work) {
      const own = { ms, work };
      due = own;
      return () => {
        if (due === own) due = null;
      };
    },
  });
  const use = (llmCalls: number, costUsd: number | null = null): void => {
    const line = { type: "usage", tokens: new Map(), semantics: "cumulative", source: "agent" } as const;
    clocks.onUsage({ ...line, llmCalls, costUsd });
    watch.look();
  };
  return {
    ...{ watch, life, clocks, reports, ended, asked, notes, paused, use },
    wait: (ms: number) => {
      time.ms += ms;
    },
    due: () => due,
    levels: () => reports.map(({ detail }) => `${detail["meter"]} ${detail["level"]} ${detail["did"]}`),
    stands: () => asked.at(-1)?.[0],
  };
}

describe("each level is told once", () => {
  test("with what was used, of what, and what follows", () => {
    const { watch, use, reports, levels, paused, stands } = session();
    expect(watch.hold(LIMITS)).toBe(true);
    use(49);
    expect(reports).toEqual([]);
    use(50);
    use(79);
    expect(reports).toEqual([
      {
        type: "mission.limit_reached",
        status: "running",
        summary: "llm_calls is at 50 of 100; it goes on",
        detail: {
          meter: "llm_calls",
          level: "notify",
          used: 50,
          limit: 100,
          percent: 50,
          did: "told",
          paused_ms: 12,
        },
      },
    ]);
    use(80);
    expect([levels(), stands(), paused.mock.calls.length]).toEqual([
      ["llm_calls notify told", "llm_calls warn told"],
      false,
      0,
    ]);
    use(90);
    use(95);
    expect([levels().at(-1), stands(), paused.mock.calls.length]).toEqual([
      "llm_calls pause paused",
      true,
      1,
    ]);
  });

  test("and only the highest of those that are passed at once", () => {
    const { watch, use, levels } = session();
    watch.hold(LIMITS);
    use(0, 4.6);
    expect(levels()).toEqual(["cost_usd pause paused"]);
  });
});

test("at all of a limit it is ended, with the graces of a limit, and is not paused for it", () => {
  const { watch, use, ended, levels, asked, paused } = session();
  watch.hold(LIMITS);
  use(100);
  expect(ended).toEqual([["it has used all of a limit: llm_calls is at 100 of 100", BY_LIMIT]]);
  expect(levels()).toEqual(["llm_calls stop ended"]);
  expect([asked.filter(([reached]) => reached), paused.mock.calls.length]).toEqual([[], 0]);
});

test("what earlier instances used counts", () => {
  const { watch, use, levels } = session();
  watch.hold({ ...LIMITS, before: { activeMs: 0, llmCalls: 60, costMicros: 0 } });
  use(30);
  expect(levels().at(-1)).toBe("llm_calls pause paused");
});

test("a higher limit lets it go on, and is measured anew; the same one changes nothing", () => {
  const { watch, use, levels, stands } = session();
  watch.hold(LIMITS);
  use(95);
  expect(stands()).toBe(true);
  kept.mockClear();
  expect(watch.hold({ ...LIMITS })).toBe(true);
  expect([kept.mock.calls.length, stands()]).toEqual([0, true]);
  expect(watch.hold({ ...LIMITS, budget: { ...LIMITS.budget, max_llm_calls: 190 } })).toBe(true);
  expect([kept.mock.calls.length, stands(), levels()]).toEqual([
    1,
    false,
    ["llm_calls pause paused", "llm_calls notify told"],
  ]);
});

test("what another meter has told is not told again", () => {
  const { watch, use, levels } = session();
  watch.hold(LIMITS);
  use(95, 2.6);
  const before = levels();
  watch.hold({ ...LIMITS, budget: { ...LIMITS.budget, max_llm_calls: 190 } });
  expect(levels().slice(before.length)).toEqual(["llm_calls notify told"]);
});

test("limits may come before their mission does", () => {
  const { watch, life, use, levels } = session();
  Object.assign(life, { envelope: null });
  expect(watch.hold(LIMITS)).toBe(true);
  use(90);
  expect(levels()).toEqual([]);
  Object.assign(life, { envelope: { mission_id: "m-a" } });
  watch.look();
  expect(levels()).toEqual(["llm_calls pause paused"]);
});

test("a lower limit is held at once, and is told where the level is a higher one", () => {
  const { watch, use, levels, stands } = session();
  watch.hold(LIMITS);
  use(55);
  watch.hold({ ...LIMITS, budget: { ...LIMITS.budget, max_llm_calls: 60 } });
  expect([levels(), stands()]).toEqual([["llm_calls notify told", "llm_calls pause paused"], true]);
});

test("limits of another mission, or none, are not taken", () => {
  const { watch, use, reports } = session();
  expect([watch.hold(null), watch.hold({ ...LIMITS, missionId: "m-b" })]).toEqual([false, false]);
  expect(watch.reportCadence()).toBeNull();
  use(1_000);
  expect(reports).toEqual([]);
  watch.hold(LIMITS);
  expect(watch.reportCadence()).toBe("interval");
});

test.each([
  ["is done", (life: Life) => Object.assign(life, { run: { terminal: () => true } })],
  ["has not begun", (life: Life) => Object.assign(life, { run: null })],
  ["is being ended", (life: Life) => Object.assign(life, { phase: "stopping" })],
  ["has exited", (life: Life) => Object.assign(life, { phase: "exited" })],
  ["is over", (life: Life) => Object.assign(life, { over: true })],
  ["works on another mission", (life: Life) => Object.assign(life, { envelope: { mission_id: "m-b" } })],
])("an agent that %s is held to nothing", (_what, change) => {
  const { watch, life, use, reports } = session();
  watch.hold(LIMITS);
  change(life);
  use(100);
  expect(reports).toEqual([]);
});

describe("time", () => {
  test("that passes without a word is looked at: at the next level, and at least once a second", () => {
    const { watch, clocks, wait, due, levels } = session();
    clocks.setRunning(true);
    watch.hold(LIMITS);
    expect(due()?.ms).toBe(1_000);
    wait(5 * MINUTE_MS - 400);
    watch.look();
    expect([due()?.ms, levels()]).toEqual([400, []]);
    wait(400);
    due()?.work();
    expect(levels()).toEqual(["runtime_minutes notify told"]);
    wait(3 * MINUTE_MS - 1);
    watch.look();
    // What is nearer than a timer can hit is looked at a little later.
    expect(due()?.ms).toBe(20);
  });

  test("is not looked at where no agent runs, nor after the end", () => {
    const { watch, life, due } = session();
    Object.assign(life, { agent: null });
    watch.hold(LIMITS);
    expect(due()).toBeNull();
    Object.assign(life, { agent: {} });
    watch.look();
    expect(due()).not.toBeNull();
    watch.stop();
    expect(due()).toBeNull();
    watch.look();
    expect(due()).toBeNull();
  });
});

test("a pause comes with the grace of the files", () => {
  const { watch, use, asked } = session();
  watch.hold(LIMITS);
  use(90);
  expect(asked.at(-1)).toEqual([true, 700]);
});

test("limits that cannot be written down are held all the same, and the transcript says so", () => {
  kept.mockImplementationOnce(() => {
    throw new Error("ENOSPC");
  });
  const { watch, use, levels, notes } = session();
  watch.hold(LIMITS);
  expect(notes).toEqual(["the limits could not be written down: ENOSPC"]);
  use(90);
  expect(levels()).toEqual(["llm_calls pause paused"]);
});
