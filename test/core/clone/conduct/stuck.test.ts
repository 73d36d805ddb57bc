import { describe, expect, test } from "vitest";
import { due } from "../../../../src/core/clone/due.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import type { Effect } from "../../../../src/core/model/effect.ts";
import type { Heartbeat, Signal } from "../../../../src/core/model/instance.ts";
import { HOUR_MS, SECOND_MS } from "../../../../src/core/model/time.ts";
import { Life } from "../../../support/fleet.ts";

const LOOP = { pattern: "repeated_result", times: 4, evidence: "shell ls was done 4 times" };
const WATCH = { watchingSince: 0, lagMs: 0 };

function told(life: Life): Extract<Effect, { type: "message" }>[] {
  return (life.last?.effects ?? []).filter((effect) => effect.type === "message");
}

function loops(life: Life, afterMs = 1_000): Life {
  life.at += afterMs - 1_000;
  return life.reports("agent.loop", { detail: LOOP });
}

function goOn(life: Life, kind: string, reason = ""): Life {
  return life.on({
    type: "request.decided",
    request: life.state.requests.find((open) => open.kind === kind)?.id ?? "none",
    decision: { type: "go_on" },
    by: operator("simone"),
    reason,
  });
}

describe("a loop", () => {
  test("is nudged first, and only then held, with a question", () => {
    const life = loops(new Life().running());
    expect(told(life)).toEqual([
      expect.objectContaining({ from: "supervisor", text: expect.stringContaining("shell ls was done") }),
    ]);
    expect(life.state.holds).toEqual([]);
    expect(life.state.requests).toEqual([]);

    loops(life);
    expect(told(life)).toEqual([]);
    expect(life.effects).toEqual(["pause"]);
    expect(life.state.holds).toEqual([
      expect.objectContaining({ kind: "stuck", reason: "SameResultRepeated", clearBy: "decision" }),
    ]);
    expect(life.state.requests).toEqual([
      expect.objectContaining({ kind: "stuck", severity: "medium", answers: ["go_on", "stop"] }),
    ]);
    expect(life.state.requests[0]?.evidence).toHaveLength(2);
    expect(life.state.mission?.incidents.map((incident) => incident.class)).toEqual(["stuck"]);
  });

  test("that was held is not held again by what was on its way", () => {
    const life = loops(loops(loops(new Life().running())));
    expect(life.state.requests).toHaveLength(1);
    expect(life.state.mission?.incidents).toHaveLength(1);
  });

  test("that a person lets go on begins anew: with a word, and with a nudge before the next hold", () => {
    const life = goOn(loops(loops(new Life().running())), "stuck", "use the mirror");
    expect(told(life).map(({ from, text }) => [from, text])).toEqual([["operator", "use the mirror"]]);
    expect(life.effects).toContain("resume");
    expect(life.state.holds).toEqual([]);
    expect(life.state.mission?.incidents[0]?.endedAt).toBe(life.at);
    loops(life);
    expect(life.state.holds).toEqual([]);
    expect(told(life)[0]?.from).toBe("supervisor");
    expect(loops(life).state.holds).toHaveLength(1);
  });

  test("whose hold is released by hand is not asked about any longer", () => {
    const life = loops(loops(new Life().running()));
    life.on({ type: "hold.released", kind: "stuck", owner: "*", by: operator("simone"), reason: "" });
    expect(life.state.requests).toEqual([]);
    expect(told(life)[0]?.from).toBe("operator");
    expect(life.effects).toContain("resume");
  });

  test("that a person stops ends the mission", () => {
    const life = loops(loops(new Life().running()));
    life.on({
      type: "request.decided",
      request: life.state.requests[0]?.id ?? "",
      decision: { type: "stop" },
      by: operator("simone"),
      reason: "",
    });
    expect(life.state.mission?.terminal?.status).toBe("cancelled");
    expect(life.effects).toEqual(["stop"]);
  });

  test("long after a nudge that helped is nudged again", () => {
    const life = loops(loops(new Life().running()), HOUR_MS + 2_000);
    expect(life.state.holds).toEqual([]);
    expect(life.state.mission?.conduct.nudges).toBe(2);
  });

  test("of a new instance is nudged again: it knows nothing of the first nudge", () => {
    const life = loops(new Life().running());
    life.reports("instance.exited", { detail: { code: 1, signature: "x" } }).dead();
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "over" }, 60_000);
    life.prepared().launched().ready().dispatched().reports("mission.accepted");
    expect(told(life)).toEqual([]); // A nudge was for the one before.
    loops(life);
    expect(life.state.holds).toEqual([]);
    expect(told(life)).toHaveLength(1);
  });
});

