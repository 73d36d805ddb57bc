import { describe, expect, test } from "vitest";
import { due } from "../../../../src/core/clone/due.ts";
import { livenessOf } from "../../../../src/core/clone/health/liveness.ts";
import { TRIES_MAX, TRIES_WINDOW_MS } from "../../../../src/core/clone/health/recovery-ladder.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import type { CloneEvent } from "../../../../src/core/model/event.ts";
import type { Heartbeat, Signal } from "../../../../src/core/model/instance.ts";
import type { DegradedCause, Probed } from "../../../../src/core/model/liveness.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { Life } from "../../../support/fleet.ts";

const WATCH = { watchingSince: 0, lagMs: 0 };
const WELL: Probed = { shim: "running", agent: "running", answers: true, evidence: "all is well" };
type Rung = "probe" | "reconnect" | "resume";

const degraded = (life: Life, cause: DegradedCause = "silent"): Life =>
  life.on({
    type: "health.changed",
    epoch: life.state.epoch,
    health: "degraded",
    evidence: "seen",
    cause,
    sinceMs: 5_000,
  });
const tried = (
  life: Life,
  rung: Rung,
  change: Partial<Extract<CloneEvent, { type: "recovery.tried" }>> = {},
): Life =>
  life.on({
    type: "recovery.tried",
    epoch: life.state.epoch,
    rung,
    ok: true,
    found: rung === "probe" ? WELL : null,
    evidence: "done",
    ...change,
  });
const healthy = (life: Life): Life =>
  life.on({ type: "health.changed", epoch: life.state.epoch, health: "healthy", evidence: "beats" });

/** Lets the time of the rung pass, as the loop notices it. */
function waited(life: Life): Life {
  const until = life.state.recovery?.until ?? 0;
  const due_ = (at: number) =>
    due(life.state, heard(life, at), at, WATCH).filter((event) => event.type === "deadline.passed");
  expect(due_(until - 1)).toEqual([]);
  const [event] = due_(until);
  expect(event).toMatchObject({ deadline: "recovery" });
  return event === undefined ? life : life.on(event, until - life.at);
}

function heard(life: Life, at: number, change: Partial<Heartbeat> = {}): Signal {
  const usage = { llmCalls: null, costMicros: null, activeMs: 0 };
  return {
    receivedAt: at,
    heartbeat: {
      missionId: null,
      clone: life.state.name,
      epoch: life.state.epoch,
      seq: 1,
      lastEventSeq: 0,
      phase: "running",
      lastEventAgeMs: 0,
      lastProgressAgeMs: 0,
      openToolCalls: [],
      usage,
      ...change,
    },
  };
}

const agentIs = (state: "running" | "stopped" | "gone", sinceMs = 0): Partial<Heartbeat> => ({
  process: { state, pid: 7, startTicks: 1, bootId: "boot", sinceMs },
});

