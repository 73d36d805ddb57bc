import { describe, expect, test } from "vitest";
import { breachesOf } from "../../../../src/core/fleet/guardrails/breach.ts";
import { measure, newestClosed, percentile } from "../../../../src/core/fleet/guardrails/measure.ts";
import { PIN_MS, rollbackDueAt, type Said } from "../../../../src/core/fleet/guardrails/rollback.ts";
import type { ClosedMission } from "../../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY } from "../../../../src/core/model/desired.ts";
import { NO_ROLLBACK, type RollbackState } from "../../../../src/core/model/guardrail.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { Life, T0 } from "../../../support/fleet.ts";
import { lookAtGuardrails } from "../../../support/fleet-looks.ts";

const policy = DEFAULT_FLEET_POLICY.guardrails;

function closed(
  n: number,
  change: {
    outcome?: ClosedMission["outcome"];
    high?: number;
    acceptedMs?: number | null;
    interventions?: number;
  } = {},
): ClosedMission {
  const life = new Life(`c${n}`).declared().assigned({}, `m${n}`);
  const made = life.on({ type: "mission.withdrawn", revision: "r", reason: "x" }).state.past[0];
  if (made === undefined) throw new Error("nothing was closed");
  return {
    ...made,
    missionId: `m_${n}`,
    closedAt: T0 + n,
    outcome: change.outcome ?? "accepted",
    incidents: Array.from({ length: change.high ?? 0 }, (_, index) => ({
      id: `crash.${index}`,
      class: "quarantine" as const,
      severity: "high" as const,
      at: T0,
      startedAt: T0,
      endedAt: T0,
      message: "x",
    })),
    scorecard: {
      ...made.scorecard,
      latency: {
        ...made.scorecard.latency,
        accepted_ms: change.acceptedMs === undefined ? 1_000 : change.acceptedMs,
      },
      maintainability: { ...made.scorecard.maintainability, interventions: change.interventions ?? 0 },
    },
  };
}

const many = (count: number, change: (n: number) => Parameters<typeof closed>[1] = () => ({})) =>
  Array.from({ length: count }, (_, n) => closed(n, change(n)));

describe("measuring", () => {
  test("fewer than half of the window says nothing", () => {
    expect(measure(many(4), 10)).toEqual({
      missions: 4,
      successPercent: null,
      highIncidentsPerTen: null,
      acceptedP95Ms: null,
      interventionsPerMission: null,
    });
    expect(measure(many(5), 10).successPercent).toBe(100);
    expect(measure([], 1).successPercent).toBeNull();
  });

  test.each<[string, ClosedMission[], Partial<ReturnType<typeof measure>>]>([
    [
      "what nobody judged counts for neither side",
      many(10, (n) => ({ outcome: n < 4 ? "ignored" : n < 6 ? "pending" : n < 9 ? "accepted" : "rejected" })),
      { successPercent: 75 },
    ],
    [
      "what could not be judged is no success",
      many(10, (n) => ({ outcome: n < 9 ? "accepted" : "unknown" })),
      { successPercent: 90 },
    ],
    ["only ignored ones give no rate", many(10, () => ({ outcome: "ignored" })), { successPercent: null }],
    ["serious incidents per ten", many(5, (n) => ({ high: n === 0 ? 3 : 0 })), { highIncidentsPerTen: 6 }],
    [
      "p95 is one that was measured",
      many(20, (n) => ({ acceptedMs: (n + 1) * 1_000 })),
      { acceptedP95Ms: 19_000 },
    ],
    ["never accepted has no latency", many(5, () => ({ acceptedMs: null })), { acceptedP95Ms: null }],
    ["interventions", many(10, (n) => ({ interventions: n })), { interventionsPerMission: 4.5 }],
  ])("%s", (_name, missions, expected) => {
    expect(measure(missions, missions.length)).toMatchObject(expected);
  });

  test("the newest of all lanes, and none from before the way back", () => {
    const a = new Life("a").state;
    const states = [
      { ...a, past: [closed(1), closed(4)] },
      { ...a, past: [closed(2), closed(3)] },
    ];
    expect(newestClosed(states, 3, 0).map(({ missionId }) => missionId)).toEqual(["m_4", "m_3", "m_2"]);
    expect(newestClosed(states, 3, T0 + 3).map(({ missionId }) => missionId)).toEqual(["m_4", "m_3"]);
  });

  test("those of one moment in the order of their ids", () => {
    const { state } = new Life("a");
    const at = (ids: readonly string[]) => ids.map((missionId) => ({ ...closed(1), missionId }));
    const ids = (found: readonly ClosedMission[]) => found.map(({ missionId }) => missionId);
    expect(ids(newestClosed([{ ...state, past: at(["b", "a", "c"]) }], 2, 0))).toEqual(["a", "b"]);
    expect(ids(newestClosed([{ ...state, past: at(["a", "b"]) }], 2, 0))).toEqual(["a", "b"]);
  });

  test.each([
    ["low", 0],
    ["medium", 0],
    ["high", 10],
    ["critical", 10],
  ] as const)("an incident of severity %s counts %i", (severity, per) => {
    const missions = many(4, () => ({ high: 1 })).map((one) => ({
      ...one,
      incidents: one.incidents.map((incident) => ({ ...incident, severity })),
    }));
    expect(measure(missions, 4).highIncidentsPerTen).toBe(per);
  });

  test("missions that nobody accepted do not pull the latency down", () => {
    const missions = many(4, (n) => ({ acceptedMs: n === 0 ? 5_000 : null }));
    expect(measure(missions, 4).acceptedP95Ms).toBe(5_000);
  });

  test("nearest rank", () => {
    expect(percentile([], 0.95)).toBeNull();
    expect(percentile([7], 0.95)).toBe(7);
    expect(percentile([3, 1, 2], 0.5)).toBe(2);
    expect(percentile([3, 1, 2], 1)).toBe(3);
  });
});

