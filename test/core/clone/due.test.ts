import { describe, expect, test } from "vitest";
import { due } from "../../../src/core/clone/due.ts";
import { livenessOf } from "../../../src/core/clone/health/liveness.ts";
import { windowAt } from "../../../src/core/clone/start/window.ts";
import type { Signal } from "../../../src/core/model/instance.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/core/model/time.ts";
import { Life, T0 } from "../../support/fleet.ts";

const WATCH = { watchingSince: 0, lagMs: 0 };

function heard(life: Life, at: number, usage: Partial<Signal["heartbeat"]["usage"]> = {}): Signal {
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
      usage: { llmCalls: null, costMicros: null, activeMs: 0, ...usage },
    },
  };
}

describe("silence", () => {
  // An interval of 10 s: suspect after 12.5 s, degraded after 25 s, lost after 45 s.
  test.each([
    [12_499, "healthy"],
    [12_500, "suspect"],
    [24_999, "suspect"],
    [25_000, "degraded"],
    [44_999, "degraded"],
    [45_000, "lost"],
  ] as const)("of %i ms is %s", (silentMs, health) => {
    const life = new Life().running();
    const at = life.at;
    expect(livenessOf(life.state, heard(life, at), at + silentMs, WATCH)?.health).toBe(health);
  });

  test("our own lag is not held against anyone", () => {
    const life = new Life().running();
    expect(
      livenessOf(life.state, heard(life, life.at), life.at + 20_000, { watchingSince: 0, lagMs: 10_000 })
        ?.health,
    ).toBe("healthy");
  });

  test("whoever was heard just before the clock was put back a little is not silent since we began to watch", () => {
    const life = new Life().running();
    const at = life.at + HOUR_MS;
    const seen = livenessOf(life.state, heard(life, at), at - 500, WATCH);
    expect(seen?.health).toBe("healthy");
  });

  test("after our own restart nobody is late for what we could not hear, until the amnesty is over", () => {
    const life = new Life().running();
    const signal = heard(life, life.at);
    const back = life.at + HOUR_MS;
    const watch = { watchingSince: back, lagMs: 0 };
    expect(due(life.state, signal, back + 59_000, watch).map((event) => event.type)).not.toContain(
      "health.changed",
    );
    expect(livenessOf(life.state, signal, back + 60_001, watch)?.health).toBe("lost");
  });

  test("a heartbeat of an old epoch is not heard", () => {
    const life = new Life().running();
    const old = heard(life, life.at + 44_000);
    const signal = { ...old, heartbeat: { ...old.heartbeat, epoch: 0 } };
    expect(livenessOf(life.state, signal, life.at + 60_000, WATCH)?.health).toBe("lost");
  });

  test("is asked once: what is recorded is not due again", () => {
    const life = new Life().running();
    const at = life.at + 30_000;
    const signal = heard(life, life.at);
    const [event] = due(life.state, signal, at, WATCH).filter((one) => one.type === "health.changed");
    expect(event).toMatchObject({ health: "degraded" });
    life.at = at;
    if (event !== undefined) life.on(event, 0);
    expect(due(life.state, signal, at, WATCH).filter((one) => one.type === "health.changed")).toEqual([]);
  });
});

describe("deadlines", () => {
  test("a start that takes too long falls due, later by the time that we were away", () => {
    const life = new Life().declared().assigned().planned().prepared();
    const at = life.state.deadlineAt ?? 0;
    const names = (now: number, watch = WATCH) =>
      due(life.state, undefined, now, watch).map((event) =>
        event.type === "deadline.passed" ? event.deadline : event.type,
      );
    expect(names(at - 1)).toEqual([]);
    expect(names(at)).toEqual(["start"]);
    const away = { watchingSince: life.state.phaseSince + HOUR_MS, lagMs: 0 };
    expect(names(at + HOUR_MS - 1, away)).toEqual([]);
    expect(names(at + HOUR_MS, away)).toEqual(["start"]);
  });
});