describe("the ladder", () => {
  test("goes from a probe over reconnecting to a restart, each rung three times at most", () => {
    const life = degraded(new Life().running());
    expect(life.effects).toEqual(["probe"]);
    expect(tried(life, "probe").effects).toEqual(["reconnect"]);
    for (let attempt = 2; attempt <= TRIES_MAX; attempt++) {
      expect(tried(life, "reconnect").effects).toEqual([]);
      expect(waited(life).effects).toEqual(["reconnect"]);
    }
    tried(life, "reconnect");
    expect(waited(life).effects).toEqual(["stop"]);
    expect(life.state).toMatchObject({
      phase: "Stopping",
      instance: { stopping: { signature: "liveness:silent" } },
    });
    expect(life.dead().state).toMatchObject({
      phase: "BackingOff",
      recovery: { rung: "restart", stage: "asked" },
    });
    expect(life.state.mission?.incidents.map((one) => one.class)).toEqual(["degraded", "heartbeat_lost"]);
  });

  test("one that is paused and answers its driver is not restarted for its silence: it has nothing to say", () => {
    const life = new Life().running();
    life.on({ type: "instance.paused", epoch: 1 });
    degraded(life);
    for (let more = 0; more <= 2 * TRIES_MAX; more++) {
      if (more === 0) tried(life, "probe", { found: { ...WELL, agent: "stopped" } });
      tried(life, "reconnect");
      waited(life);
    }
    expect(life.state).toMatchObject({ phase: "Running", recovery: { rung: "reconnect" } });
    // Its answer grows old and there is no other: then a mission is better served by another instance.
    const answeredAt = life.at;
    while (life.state.phase === "Running" && life.at < answeredAt + 2 * TRIES_WINDOW_MS) {
      tried(life, "reconnect", { ok: false, evidence: "refused" });
      waited(life);
    }
    expect(life.state.phase).toBe("Stopping");
  });

  test("an agent that is stopped while its callback is down is resumed, and goes on beyond its callback", () => {
    const life = degraded(new Life().running());
    tried(life, "probe");
    tried(life, "reconnect");
    life.on({ type: "callback.pull_due", epoch: 1, evidence: "silent" });
    life.on({ type: "callback.restored", epoch: 1, throughSeq: 3, brought: 1 });
    expect(life.state.instance?.callback.downSince).not.toBeNull();
    // Nobody asked for these answers: they come with the outbox.
    tried(life, "probe", { found: { ...WELL, agent: "stopped", evidence: "its agent is stopped" } });
    expect(life.effects).toEqual(["revive"]);
    expect(life.state.recovery).toMatchObject({ rung: "resume", cause: "agent_stopped" });
    tried(life, "resume");
    tried(life, "probe", { found: { ...WELL, agent: "stopped", evidence: "it is stopped still" } });
    expect(life.effects).toEqual([]);
    tried(life, "probe");
    expect(life.state.recovery).toMatchObject({ rung: "reconnect", stage: "waiting", cause: "silent" });
    for (let more = 0; more <= 2 * TRIES_MAX; more++) {
      waited(life);
      tried(life, "reconnect");
    }
    expect(life.state.phase).toBe("Running");
  });

  test("one that has nothing to say and whose shim cannot reach us is not restarted for its silence", () => {
    const life = degraded(new Life().running());
    tried(life, "probe", { found: { ...WELL, unreachedMs: 20_000 } });
    for (let more = 0; more <= 2 * TRIES_MAX; more++) {
      tried(life, "reconnect");
      waited(life);
    }
    expect(life.state).toMatchObject({ phase: "Running", recovery: { rung: "reconnect", cause: "silent" } });
  });

  test("an answer that nobody waits for and that says nothing new changes nothing", () => {
    const life = degraded(new Life().running());
    tried(life, "probe");
    tried(life, "reconnect");
    const before = life.state.recovery;
    for (const found of [WELL, null, { ...WELL, agent: "stopped", answers: false } as const]) {
      tried(life, "probe", { found });
      expect(life.state.recovery).toEqual(before);
      expect(life.effects).toEqual([]);
    }
  });

  test("resumes in place only where the agent is what is wrong: continued first, then started again", () => {
    const life = degraded(new Life().running(), "agent_stopped");
    tried(life, "probe", { found: { ...WELL, agent: "stopped" } });
    expect(life.last?.effects).toEqual([{ type: "revive", epoch: 1, again: false }]);
    tried(life, "resume", { evidence: "its agent goes on in place" });
    expect(life.state.mission?.summary).toBe("its agent goes on in place");
    expect(waited(life).last?.effects).toEqual([{ type: "revive", epoch: 1, again: true }]);
    healthy(tried(life, "resume"));
    expect(life.state.recovery).toMatchObject({ stage: "over", recoveredBy: "resume" });
    expect(life.state.mission?.incidents[0]).toMatchObject({ class: "degraded", endedAt: life.at });
    expect(life.state.mission?.incidents[0]?.message).toMatch(
      /noticed after 5.0 s, recovered by resuming its agent in place after [\d.]+ s/,
    );
  });

  test("reconnects first to a shim that sleeps or does not answer, and then resumes its agent", () => {
    const asleep = degraded(new Life().running(), "shim_stopped");
    tried(asleep, "probe", { found: { shim: "stopped", agent: "running", answers: false, evidence: "T" } });
    expect(asleep.effects).toEqual(["reconnect"]);
    const deaf = degraded(new Life().running(), "agent_stopped");
    tried(deaf, "probe", { found: { ...WELL, agent: "stopped", answers: false } });
    expect(deaf.effects).toEqual(["reconnect"]);
    expect(tried(deaf, "reconnect").effects).toEqual(["revive"]);
  });

  test("finds what else is wrong once the shim is awake", () => {
    const life = degraded(new Life().running(), "shim_stopped");
    tried(life, "probe", { found: { shim: "stopped", agent: "stopped", answers: false, evidence: "T" } });
    tried(life, "reconnect");
    const at = life.state.recovery?.until ?? 0;
    const process = { state: "stopped", pid: 7, startTicks: 1, bootId: "b", sinceMs: 9_000 } as const;
    const beats = heard(life, at, { process });
    const [event] = due(life.state, beats, at, WATCH).filter(({ type }) => type === "deadline.passed");
    expect(event).toMatchObject({ deadline: "recovery", cause: "agent_stopped" });
    if (event !== undefined) life.on(event, at - life.at);
    expect(life.effects).toEqual(["probe"]);
    tried(life, "probe", { found: { ...WELL, agent: "stopped" } });
    expect(life.effects).toEqual(["revive"]);
  });

  test("a cadence so slow that attempts are minutes apart does not make the ladder endless", () => {
    const life = degraded(new Life().running({ limits: { heartbeat_interval_seconds: 300 } }));
    tried(life, "probe");
    for (let times = 1; times < TRIES_MAX; times++) {
      expect(life.effects).toEqual(["reconnect"]);
      waited(tried(life, "reconnect"));
    }
    expect(waited(tried(life, "reconnect")).effects).toEqual(["stop"]);
    expect(life.at - (life.state.recovery?.detectedAt ?? 0)).toBeGreaterThan(2 * TRIES_WINDOW_MS);
  });

  test("ends at once what is proven to be gone", () => {
    const life = degraded(new Life().running());
    tried(life, "probe", {
      found: { shim: "gone", agent: "gone", answers: false, evidence: "nothing lives" },
    });
    expect(life.effects).toEqual(["stop"]);
  });

  test("a cure that does not last is not tried for ever; other evidence, or time, gives it new attempts", () => {
    const life = new Life().running();
    for (let round = 1; round <= TRIES_MAX; round++) {
      degraded(life, "agent_stopped");
      tried(life, "probe", { found: { ...WELL, agent: "stopped" } });
      healthy(tried(life, "resume"));
    }
    expect(degraded(life, "agent_stopped").effects).toEqual(["reconnect"]);
    healthy(life);
    expect(degraded(life, "silent").effects).toEqual(["probe"]);
    healthy(life);
    life.at += TRIES_WINDOW_MS;
    expect(degraded(life, "agent_stopped").effects).toEqual(["probe"]);
  });

  test("an attempt that is never answered, or refused, counts like any other", () => {
    const life = degraded(new Life().running());
    expect(waited(life).effects).toEqual(["reconnect"]);
    tried(life, "reconnect", { ok: false });
    expect(life.effects).toEqual([]);
    expect(waited(life).effects).toEqual(["reconnect"]);
    expect(waited(life).effects).toEqual(["reconnect"]);
    expect(waited(life).effects).toEqual(["stop"]);
  });

  test("the next instance is recovering until it is heard, and the time it took is on record", () => {
    const life = new Life().running();
    life
      .on({
        type: "health.changed",
        epoch: 1,
        health: "lost",
        evidence: "silent",
        cause: "silent",
        sinceMs: 45_000,
      })
      .dead();
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "" }).prepared();
    expect(life.state.instance).toMatchObject({ epoch: 2, health: "recovering" });
    healthy(life.launched().ready());
    expect(life.state.recovery).toMatchObject({ stage: "over", recoveredBy: "restart" });
    expect(life.state.mission?.incidents.every((one) => one.endedAt === life.at)).toBe(true);
  });

  test("a replacement that is in trouble before it was ever healthy has a ladder of its own", () => {
    const life = new Life().running();
    life.on({ type: "health.changed", epoch: 1, health: "lost", evidence: "silent" }).dead();
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "" }).prepared();
    life.launched().ready().dispatched().reports("mission.accepted");
    life.on({ type: "health.changed", epoch: 2, health: "suspect", evidence: "silent" });
    expect(degraded(life, "agent_stopped").effects).toEqual(["probe"]);
    expect(life.state.recovery).toMatchObject({ epoch: 2, stage: "asked", rung: "probe" });
  });

  test("a kill ends it, and what comes back late changes nothing", () => {
    const life = degraded(new Life().running());
    life.on({ type: "kill.requested", by: operator("ann"), reason: "", now: false });
    expect(tried(life, "probe").effects).toEqual([]);
    life.dead();
    expect(life.state).toMatchObject({ mission: null, recovery: null });
  });
});

