import { describe, expect, test } from "vitest";
import { due } from "../../../../src/core/clone/due.ts";
import { graceLeftMs } from "../../../../src/core/clone/stop/pause.ts";
import { operator, upgradeActor } from "../../../../src/core/model/actor.ts";
import { PAUSE_GRACE_MS_MAX } from "../../../../src/core/model/clone.ts";
import type { HoldKind } from "../../../../src/core/model/hold.ts";
import type { AgentPhase, Signal } from "../../../../src/core/model/instance.ts";
import type { MissionLimits } from "../../../../src/core/model/mission.ts";
import { HOUR_MS, SECOND_MS } from "../../../../src/core/model/time.ts";
import { Life } from "../../../support/fleet.ts";

const WATCH = { watchingSince: 0, lagMs: 0 };
const GRACE_MS = 60 * SECOND_MS;
const BUDGET = { max_runtime_minutes: 600, max_llm_calls: null, max_cost_usd: 5 };

interface Clone {
  readonly pauseGraceMs?: number;
}

function running(clone: Clone = { pauseGraceMs: GRACE_MS }, limits: Partial<MissionLimits> = {}): Life {
  const life = new Life().running({ limits: { budget: BUDGET, ...limits } });
  return life.declared(clone);
}

function held(life: Life, kind: HoldKind = "operator", owner = "operator:ann"): Life {
  return life.on({
    type: "hold.placed",
    by: upgradeActor(owner),
    hold: { kind, owner, since: life.at, reason: "P", message: "", clearBy: "operator" },
  });
}

function released(life: Life, kind: HoldKind = "operator"): Life {
  return life.on({ type: "hold.released", kind, owner: "*", by: operator("ann"), reason: "" });
}

/** Told to its agent; the last beat before that was number 7. */
function told(life: Life): Life {
  return life.on({ type: "instance.pausing", epoch: 1, beat: 7 });
}

function beat(life: Life, seq: number, phase: AgentPhase, usd: number | null = null, at = life.at): Signal {
  return {
    receivedAt: at,
    heartbeat: {
      missionId: null,
      clone: life.state.name,
      epoch: 1,
      seq,
      lastEventSeq: life.state.instance?.lastSeq ?? 0,
      phase,
      lastEventAgeMs: 0,
      lastProgressAgeMs: 0,
      openToolCalls: [],
      usage: { llmCalls: null, costMicros: usd === null ? null : Math.round(usd * 1e6), activeMs: 0 },
    },
  };
}

/** But for its health, of which nothing was heard in these lives. */
function dueTypes(life: Life, signal: Signal, at = signal.receivedAt): string[] {
  return due(life.state, signal, at, WATCH)
    .map((event) => (event.type === "deadline.passed" ? `deadline:${event.deadline}` : event.type))
    .filter((type) => type !== "health.changed");
}

describe("how long the agent has", () => {
  const graceOf = (life: Life): number | null => {
    const grace = life.state.instance?.grace ?? null;
    return grace === null ? null : grace.until - life.at;
  };
  test.each([
    ["nothing, where nobody says anything", {}, {}, null],
    ["what its clone says", { pauseGraceMs: GRACE_MS }, {}, GRACE_MS],
    ["what its mission says", { pauseGraceMs: GRACE_MS }, { pause_grace_seconds: 5 }, 5_000],
    ["nothing, where its mission says so", { pauseGraceMs: GRACE_MS }, { pause_grace_seconds: 0 }, null],
    ["never more than the cap", {}, { pause_grace_seconds: 9_999 }, PAUSE_GRACE_MS_MAX],
  ] as const)("%s", (_, clone, limits, expected) => {
    const life = held(running(clone, limits));
    expect(life.effects).toEqual(["pause"]);
    expect(graceOf(life)).toBe(expected);
  });

  test.each(["freeze", "quarantine", "throttle"] as const)("nothing under the hold %s", (kind) => {
    expect(graceOf(held(running(), kind, "supervisor"))).toBeNull();
  });

  test("nothing when the cap of a day is reached", () => {
    expect(graceOf(held(running(), "budget", "day:fleet"))).toBeNull();
    expect(graceOf(held(running(), "budget", "supervisor"))).toBe(GRACE_MS);
  });

  test("what is left of it is counted from when the pause was asked for, by whichever controller", () => {
    const life = held(running());
    const { instance } = life.state;
    expect(graceLeftMs(instance, life.at + 20_000)).toBe(40_000);
    expect(graceLeftMs(instance, life.at + HOUR_MS)).toBe(0);
    expect(graceLeftMs(instance, life.at - HOUR_MS)).toBe(PAUSE_GRACE_MS_MAX);
    expect(graceLeftMs(null, life.at)).toBe(0);
  });
});

