/** Limits that a shim held while nobody listened, as its reports tell of them, and what closes beyond a limit. */
import { describe, expect, test } from "vitest";
import { heldLimitsOf } from "../../../../src/core/clone/spending/held-limits.ts";
import { actorText, operator } from "../../../../src/core/model/actor.ts";
import type { CloneEvent } from "../../../../src/core/model/event.ts";
import type { Budget } from "../../../../src/core/model/mission.ts";
import type { Report } from "../../../../src/core/model/report.ts";
import { type Life, Life as LifeOf } from "../../../support/fleet.ts";

const BUDGET: Budget = { max_runtime_minutes: 600, max_llm_calls: 100, max_cost_usd: 10 };

function running(): Life {
  return new LifeOf().running({ limits: { budget: BUDGET } });
}

/** As its shim tells of it. */
function reached(life: Life, detail: Readonly<Record<string, unknown>>, usd: number): Life {
  const report: Partial<Report> = { detail, costMicros: usd * 1e6 };
  return life.reports("mission.limit_reached", report);
}

const at = (level: string, used: number, more: object = {}) => ({
  meter: "cost_usd",
  level,
  used,
  limit: 10,
  percent: { notify: 50, warn: 80, pause: 90, stop: 100 }[level],
  did: "paused",
  paused_ms: 0,
  ...more,
});

const raise = (to: number): CloneEvent => ({
  type: "request.decided",
  request: "audit.budget.1",
  decision: { type: "raise", budget: { max_cost_usd: to } },
  by: operator("ann"),
  reason: "",
});

const incidents = (life: Life): string[] =>
  (life.state.mission?.incidents ?? life.state.past.at(-1)?.incidents ?? []).map(({ class: of }) => of);

describe("a limit that its shim has held", () => {
  test("asks once, whoever sees it first", () => {
    const life = reached(running(), at("pause", 9.1), 9.1);
    expect(life.state.holds).toMatchObject([{ kind: "budget", clearBy: "decision" }]);
    expect(life.effects).toEqual(["pause"]);
    life.on({ type: "budget.crossed", meter: "cost_usd", level: "pause", used: 9.1, limit: 10 });
    reached(life, at("pause", 9.1), 9.1);
    expect(life.state.requests.map(({ id }) => id)).toEqual(["audit.budget.1"]);
    expect(incidents(life)).toEqual([]);
  });

  test("is told anew to a shim that did not hear of the raise, and holds nobody", () => {
    const life = reached(running(), at("pause", 9.1), 9.1).on(raise(100));
    expect(life.effects).toEqual(["configure", "resume"]);
    reached(life, at("stop", 10.2), 10.2);
    expect(life.state.holds).toEqual([]);
    expect(life.effects).toEqual(["configure"]);
    expect(life.state.phase).toBe("Running");
  });

  test("but could not: its instance is ended, with an incident, and the mission asks", () => {
    const life = reached(running(), at("pause", 9.1, { did: "restless" }), 9.1);
    expect(life.state).toMatchObject({
      phase: "Stopping",
      holds: [{ kind: "budget" }],
      instance: { paused: false },
      mission: { terminal: null },
    });
    expect(life.effects).toEqual(["stop"]);
    expect(incidents(life)).toEqual(["pause_failed"]);
  });

  test("but could not, as is heard when the level is known already", () => {
    const life = running().on({
      type: "budget.crossed",
      meter: "cost_usd",
      level: "pause",
      used: 9.1,
      limit: 10,
    });
    reached(life, at("pause", 9.1, { did: "restless" }), 9.1);
    expect([life.state.phase, incidents(life)]).toEqual(["Stopping", ["pause_failed"]]);
  });

  test("means what it means under the limits of now", () => {
    const life = running().on({
      type: "mission.limits_changed",
      limits: {
        ...(running().state.mission?.limits as never as object),
        budget: { ...BUDGET, max_cost_usd: 5 },
      } as never,
      revision: "r2",
    });
    reached(life, at("notify", 5.5), 5.5);
    expect(life.state.mission?.crossed).toEqual({ cost_usd: "stop" });
    expect(life.state.phase).toBe("Stopping");
  });

  test("ends its instance at all of it; the mission waits for a person, and another goes on after a raise", () => {
    const life = reached(running(), at("stop", 12), 12);
    expect(life.state).toMatchObject({ phase: "Stopping", mission: { terminal: null } });
    expect(incidents(life)).toEqual(["overspent"]);
    life
      .reports("instance.exited", { detail: { code: 0, signal: null, signature: "s", stopped: true } })
      .dead();
    expect(life.state).toMatchObject({ phase: "Idle", failures: [], mission: { restarts: 0 } });
    expect(life.state.holds).toMatchObject([{ kind: "budget" }]);
    life.on(raise(50));
    expect(life.state.holds).toEqual([]);
    life.on({ type: "start.planned", revision: "r1", why: "raised" }).prepared();
    // What was spent before counts for the next shim as well.
    expect(heldLimitsOf(life.state)).toMatchObject({
      budget: { max_cost_usd: 50 },
      before: { costMicros: 12_000_000 },
    });
  });

  test("that was reached by one who stood still is a runaway", () => {
    expect(incidents(reached(running(), at("stop", 12, { paused_ms: 499 }), 12))).toEqual(["overspent"]);
    const life = reached(running(), at("stop", 12, { paused_ms: 500 }), 12);
    expect(incidents(life)).toEqual(["runaway"]);
    expect(life.state.mission?.terminal).toMatchObject({ status: "failed" });
  });

  test("of time is over when it is over", () => {
    const life = running().reports("mission.limit_reached", {
      detail: { meter: "runtime_minutes", level: "stop", used: 600, limit: 600, percent: 100 },
    });
    expect(life.state.mission?.terminal).toMatchObject({ status: "timed_out" });
    expect(incidents(life)).toEqual(["overspent"]);
  });

  test.each<[string, object]>([
    ["no meter that there is", at("stop", 12, { meter: "joules" })],
    ["no number", at("stop", 12, { used: "much" })],
    ["a number without end", at("stop", Number.POSITIVE_INFINITY)],
    ["no level that there is", at("beyond", 12, { percent: 100 })],
  ])("changes nothing where its report names %s", (_, detail) => {
    const life = reached(running(), detail as Readonly<Record<string, unknown>>, 1);
    expect(life.state).toMatchObject({ phase: "Running", holds: [], mission: { crossed: {} } });
  });
});