describe("the clock of the process", () => {
  const seen = (life: Life, at: number, change: Partial<Heartbeat>, watch = WATCH) =>
    livenessOf(life.state, heard(life, at, change), at + 1, watch);

  test("an agent that is stopped is degraded at once, unless it is we who paused it", () => {
    const life = new Life().running();
    expect(seen(life, life.at, agentIs("stopped"))).toMatchObject({
      health: "degraded",
      cause: "agent_stopped",
    });
    expect(seen(life, life.at, agentIs("running"))?.health).toBe("healthy");
    expect(seen(life, life.at, { ...agentIs("stopped"), phase: "paused" })?.health).toBe("healthy");
    life.on({ type: "instance.paused", epoch: 1 });
    expect(seen(life, life.at, agentIs("stopped"))?.health).toBe("healthy");
    life.on({ type: "instance.resumed", epoch: 1 });
    expect(seen(life, life.at, agentIs("stopped"))?.health).toBe("healthy");
    expect(seen(life, life.at + 1, agentIs("stopped"))?.health).toBe("degraded");
  });

  test("one whose program is gone has an interval to say so", () => {
    const life = new Life().running();
    expect(seen(life, life.at, agentIs("gone"))?.health).toBe("healthy");
    expect(seen(life, life.at, agentIs("gone", 10_000))).toMatchObject({
      health: "degraded",
      cause: "agent_gone",
    });
  });

  test("what was heard before we were away says nothing", () => {
    const life = new Life().running();
    const watch = { watchingSince: life.at + 1, lagMs: 0 };
    expect(seen(life, life.at, agentIs("stopped"), watch)?.health).toBe("healthy");
  });

  test("a shim that is seen to be stopped is degraded before its silence says so", () => {
    const life = new Life().running();
    const at = life.at + 13_000;
    const found: Probed = {
      shim: "stopped",
      agent: "running",
      answers: false,
      evidence: "its shim is stopped",
    };
    const probe = { epoch: 1, at, found };
    const signal = heard(life, life.at);
    expect(livenessOf(life.state, signal, at, WATCH)?.health).toBe("suspect");
    expect(livenessOf(life.state, signal, at, { ...WATCH, probe })).toMatchObject({
      health: "degraded",
      cause: "shim_stopped",
    });
    expect(livenessOf(life.state, heard(life, at + 1), at + 2, { ...WATCH, probe })?.health).toBe("healthy");
  });
});