describe("a grace under way", () => {
  test("is no pause yet, and its agent may spend", () => {
    const life = told(held(running()));
    expect(life.state.instance).toMatchObject({ pauseAsked: true, paused: false, pausedAt: null });
    expect(life.state.mission?.activeSince).not.toBeNull();
    for (const usd of [1, 2, 3]) {
      const signal = beat(life, 7 + usd, "running", usd, life.at + usd * 10_000);
      expect(
        dueTypes(life, signal).filter((type) => type !== "instance.used" && type !== "budget.crossed"),
      ).toEqual([]);
    }
  });

  test("ends when a heartbeat from after it was told says so, and no other", () => {
    const life = held(running());
    expect(dueTypes(life, beat(life, 8, "paused"))).toEqual([]);
    told(life);
    expect(dueTypes(life, beat(life, 7, "paused"))).toEqual([]);
    expect(dueTypes(life, beat(life, 8, "running"))).toEqual([]);
    expect(dueTypes(life, beat(life, 8, "paused"))).toEqual(["instance.paused"]);
    life.on({ type: "instance.paused", epoch: 1 });
    expect(life.state.instance).toMatchObject({ paused: true, pausedAt: life.at, grace: null });
    expect(life.state.mission?.activeSince).toBeNull();
  });

  test("two rises after it is a confirmed pause are a runaway, within two seconds", () => {
    const life = told(held(running()));
    life.on({ type: "instance.paused", epoch: 1 });
    const from = life.at;
    for (const [n, ms] of [600, 850].entries())
      for (const event of due(life.state, beat(life, 9 + n, "paused", 1 + n, from + ms), from + ms, WATCH))
        life.on(event, Math.max(0, from + ms - life.at));
    expect(dueTypes(life, beat(life, 12, "paused", 4, from + 1_900))).toContain("runaway.detected");
  });

  test("is over for us when its time is, whether or not we heard of that", () => {
    const life = told(held(running()));
    const until = life.state.instance?.grace?.until ?? 0;
    expect(dueTypes(life, beat(life, 8, "running"), until - 1)).toEqual([]);
    expect(dueTypes(life, beat(life, 8, "running", null, until), until)).toEqual(["deadline:pause"]);
    life.on({ type: "deadline.passed", deadline: "pause", epoch: 1, evidence: "" }, until - life.at);
    expect(life.effects).toEqual(["pause"]);
    // From here on it counts as one that was asked for and not confirmed.
    expect(life.state.instance).toMatchObject({ grace: null, pauseAskedAt: until, pausedAt: null });
    expect(dueTypes(life, beat(life, 9, "running", null, until), until)).toEqual([]);
  });

  test("is taken back with the last hold", () => {
    const life = released(told(held(running())));
    expect(life.effects).toEqual(["resume"]);
    expect(life.state.instance).toMatchObject({ pauseAsked: false, grace: null, pauseAskedAt: null });
    // What the shim answered to the pause comes late.
    expect(told(life).state.instance?.grace).toBeNull();
  });

  test("is not begun anew by another hold", () => {
    const life = told(held(running()));
    const { grace } = life.state.instance ?? {};
    held(life, "operator", "repository");
    expect(life.effects).toEqual([]);
    expect(life.state.instance?.grace).toEqual(grace);
  });

  test.each([["another hold that allows nothing more", (life: Life) => held(life, "freeze", "supervisor")]])(
    "is cut by %s",
    (_, cut) => {
      const life = cut(told(held(running())));
      expect(life.effects).toEqual(["pause"]);
      expect(life.state.instance).toMatchObject({ grace: null, pauseAskedAt: life.at });
    },
  );

  test("goes with its instance", () => {
    const life = told(held(running())).on({
      type: "kill.requested",
      by: operator("ann"),
      reason: "",
      now: false,
    });
    expect(life.effects).toContain("stop");
    const later = life.at + HOUR_MS;
    expect(dueTypes(life, beat(life, 8, "paused", null, later))).not.toContain("instance.paused");
  });
});

test.each<[string, (life: Life) => Life]>([
  ["at once", (life) => life],
  ["also in its grace", (life) => told(held(life))],
])("a mission that jumps beyond its budget is ended %s", (_, before) => {
  const life = before(running());
  life.on({ type: "budget.crossed", meter: "cost_usd", level: "stop", used: 7, limit: 5 });
  expect(life.effects).toEqual(["stop"]);
  expect(life.state).toMatchObject({ phase: "Stopping", mission: { terminal: null } });
});