describe("budgets", () => {
  // Ten minutes: notify at 5, warn at 8, pause at 9, stop at 10.
  test.each([
    [4.9, null],
    [5, "notify"],
    [8, "warn"],
    [9, "pause"],
    [10, "stop"],
    [60, "stop"],
  ] as const)("%f minutes of runtime cross %s", (minutes, level) => {
    const life = new Life().running();
    const now = life.at + minutes * MINUTE_MS;
    const crossed = due(life.state, heard(life, now), now, WATCH).filter(
      (event) => event.type === "budget.crossed",
    );
    expect(crossed.map((event) => (event.type === "budget.crossed" ? event.level : ""))).toEqual(
      level === null ? [] : [level],
    );
  });

  test("a crossing is due once per level", () => {
    const life = new Life()
      .running()
      .on({ type: "budget.crossed", meter: "runtime_minutes", level: "notify", used: 5, limit: 10 });
    const now = life.at + 6 * MINUTE_MS;
    expect(
      due(life.state, heard(life, now), now, WATCH).filter((event) => event.type === "budget.crossed"),
    ).toEqual([]);
  });

  test("unknown usage crosses nothing; reported usage counts with what earlier instances used", () => {
    const limits = { budget: { max_runtime_minutes: 600, max_llm_calls: 100, max_cost_usd: null } };
    const life = new Life().running({ limits });
    const calls = (usage: { llmCalls: number | null }) =>
      due(life.state, heard(life, life.at, usage), life.at, WATCH).flatMap((event) =>
        event.type === "budget.crossed" ? [event.used] : [],
      );
    expect(calls({ llmCalls: null })).toEqual([]);
    life.reports("mission.progress", { llmCalls: 40 });
    expect(calls({ llmCalls: 55 })).toEqual([55]);
    life
      .reports("instance.exited", { llmCalls: 60, detail: { code: 1, signal: null, signature: "s" } })
      .dead();
    life
      .on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "" })
      .prepared()
      .launched()
      .ready()
      .dispatched();
    life.reports("mission.accepted", { llmCalls: 0 });
    expect(calls({ llmCalls: 25 })).toEqual([85]);
  });
});

