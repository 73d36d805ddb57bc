/** An agent that does not stand still at a limit. No real one can be relied on to be that quick, so its freeze fails here. */
import { expect, test, vi } from "vitest";
import type { HeldLimits } from "../../../src/core/model/budget-rule.ts";
import { createClocks } from "../../../src/shim/session/clocks.ts";
import { AT_ONCE } from "../../../src/shim/session/graces.ts";
import type { Life } from "../../../src/shim/session/life.ts";
import { createLimitWatch } from "../../../src/shim/session/limit-watch.ts";
import { createPauses } from "../../../src/shim/session/pauses.ts";

const freeze = vi.hoisted(() => vi.fn((_: unknown, frozen: boolean) => !frozen));
vi.mock("../../../src/instance/freeze.ts", () => ({ freezeAgent: freeze }));
vi.mock("../../../src/instance/held-limits.ts", () => ({ writeHeldLimits: () => undefined }));

function session() {
  const life = {
    instanceDirectory: "/nowhere",
    intent: { nonce: "n", containment: {} },
    shim: null,
    phase: "running",
    over: false,
    envelope: { mission_id: "m-a" },
    run: { terminal: () => false },
    agent: { record: () => null, say: () => "said" },
  } as unknown as Life;
  const said: string[] = [];
  const reports: unknown[] = [];
  const ended: (readonly [string, unknown])[] = [];
  const beats = vi.fn();
  const end = (why: string, graces: unknown): void => {
    life.phase = "stopping";
    ended.push([why, graces]);
  };
  const clocks = createClocks(() => 0);
  const transcript = { note: (line: string) => said.push(line) } as never;
  const pauses = createPauses({
    life,
    clocks,
    transcript,
    onFrozen: beats,
    onRestless: (why) => end(why, AT_ONCE),
  });
  const reporter = { report: (event: unknown) => reports.push(event) } as never;
  const watch = createLimitWatch({ life, clocks, pauses, reporter, transcript, end, onPaused: beats });
  const limits: HeldLimits = {
    missionId: "m-a",
    budget: { max_runtime_minutes: 600, max_llm_calls: 10, max_cost_usd: null },
    thresholds: { notify_percent: 50, warn_percent: 80, pause_percent: 90 },
    pauseGraceMs: 0,
    before: { activeMs: 0, llmCalls: 9, costMicros: 0 },
    reportCadence: "hybrid",
  };
  return { life, pauses, watch, limits, reports, ended, beats };
}

test("it is ended at once, and nobody hears of a pause", () => {
  const { watch, limits, reports, ended, beats, pauses } = session();
  watch.hold(limits);
  watch.stop();
  expect(ended).toEqual([[expect.stringContaining("does not stand still at a limit"), AT_ONCE]]);
  expect(reports).toMatchObject([
    { type: "mission.limit_reached", detail: { level: "pause", did: "restless" } },
  ]);
  expect(reports).toHaveLength(1);
  expect([beats.mock.calls.length, pauses.frozen(), pauses.frozenMs()]).toEqual([0, false, 0]);
});

test("one that stood still and does so no more is ended as soon as it is paused once more", () => {
  const { watch, limits, ended, pauses, reports } = session();
  freeze.mockReturnValueOnce(true);
  watch.hold(limits);
  expect([ended, pauses.frozen(), reports]).toMatchObject([[], true, [{ detail: { did: "paused" } }]]);
  pauses.orphan(true);
  watch.stop();
  expect(ended).toHaveLength(1);
});
