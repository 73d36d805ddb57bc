import { describe, expect, test } from "vitest";
import { due } from "../../../../src/core/clone/due.ts";
import { activeMsOf } from "../../../../src/core/clone/spending/active-time.ts";
import type { Signal } from "../../../../src/core/model/instance.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { Life } from "../../../support/fleet.ts";

function heard(life: Life, at: number, activeMs: number): Signal {
  return {
    receivedAt: at,
    heartbeat: {
      missionId: null,
      clone: life.state.name,
      epoch: life.state.epoch,
      seq: 1,
      lastEventSeq: life.state.instance?.lastSeq ?? 0,
      phase: "running",
      lastEventAgeMs: 0,
      lastProgressAgeMs: 0,
      openToolCalls: [],
      usage: { llmCalls: null, costMicros: null, activeMs },
    },
  };
}

/** Accepted, with a shim that measures. */
function running(): Life {
  const life = new Life().declared().assigned().planned().prepared().launched();
  life.reports("instance.ready", { activeMs: 0, detail: { callback_ms: 3, checks: [] } });
  return life.dispatched().reports("mission.accepted", { activeMs: 0 });
}

describe("active time", () => {
  test("is what the shim measured, and a little more until it is heard again", () => {
    const life = running();
    const at = life.at + MINUTE_MS;
    const signal = heard(life, at, 40_000);
    expect(activeMsOf(life.state, signal, at)).toBe(40_000);
    expect(activeMsOf(life.state, signal, at + 5_000)).toBe(45_000);
    expect(activeMsOf(life.state, signal, at + HOUR_MS)).toBe(60_000);
  });

  test("that a report has measured since the last heartbeat is not counted twice", () => {
    const life = running();
    const signal = heard(life, life.at, 40_000);
    life.reports("mission.progress", { activeMs: 48_000 });
    life.at = signal.receivedAt + 8_000;
    expect(activeMsOf(life.state, signal, life.at)).toBe(48_000);
    expect(activeMsOf(life.state, signal, life.at + 4_000)).toBe(52_000);
    // Nothing is heard any more: what was measured stands.
    expect(activeMsOf(life.state, signal, life.at + HOUR_MS)).toBe(60_000);
  });

  test("is what its shim answers to a look at it, where it cannot say so itself", () => {
    const life = running();
    const signal = heard(life, life.at, 40_000);
    const found = { shim: "running", agent: "running", answers: true, evidence: "" } as const;
    const tried = { type: "recovery.tried", epoch: 1, rung: "probe", ok: true, evidence: "" } as const;
    life.on({ ...tried, found: { ...found, activeMs: 9 * MINUTE_MS } });
    expect(activeMsOf(life.state, signal, life.at)).toBe(9 * MINUTE_MS);
    // One that answers late, or not at all, takes nothing back.
    life.on({ ...tried, found: { ...found, activeMs: 5 * MINUTE_MS } });
    life.on({ ...tried, found });
    life.on({ ...tried, ok: false, found: { ...found, answers: false } });
    expect(activeMsOf(life.state, signal, life.at)).toBe(9 * MINUTE_MS);
    const crossed = due(life.state, signal, life.at, { watchingSince: 0, lagMs: 0 });
    expect(crossed.filter(({ type }) => type === "budget.crossed")).toMatchObject([{ level: "pause" }]);
  });

  test("is not used up by a clock that is set forwards", () => {
    const life = running();
    const signal = heard(life, life.at, 30_000);
    const later = life.at + 5 * HOUR_MS;
    const crossed = due(life.state, signal, later, { watchingSince: later, lagMs: 0 });
    expect(crossed.filter((event) => event.type === "budget.crossed")).toEqual([]);
    life.on({ type: "instance.paused", epoch: 1 }, 5 * HOUR_MS);
    expect(life.state.mission?.activeMs).toBe(0);
  });

  test("ends with the agent, however long we were away", () => {
    const life = running();
    life.at += 5 * HOUR_MS;
    life
      .reports("mission.completed", { activeMs: 4 * MINUTE_MS })
      .dead()
      .judged();
    expect(life.state.past[0]?.scorecard.economics.active_ms).toBe(4 * MINUTE_MS);
  });

  test("adds up over instances, by the last heartbeat of one that could say nothing more", () => {
    const life = running();
    life.reports("mission.progress", { activeMs: MINUTE_MS });
    life.on({ type: "instance.gone", epoch: 1, evidence: "killed" });
    const proof = {
      containment: "pidns",
      rung: "already",
      emptyScans: 2,
      durationMs: 1,
      evidence: "",
    } as const;
    life.on({ type: "stop.finished", epoch: 1, proof, activeMs: 90_000 });
    expect(life.state.mission?.activeMs).toBe(90_000);
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "" }).prepared().launched();
    life.reports("instance.ready", { activeMs: 0, detail: { callback_ms: 3, checks: [] } });
    life.dispatched().reports("mission.accepted", { activeMs: 0 });
    expect(activeMsOf(life.state, heard(life, life.at, 30_000), life.at)).toBe(120_000);
  });

  test("is our own clock's where nothing was measured", () => {
    const life = new Life().running();
    expect(activeMsOf(life.state, undefined, life.at + MINUTE_MS)).toBe(MINUTE_MS);
  });
});

test("a start that hangs is noticed although the clock was put back", () => {
  const life = new Life().declared().assigned().planned().prepared();
  const now = life.at - HOUR_MS;
  const names = (at: number) =>
    due(life.state, undefined, at, { watchingSince: now, lagMs: 0 }).flatMap((event) =>
      event.type === "deadline.passed" ? [event.deadline] : [],
    );
  expect(names(now + 89_999)).toEqual([]);
  expect(names(now + 90_000)).toEqual(["start"]);
});

test("an agent whose credentials are refused is not started again", () => {
  const life = new Life()
    .running()
    .reports("instance.exited", { detail: { code: 77, signal: null, auth: true } });
  expect(life.effects).toContain("stop");
  life.dead();
  expect(life.state).toMatchObject({
    phase: "Quarantined",
    holds: [{ kind: "quarantine", reason: "AgentUnauthorized" }],
  });
});