describe("comparing", () => {
  const fine = {
    missions: 10,
    successPercent: 80,
    highIncidentsPerTen: 1,
    acceptedP95Ms: 60_000,
    interventionsPerMission: 2,
  };
  test.each([
    ["at every threshold", fine, []],
    ["success below", { ...fine, successPercent: 79.9 }, ["success"]],
    ["incidents above", { ...fine, highIncidentsPerTen: 1.1 }, ["incidents"]],
    ["latency above", { ...fine, acceptedP95Ms: 60_100 }, ["latency"]],
    ["interventions above", { ...fine, interventionsPerMission: 2.01 }, ["interventions"]],
    [
      "what is not known breaches nothing",
      {
        missions: 1,
        successPercent: null,
        highIncidentsPerTen: null,
        acceptedP95Ms: null,
        interventionsPerMission: null,
      },
      [],
    ],
  ])("%s", (_name, measures, expected) => {
    const found = breachesOf(measures, policy);
    expect(found.map(({ guardrail }) => guardrail)).toEqual(expected);
    for (const { message, measured, threshold } of found) {
      expect(message).toContain(String(measured));
      expect(message).toContain(String(threshold));
    }
  });
});

describe("rolling back", () => {
  const said = (change: Partial<Said> = {}): Said => ({
    revision: "a".repeat(40),
    mode: "normal",
    lift: null,
    sustainedMinutes: 60,
    ...change,
  });
  const breach = breachesOf(
    {
      missions: 10,
      successPercent: 50,
      highIncidentsPerTen: 0,
      acceptedP95Ms: 0,
      interventionsPerMission: 0,
    },
    policy,
  );
  const kinds = (state: RollbackState) => state.turns.map(({ type }) => type);
  const tripped = (): RollbackState =>
    lookAtGuardrails(lookAtGuardrails(NO_ROLLBACK, said(), breach, T0), said(), breach, T0 + HOUR_MS);

  test("a breach trips once it has lasted, not before, and not while it comes and goes", () => {
    let state = lookAtGuardrails(NO_ROLLBACK, said(), breach, T0);
    expect(rollbackDueAt(state, said())).toBe(T0 + HOUR_MS);
    state = lookAtGuardrails(state, said(), breach, T0 + HOUR_MS - 1);
    expect(state.pin).toBeNull();
    state = lookAtGuardrails(state, said(), [], T0 + HOUR_MS);
    expect(state.since).toEqual({});
    state = lookAtGuardrails(state, said(), breach, T0 + HOUR_MS + 1);
    expect(lookAtGuardrails(state, said(), breach, T0 + 2 * HOUR_MS).pin).toBeNull();
    const at = T0 + 2 * HOUR_MS + 1;
    const pin = lookAtGuardrails(state, said(), breach, at).pin;
    expect(pin).toMatchObject({
      at,
      expiresAt: at + PIN_MS,
      breaches: breach,
      proposal: null,
      merged: false,
    });
  });

  test("is due when the first of several breaches has lasted, and at no time without one", () => {
    expect(rollbackDueAt(NO_ROLLBACK, said())).toBeNull();
    const since = { success: T0 + 5, latency: T0 + 1, incidents: T0 + 9 };
    expect(rollbackDueAt({ ...NO_ROLLBACK, since }, said())).toBe(T0 + 1 + HOUR_MS);
  });

  test("says what was breached, under which revision, and by which pin", () => {
    const both = [...breach, ...breach.map((one) => ({ ...one, message: "and another" }))];
    const first = lookAtGuardrails(NO_ROLLBACK, said(), both, T0);
    const state = lookAtGuardrails(first, said(), both, T0 + HOUR_MS);
    expect(state.pin?.id).toMatch(/^rollback-[0-9a-f]{8}$/);
    expect(state.turns).toEqual([
      {
        at: T0 + HOUR_MS,
        type: "tripped",
        pin: state.pin?.id,
        message: `${breach[0]?.message}; and another`,
      },
    ]);
    const other = lookAtGuardrails(first, said({ revision: "b".repeat(40) }), both, T0 + HOUR_MS);
    expect(other.pin?.id).not.toBe(state.pin?.id);
    const merged = lookAtGuardrails(state, said({ mode: "in_core_only" }), both, T0 + 2 * HOUR_MS);
    expect(merged.turns.at(-1)?.message).toBe("aaaaaaaaaaaa says in_core_only");
  });

  test("remembers its newest turns only", () => {
    let state = tripped();
    for (let n = 1; n <= 60; n++) state = lookAtGuardrails(state, said(), breach, state.pin?.expiresAt ?? 0);
    expect(state.turns).toHaveLength(50);
    expect(kinds(state)).toEqual(Array.from({ length: 50 }, () => "renewed"));
  });

  test("asked again it answers the same, with the same object", () => {
    const state = tripped();
    expect(lookAtGuardrails(state, said(), breach, T0 + HOUR_MS + MINUTE_MS)).toBe(state);
    expect(lookAtGuardrails(NO_ROLLBACK, said(), [], T0)).toBe(NO_ROLLBACK);
  });

  test("a fleet that is in_core_only already does not trip", () => {
    const state = lookAtGuardrails(NO_ROLLBACK, said({ mode: "in_core_only" }), breach, T0);
    expect(lookAtGuardrails(state, said({ mode: "in_core_only" }), breach, T0 + 2 * HOUR_MS).pin).toBeNull();
  });

  test("a pin that nobody merged is renewed while the breach lasts and expires when it does not", () => {
    const state = tripped();
    const end = state.pin?.expiresAt ?? 0;
    expect(rollbackDueAt(state, said())).toBe(end);
    const renewed = lookAtGuardrails(state, said(), breach, end);
    expect(renewed.pin?.expiresAt).toBe(end + PIN_MS);
    expect(kinds(renewed)).toEqual(["tripped", "renewed"]);
    const expired = lookAtGuardrails(state, said(), [], end);
    expect(expired.pin).toBeNull();
    expect(kinds(expired)).toEqual(["tripped", "expired"]);
  });

  test("merged, it lasts until a reviewed change says normal again, and then counts anew", () => {
    const merged = lookAtGuardrails(tripped(), said({ mode: "in_core_only" }), breach, T0 + 2 * HOUR_MS);
    expect(merged.pin?.merged).toBe(true);
    expect(rollbackDueAt(merged, said())).toBeNull();
    const later = lookAtGuardrails(merged, said({ mode: "in_core_only" }), [], T0 + 900 * HOUR_MS);
    expect(later.pin).not.toBeNull();
    const back = lookAtGuardrails(later, said(), breach, T0 + 901 * HOUR_MS);
    expect(back).toMatchObject({ pin: null, since: {}, countFrom: T0 + 901 * HOUR_MS });
    expect(kinds(back)).toEqual(["tripped", "merged", "lifted"]);
  });

  test("a reviewed change lifts it by its name, and only by its name", () => {
    const state = tripped();
    const id = state.pin?.id ?? "";
    expect(
      lookAtGuardrails(state, said({ lift: "rollback-00000000" }), breach, T0 + 2 * HOUR_MS).pin?.id,
    ).toBe(id);
    const lifted = lookAtGuardrails(state, said({ lift: id }), breach, T0 + 2 * HOUR_MS);
    expect(lifted).toMatchObject({ pin: null, since: {}, countFrom: T0 + 2 * HOUR_MS });
  });

  test("a clock that was put back neither trips nor forgets", () => {
    const state = lookAtGuardrails(NO_ROLLBACK, said(), breach, T0);
    const back = lookAtGuardrails(state, said(), breach, T0 - 5 * HOUR_MS);
    expect(back.pin).toBeNull();
    expect(lookAtGuardrails(back, said(), breach, T0 + HOUR_MS).pin).not.toBeNull();
  });
});
