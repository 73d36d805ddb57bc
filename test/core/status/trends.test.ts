import { describe, expect, test } from "vitest";
import type { ClosedMission } from "../../../src/core/model/clone-state.ts";
import type { Outcome } from "../../../src/core/model/mission.ts";
import { trendsOf } from "../../../src/core/status/trends.ts";
import { Life, T0 } from "../../support/fleet.ts";

interface Facts {
  readonly outcome?: Outcome;
  readonly accepted?: number | null;
  readonly total?: number | null;
  readonly waiting?: number;
  readonly cost?: number | null;
  readonly restarts?: number;
  readonly interventions?: number;
  readonly incidents?: readonly (readonly [
    name: "crash" | "stuck",
    startedAgo: number,
    lastedMs: number | null,
  ])[];
}

/** Closed so long after tests begin. */
function closed(name: string, afterMs: number, facts: Facts = {}): ClosedMission {
  const made = new Life("scribe")
    .declared()
    .assigned({}, name)
    .on({ type: "mission.withdrawn", revision: "r", reason: "x" });
  const [base] = made.state.past;
  if (base === undefined) throw new Error("nothing was closed");
  const { scorecard } = base;
  const incidents = (facts.incidents ?? []).map(([of, startedAgo, lastedMs], n) => ({
    id: `${of}.${n}`,
    class: of,
    severity: "medium" as const,
    at: T0,
    startedAt: T0 - startedAgo,
    endedAt: lastedMs === null ? null : T0 + lastedMs,
    message: "",
  }));
  return {
    ...base,
    missionId: `m_${name}`,
    closedAt: T0 + afterMs,
    outcome: facts.outcome ?? "accepted",
    incidents,
    scorecard: {
      ...scorecard,
      quality: { ...scorecard.quality, criteria_met: 1, criteria_total: 2 },
      latency: {
        ...scorecard.latency,
        accepted_ms: facts.accepted ?? null,
        total_ms: facts.total ?? null,
        waiting_for_people_ms: facts.waiting ?? 0,
      },
      incidents: { ...scorecard.incidents, total: incidents.length },
      maintainability: {
        ...scorecard.maintainability,
        interventions: facts.interventions ?? 0,
        restarts: facts.restarts ?? 0,
      },
      economics: { ...scorecard.economics, cost_usd: facts.cost ?? null },
    },
  };
}

const lanes = (...past: readonly ClosedMission[]) => {
  const { state } = new Life("scribe").declared();
  return past.map((one) => ({ ...state, past: [one] }));
};
const names = (rows: readonly { readonly mission: string }[]) => rows.map(({ mission }) => mission);

describe("a stretch of time", () => {
  test("has what was closed in it, and the one before what was closed before", () => {
    const all = [-101, -100, -1, 0, 99, 100, 101].map((at) => closed(`at ${at}`, at));
    const trends = trendsOf(lanes(...all), T0, T0 + 100);
    expect(names(trends.missions)).toEqual(["at 100", "at 99", "at 0"]);
    expect(trends.now).toMatchObject({ from: T0, to: T0 + 100, missions: 3 });
    expect(trends.before).toMatchObject({ from: T0 - 100, to: T0, missions: 2 });
  });

  test("that has no length is as long as a moment", () => {
    expect(trendsOf(lanes(closed("a", 0), closed("b", -1)), T0, T0)).toMatchObject({
      now: { missions: 1 },
      before: { from: T0 - 1, missions: 1 },
    });
  });

  test("tells of the newest first, of one moment by id, and of two hundred at most", () => {
    expect(
      names(trendsOf(lanes(closed("b", 1), closed("a", 1), closed("c", 2)), T0, T0 + 9).missions),
    ).toEqual(["c", "a", "b"]);
    const many = Array.from({ length: 201 }, (_, n) => closed(`m${n}`, n));
    const { missions, now } = trendsOf(lanes(...many), T0, T0 + 500);
    expect([missions.length, missions[0]?.mission, missions.at(-1)?.mission]).toEqual([200, "m200", "m1"]);
    expect(now.missions).toBe(201);
  });

  test("shows each mission by its numbers", () => {
    const one = closed("a", 1, { total: 5_000, cost: 1.5, interventions: 2, incidents: [["crash", 0, 1]] });
    expect(trendsOf(lanes(one), T0, T0 + 9).missions).toEqual([
      {
        mission: "a",
        run: 1,
        outcome: "accepted",
        closedAt: T0 + 1,
        criteriaMet: 1,
        criteriaTotal: 2,
        totalMs: 5_000,
        incidents: 1,
        interventions: 2,
        costUsd: 1.5,
      },
    ]);
  });
});

describe("the numbers", () => {
  const of = (...all: readonly ClosedMission[]) => trendsOf(lanes(...all), T0, T0 + 100).now;

  test("of nothing say nothing", () => {
    expect(of()).toEqual({
      from: T0,
      to: T0 + 100,
      missions: 0,
      outcomes: {},
      successPercent: null,
      acceptedP50Ms: null,
      acceptedP95Ms: null,
      totalP50Ms: null,
      waitingPercent: null,
      incidentsPerMission: null,
      incidentsByClass: {},
      timeToDetectMs: null,
      timeToEndMs: null,
      interventionsPerMission: null,
      restartsPerMission: null,
      costUsd: null,
      costKnown: 0,
      costPerAcceptedUsd: null,
    });
  });

  test("are of everything that was closed, and of what is known", () => {
    expect(
      of(
        closed("a", 1, {
          accepted: 100,
          total: 1_000,
          waiting: 250,
          cost: 1,
          restarts: 1,
          incidents: [
            ["stuck", 40, 20],
            ["crash", 20, null],
          ],
        }),
        closed("b", 2, {
          accepted: 300,
          total: 3_000,
          cost: 2,
          interventions: 1,
          incidents: [["crash", 0, 10]],
        }),
        closed("c", 3, { outcome: "rejected", accepted: 200, total: 2_000, waiting: 500, cost: 0.5 }),
        closed("d", 4, { outcome: "ignored", restarts: 1 }),
        closed("e", 5, { outcome: "pending" }),
        closed("f", 6, { outcome: "unknown", interventions: 1 }),
      ),
    ).toEqual({
      from: T0,
      to: T0 + 100,
      missions: 6,
      outcomes: { accepted: 2, rejected: 1, ignored: 1, pending: 1, unknown: 1 },
      successPercent: 50,
      acceptedP50Ms: 200,
      acceptedP95Ms: 300,
      totalP50Ms: 2_000,
      waitingPercent: 12.5,
      incidentsPerMission: 0.5,
      incidentsByClass: { crash: 2, stuck: 1 },
      timeToDetectMs: 20,
      timeToEndMs: 10,
      interventionsPerMission: 0.33,
      restartsPerMission: 0.33,
      costUsd: 3.5,
      costKnown: 3,
      costPerAcceptedUsd: 1.75,
    });
  });

  test("divide by no judgement and by no success", () => {
    expect(
      of(closed("a", 1, { outcome: "ignored" }), closed("b", 2, { outcome: "pending", cost: 1 })),
    ).toMatchObject({
      successPercent: null,
      costUsd: 1,
      costPerAcceptedUsd: null,
    });
    expect(of(closed("a", 1, { outcome: "rejected" }))).toMatchObject({
      successPercent: 0,
      costPerAcceptedUsd: null,
    });
  });
});