describe("the clock of the protocol", () => {
  test("stands still until the declared deadline of an open tool call; the suspicion does not", () => {
    const life = new Life().running();
    const calls = (deadlineMs: number | null) => ({
      openToolCalls: [{ id: "build", ageMs: 10_000, deadlineMs }],
    });
    const at = (ms: number, deadlineMs: number | null) =>
      livenessOf(life.state, heard(life, life.at, calls(deadlineMs)), life.at + ms, WATCH)?.health;
    expect(at(30_000, null)).toBe("degraded");
    expect(at(30_000, 100_000)).toBe("suspect");
    expect(at(114_999, 100_000)).toBe("suspect");
    expect(at(115_000, 100_000)).toBe("degraded");
    expect(at(135_000, 100_000)).toBe("lost");
    // Whatever an agent declares, an hour is the most.
    expect(at(HOUR_MS + 45_000, 1e12)).toBe("lost");
  });

  test("an answer to a probe renews the lease, and makes nobody healthy", () => {
    const life = degraded(new Life().running());
    const begun = life.at;
    tried(life, "probe");
    const signal = heard(life, begun - 25_000);
    expect(livenessOf(life.state, signal, begun + 40_000, WATCH)?.health).toBe("degraded");
    expect(livenessOf(life.state, signal, begun + 47_000, WATCH)?.health).toBe("lost");
  });

  test("a clock that was put back does not make a silent one well for as long", () => {
    const life = new Life().running();
    const now = life.at - HOUR_MS;
    const watch = { watchingSince: now - 30_000, lagMs: 0 };
    expect(livenessOf(life.state, heard(life, life.at), now, watch)?.health).toBe("degraded");
  });
});

test("a rung whose time ran out while we were away gets it again", () => {
  const life = tried(degraded(new Life().running()), "probe");
  tried(life, "reconnect");
  const back = life.at + 10 * MINUTE_MS;
  const names = (at: number) =>
    due(life.state, heard(life, at), at, { watchingSince: back, lagMs: 0 }).flatMap((event) =>
      event.type === "deadline.passed" ? [event.deadline] : [],
    );
  expect(names(back)).toEqual([]);
  expect(names(back + MINUTE_MS)).toEqual(["recovery"]);
});