describe("windows", () => {
  test("a fixed window opens, closes and ends", () => {
    const window = { type: "fixed", startAt: T0, endAt: T0 + HOUR_MS } as const;
    expect(windowAt(window, T0 - 1)).toEqual({ open: false, changesAt: T0, ended: false });
    expect(windowAt(window, T0)).toEqual({ open: true, changesAt: T0 + HOUR_MS, ended: false });
    expect(windowAt(window, T0 + HOUR_MS)).toEqual({ open: false, changesAt: null, ended: true });
  });

  test("the answer for an instant is the same whatever was asked before", () => {
    const crons = ["0 * * * *", "*/7 9-17 * * 1-5", "30 2 * * *", "0 0 29 2 *"];
    let unasked = 0;
    for (const cron of crons) {
      for (const durationMinutes of [1, 45, 1_500]) {
        const window = { type: "recurring", cron, durationMinutes, timezone: "Europe/Berlin" } as const;
        for (let step = 0; step < 20; step++) {
          // Back and forth over the end of daylight saving, in steps that share no divisor with any period.
          const at =
            Date.parse("2026-10-24T22:00:00Z") + ((step * 7_919) % 3_001) * 61_000 + (step % 3) * 499;
          // White space makes it another expression to remember, and the same to read.
          unasked += 1;
          const alone = { ...window, cron: `${cron}${" ".repeat(unasked)}` };
          expect(windowAt(window, at), `${cron} ${durationMinutes} ${at}`).toEqual(windowAt(alone, at));
        }
      }
    }
  });

  // Berlin: clocks go from 2 to 3 on 29 March 2026, and from 3 to 2 on 25 October 2026.
  test.each([
    ["a night that loses an hour", "0 22 * * *", 600, "2026-03-28T21:00:00Z", "2026-03-29T07:00:00Z"],
    ["a night that gains an hour", "0 22 * * *", 600, "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"],
    ["the day after in spring", "0 9 * * *", 60, "2026-03-30T07:00:00Z", "2026-03-30T08:00:00Z"],
    ["the day after in autumn", "0 9 * * *", 60, "2026-10-26T08:00:00Z", "2026-10-26T09:00:00Z"],
  ])(
    "%s opens and closes at its boundaries, and a hold says when",
    (_, cron, durationMinutes, opens, closes) => {
      const window = { type: "recurring", cron, durationMinutes, timezone: "Europe/Berlin" } as const;
      const [from, to] = [Date.parse(opens), Date.parse(closes)];
      const life = new Life("scribe", from - 2 * MINUTE_MS).declared().assigned({
        limits: { autonomy_window: window },
      });
      const look = (at: number): string[] => {
        const told = due(life.state, undefined, at, WATCH).filter(({ type }) => type.startsWith("hold."));
        for (const event of told) life.on(event, at - life.at);
        return told.map(({ type }) => type);
      };
      expect(look(from - MINUTE_MS)).toEqual(["hold.placed"]);
      expect(life.state.holds).toMatchObject([{ kind: "window", until: from, owner: "supervisor" }]);
      expect(look(from - 1)).toEqual([]);
      expect(look(from)).toEqual(["hold.released"]);
      expect(look(to - 1)).toEqual([]);
      expect(look(to)).toEqual(["hold.placed"]);
    },
  );

  test("a recurring window follows its own time zone across daylight saving", () => {
    // 09:00 to 17:00 in Berlin: 07:00 UTC in summer, 08:00 UTC in winter; clocks went back on 25 October 2026.
    const window = {
      type: "recurring",
      cron: "0 9 * * *",
      durationMinutes: 480,
      timezone: "Europe/Berlin",
    } as const;
    const open = (text: string) => windowAt(window, Date.parse(text)).open;
    expect([
      open("2026-10-24T06:59:59Z"),
      open("2026-10-24T07:00:00Z"),
      open("2026-10-24T14:59:59Z"),
      open("2026-10-24T15:00:00Z"),
    ]).toEqual([false, true, true, false]);
    expect([
      open("2026-10-26T07:59:59Z"),
      open("2026-10-26T08:00:00Z"),
      open("2026-10-26T16:00:00Z"),
    ]).toEqual([false, true, false]);
  });

  test("overlapping spans stay open until the last one is over", () => {
    const window = { type: "recurring", cron: "0 * * * *", durationMinutes: 90, timezone: "UTC" } as const;
    expect(windowAt(window, Date.parse("2026-11-23T12:30:00Z"))).toMatchObject({
      open: true,
      changesAt: Date.parse("2026-11-23T13:30:00Z"),
    });
  });

  test("overlapping spans that leave a gap close after the last one, and open with the next first one", () => {
    const window = {
      type: "recurring",
      cron: "0,30 9-10 * * *",
      durationMinutes: 45,
      timezone: "UTC",
    } as const;
    const at = (text: string) => Date.parse(`2026-11-${text}:00Z`);
    const [opens, closes, next] = [at("23T09:00"), at("23T11:15"), at("24T09:00")];
    const asked: readonly (readonly [number, boolean, number])[] = [
      [opens - 1, false, opens],
      [opens, true, at("23T09:45")],
      [at("23T09:29"), true, at("23T09:45")],
      [at("23T09:30"), true, at("23T10:15")],
      [at("23T09:45"), true, at("23T10:15")],
      [at("23T10:00"), true, at("23T10:45")],
      [at("23T10:45"), true, closes],
      [closes - 1, true, closes],
      [closes, false, next],
      [next - 1, false, next],
      [next, true, at("24T09:45")],
    ];
    for (const order of [asked, asked.toReversed()])
      for (const [now, open, changesAt] of order)
        expect(windowAt(window, now), new Date(now).toISOString()).toEqual({ open, changesAt, ended: false });
  });

  test("a recurring window of a day that no year has is over before it begins", () => {
    const window = { type: "recurring", cron: "0 0 30 2 *", durationMinutes: 60, timezone: "UTC" } as const;
    for (const now of [T0, T0 + HOUR_MS, T0 - HOUR_MS])
      expect(windowAt(window, now)).toEqual({ open: false, changesAt: null, ended: true });
  });

  test("spans that overlap more often than is looked at are open all the same", () => {
    const window = { type: "recurring", cron: "* * * * *", durationMinutes: 3_000, timezone: "UTC" } as const;
    for (const now of [T0, T0 + MINUTE_MS, T0 + 1, T0 - HOUR_MS])
      expect(windowAt(window, now)).toMatchObject({ open: true, ended: false });
  });

  test("outside of it a mission is held, inside it is released, after it the mission has timed out", () => {
    const limits = {
      autonomy_window: { type: "fixed", startAt: T0 + HOUR_MS, endAt: T0 + 2 * HOUR_MS } as const,
    };
    const life = new Life().declared().assigned({ limits });
    const types = (now: number) => due(life.state, undefined, now, WATCH).map((event) => event.type);
    const [placed] = due(life.state, undefined, T0 + 10_000, WATCH);
    expect(placed).toMatchObject({ type: "hold.placed", hold: { kind: "window" } });
    if (placed !== undefined) life.on(placed);
    expect(types(T0 + 20_000)).toEqual([]);
    expect(types(T0 + HOUR_MS)).toEqual(["hold.released"]);
    expect(types(T0 + 2 * HOUR_MS)).toEqual(["window.ended"]);
  });
});