describe("a mission that went beyond a limit", () => {
  function completed(usd: number): Life {
    const life = reached(running(), at("stop", usd), usd);
    life.reports("mission.completed").dead();
    return life.judged();
  }

  test("is closed with an incident and a question, and accepted by a person alone", () => {
    const life = completed(100);
    const closed = life.state.past.at(-1);
    expect(closed).toMatchObject({
      outcome: "pending",
      over: { meters: ["cost_usd"], word: "open" },
      decision: "undecided",
      scorecard: { economics: { over_limit: ["cost_usd"] }, incidents: { by_class: { overspent: 1 } } },
    });
    expect(life.state.requests).toMatchObject([
      { kind: "overspent", answers: ["approve", "deny"], binds: closed?.missionId },
    ]);
  });

  test.each([
    ["approve", "accepted", "approved"],
    ["deny", "rejected", "denied"],
  ] as const)("is settled by %s: %s", (type, outcome, word) => {
    const life = completed(100);
    const [{ id = "" } = {}] = life.state.requests;
    life.on({
      type: "request.decided",
      request: id,
      decision: { type },
      by: operator("ann"),
      reason: "seen",
    });
    const closed = life.state.past.at(-1);
    expect(closed).toMatchObject({ outcome, over: { word }, scorecard: { outcome } });
    expect(actorText(closed?.over?.by ?? operator("nobody"))).toBe("operator:ann");
    expect(closed?.answered.at(-1)).toMatchObject({ id, decision: type, detail: "seen" });
    expect(life.state.requests).toEqual([]);
  });

  test("that its last word alone tells of is one as well", () => {
    const life = running().reports("mission.completed", { costMicros: 100e6 }).dead();
    life.judged();
    expect(incidents(life)).toEqual(["overspent"]);
    expect(life.state.past.at(-1)).toMatchObject({ outcome: "pending", over: { word: "open" } });
  });

  test("is not asked about again when a person has stopped it for that", () => {
    const life = reached(running(), at("stop", 12), 12).dead();
    life.on({
      type: "request.decided",
      request: "audit.budget.1",
      decision: { type: "stop" },
      by: operator("ann"),
      reason: "",
    });
    expect(life.state.past.at(-1)).toMatchObject({ outcome: "ignored", over: { word: "known" } });
    expect(life.state.requests).toEqual([]);
  });

  test("and was raised above that closes like any other", () => {
    const life = reached(running(), at("stop", 12), 12).dead().on(raise(50));
    life.on({ type: "start.planned", revision: "r1", why: "raised" });
    life.prepared().launched().ready().dispatched().reports("mission.accepted");
    life.reports("mission.completed").dead();
    life.judged();
    expect(life.state.past.at(-1)).toMatchObject({ outcome: "accepted", over: null });
    expect(incidents(life)).toEqual(["overspent"]);
  });
});