describe("no progress", () => {
  const INTERVAL = 60;

  function working(interval: number | null = INTERVAL): Life {
    return new Life().running({ limits: { mission_progress_interval_seconds: interval } });
  }

  function beat(life: Life, change: Partial<Heartbeat> = {}, afterMs = 61_000): Signal {
    life.at += afterMs;
    return {
      receivedAt: life.at,
      heartbeat: {
        missionId: null,
        clone: life.state.name,
        epoch: life.state.epoch,
        seq: 1,
        lastEventSeq: 0,
        phase: "running",
        lastEventAgeMs: 0,
        lastProgressAgeMs: 61_000,
        openToolCalls: [],
        usage: { llmCalls: null, costMicros: null, activeMs: 0 },
        ...change,
      },
    };
  }

  function overdue(life: Life, signal: Signal): boolean {
    return due(life.state, signal, life.at, WATCH).some(({ type }) => type === "progress.overdue");
  }

  test("past the declared deadline falls due, and goes up the same ladder", () => {
    const life = working();
    const events = due(life.state, beat(life), life.at, WATCH);
    const event = events.find(({ type }) => type === "progress.overdue");
    expect(event).toMatchObject({ evidence: "no progress for 61 s; 60 s are allowed" });
    if (event === undefined) return;
    life.on(event);
    expect(told(life)[0]?.text).toContain("no progress for 61 s");
    // The nudge gives it another interval.
    expect(overdue(life, beat(life, { lastProgressAgeMs: 90_000 }, 30_000))).toBe(false);
    expect(overdue(life, beat(life, { lastProgressAgeMs: 150_000 }, 35_000))).toBe(true);
    life.on(event);
    expect(life.state.holds[0]?.reason).toBe("NoProgress");
    expect(overdue(life, beat(life, { lastProgressAgeMs: 300_000, phase: "paused" }))).toBe(false);
    goOn(life, "stuck");
    expect(overdue(life, beat(life, { lastProgressAgeMs: 300_000 }, 30_000))).toBe(false);
    expect(overdue(life, beat(life, { lastProgressAgeMs: 300_000 }, 61_000))).toBe(true);
  });

  test.each([
    ["no deadline is declared", null, {}],
    ["it got somewhere in time", INTERVAL, { lastProgressAgeMs: 59_999 }],
    ["it is paused", INTERVAL, { phase: "paused" }],
    ["it is throttled", INTERVAL, { phase: "throttled" }],
    [
      "a tool call may take that long",
      INTERVAL,
      { openToolCalls: [{ id: "t", ageMs: 61_000, deadlineMs: 90_000 }] },
    ],
  ] as const)("does not fall due when %s", (_why, interval, change) => {
    const life = working(interval);
    expect(overdue(life, beat(life, change))).toBe(false);
  });

  test.each([
    ["has no deadline", null],
    ["is past its own", 30_000],
  ])("falls due while a tool call is open that %s", (_what, deadlineMs) => {
    const life = working();
    expect(overdue(life, beat(life, { openToolCalls: [{ id: "t", ageMs: 61_000, deadlineMs }] }))).toBe(true);
  });

  test("does not fall due for whoever is held, blocked, or was heard before it could be late", () => {
    const blocked = working().reports("mission.blocked", { detail: { reason: "no key" } });
    expect(overdue(blocked, beat(blocked))).toBe(false);
    const early = working();
    expect(overdue(early, beat(early, {}, 50 * SECOND_MS))).toBe(false);
    const held = loops(loops(working()));
    expect(overdue(held, beat(held))).toBe(false);
  });
});

describe("what a person says", () => {
  test("reaches the agent once it is there, and every instance after it", () => {
    const life = new Life().running();
    life.on({ type: "message.sent", by: operator("simone"), text: "the key is in the vault" });
    const [first] = told(life);
    expect(first).toMatchObject({ from: "operator", text: "the key is in the vault", epoch: 1 });
    life.on({ type: "message.delivered", epoch: 1, id: first?.id ?? "", from: "operator" });
    expect(life.state.mission?.conduct.messages[0]?.toldEpoch).toBe(1);

    life.reports("instance.exited", { detail: { code: 1, signature: "x" } }).dead();
    life.on({ type: "message.sent", by: operator("simone"), text: "and the lock as well" });
    expect(told(life)).toEqual([]);
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "over" }, 60_000);
    life.prepared().launched().ready().dispatched().reports("mission.accepted");
    expect(told(life).map(({ text, epoch }) => [text, epoch])).toEqual([
      ["the key is in the vault", 2],
      ["and the lock as well", 2],
    ]);
  });
});
