import { describe, expect, test } from "vitest";
import { outcomeOf } from "../../../../src/core/clone/closing/close.ts";
import { promote, templateConditions, templateDigest } from "../../../../src/core/clone/closing/template.ts";
import { type Actor, operator } from "../../../../src/core/model/actor.ts";
import type { CriterionEvidence } from "../../../../src/core/model/verdict.ts";
import { trendsOf } from "../../../../src/core/status/trends.ts";
import { aVerdict, Life, T0 } from "../../../support/fleet.ts";

const criterion = (id: string, state: CriterionEvidence["state"]): CriterionEvidence => ({
  id,
  text: id,
  state,
  check: null,
});

/** A mission that completed, with what its verdict says about these criteria. */
function judged(criteria: readonly CriterionEvidence[], wish: "ask" | "retire" | "standby" = "ask"): Life {
  const life = new Life("scribe").declared({ afterClosure: wish, overlays: ["careful"] });
  life.assigned().planned().prepared().launched().ready().dispatched().reports("mission.accepted");
  life.reports("mission.completed", { llmCalls: 5, costMicros: 2_000_000 }).dead();
  const missionId = life.state.mission?.missionId ?? "";
  return life.on({
    type: "judge.finished",
    missionId,
    verdict: { ...aVerdict(true), criteria },
  });
}
const newest = (life: Life) => {
  const closed = life.state.past.at(-1);
  if (closed === undefined) throw new Error("nothing is closed");
  return closed;
};
const word = (life: Life, criteria: Record<string, boolean>, by: Actor = operator("ann")) =>
  life.on({
    type: "review.recorded",
    missionId: newest(life).missionId,
    criteria: Object.entries(criteria).map(([id, met]) => ({ id, met })),
    by,
    note: "looked at it",
  });

describe("an outcome", () => {
  test.each<
    [what: string, output: boolean, criteria: readonly CriterionEvidence["state"][], outcome: string]
  >([
    ["every output valid, every criterion met", true, ["met", "met"], "accepted"],
    ["an output that is not valid outweighs every criterion", false, ["met"], "rejected"],
    ["one criterion that is not met", true, ["met", "unmet", "pending"], "rejected"],
    ["one that waits for a person", true, ["met", "pending"], "pending"],
  ])("%s", (_what, output, states, outcome) => {
    const criteria = states.map((state, n) => criterion(`c${n}`, state));
    expect(outcomeOf({ ...aVerdict(output), criteria }).outcome).toBe(outcome);
  });
});

describe("a person's word", () => {
  test("settles a pending outcome, and the clone goes where its file wants it", () => {
    const life = judged([criterion("complete", "met"), criterion("readable", "pending")], "retire");
    expect(newest(life)).toMatchObject({ outcome: "pending", decision: "undecided" });
    word(life, { readable: true });
    expect(newest(life)).toMatchObject({
      outcome: "accepted",
      decision: "retire",
      scorecard: {
        outcome: "accepted",
        quality: {
          criteria_met: 2,
          criteria_pending: 0,
          human_review: { met: 1, unmet: 0, by: ["operator:ann"] },
        },
        economics: { cost_per_accepted_usd: 2 },
      },
    });
    expect(newest(life).verdict?.criteria[1]?.review).toMatchObject({
      by: operator("ann"),
      note: "looked at it",
    });
    expect(life.effects).toEqual(["archive"]);
  });

  test("that it is not met rejects it, and the clone waits for a decision", () => {
    const life = judged([criterion("readable", "pending")], "retire");
    word(life, { readable: false });
    expect(newest(life)).toMatchObject({ outcome: "rejected", decision: "undecided" });
    expect(newest(life).scorecard.economics.cost_per_accepted_usd).toBeNull();
  });

  test("on some of several leaves it pending, and may be changed until it is settled", () => {
    const life = judged([criterion("a", "pending"), criterion("b", "pending")]);
    word(life, { a: false });
    expect(newest(life).outcome).toBe("rejected");
    const other = judged([criterion("a", "pending"), criterion("b", "pending")]);
    word(other, { a: true });
    expect(newest(other)).toMatchObject({
      outcome: "pending",
      scorecard: { quality: { criteria_pending: 1 } },
    });
    word(other, { a: true, b: true }, operator("bob"));
    expect(newest(other).scorecard.quality.human_review).toEqual({ met: 2, unmet: 0, by: ["operator:bob"] });
  });

  test.each([
    [
      "about what a program judged",
      [criterion("complete", "unmet"), criterion("readable", "pending")],
      { complete: true },
    ],
    ["about a criterion that there is not", [criterion("readable", "pending")], { beautiful: true }],
    ["after the outcome is settled", [criterion("complete", "met")], { complete: false }],
  ])("%s changes nothing", (_name, criteria, words) => {
    const life = judged(criteria);
    const before = life.state.past;
    word(life, words);
    expect(life.state.past).toBe(before);
    expect(life.last?.ignored).toBeDefined();
  });
});

describe("a template", () => {
  const propose = (life: Life, by: Actor = operator("ann"), interventionsMax = 2) =>
    life.on({ type: "template.proposed", missionId: newest(life).missionId, by, interventionsMax });
  const answer = (life: Life, type: "approve" | "deny", by: Actor) =>
    life.on({
      type: "request.decided",
      request: life.state.requests[0]?.id ?? "",
      decision: { type },
      by,
      reason: "",
    });

  test("needs the sign-off of somebody else, and is then proposed as a change", () => {
    const life = judged([criterion("complete", "met")]);
    propose(life);
    expect(life.state.requests).toMatchObject([{ kind: "template", answers: ["approve", "deny"] }]);
    answer(life, "approve", operator("ann"));
    expect(life.last?.ignored).toContain("another person has to approve");
    answer(life, "approve", operator("bob"));
    expect(newest(life)).toMatchObject({ decision: "template", decidedBy: operator("bob") });
    expect(life.last?.effects).toEqual([{ type: "promote", missionId: newest(life).missionId }]);
    life.on({ type: "promote.finished", missionId: newest(life).missionId, evidence: "branch x" });
    expect(newest(life).promotedAt).toBe("branch x");
    expect(life.state.requests).toEqual([]);
  });

  test("that is denied leaves the decision open", () => {
    const life = judged([criterion("complete", "met")]);
    propose(life);
    answer(life, "deny", operator("bob"));
    expect(newest(life).decision).toBe("undecided");
    expect(life.last?.effects).toEqual([]);
  });

  test("is still asked for when the next mission is closed", () => {
    const life = judged([criterion("complete", "met")]);
    propose(life);
    life.assigned({}, "other").on({ type: "mission.withdrawn", revision: "r", reason: "gone" });
    expect(life.state.requests.map(({ kind }) => kind)).toEqual(["template"]);
  });

  test("is not asked for while a condition is not met", () => {
    const life = judged([criterion("complete", "unmet")]);
    propose(life);
    expect(life.state.requests).toEqual([]);
    expect(life.last?.ignored).toContain("pilot");
  });

  test.each([
    ["pilot", {}, { outcome: "rejected" as const }],
    [
      "incidents",
      {},
      {
        incidents: [
          {
            id: "runaway.1",
            class: "runaway" as const,
            severity: "critical" as const,
            at: T0,
            startedAt: T0,
            endedAt: T0,
            message: "spent",
          },
        ],
      },
    ],
    ["maintenance", { interventions: 3 }, {}],
    ["maintenance", { restarts: 4 }, {}],
  ])("%s", (name, maintainability, change) => {
    const closed = newest(judged([criterion("complete", "met")]));
    const scorecard = {
      ...closed.scorecard,
      maintainability: { ...closed.scorecard.maintainability, ...maintainability },
    };
    const of = (conditions: ReturnType<typeof templateConditions>) =>
      conditions.filter(({ ok }) => !ok).map(({ name: unmet }) => unmet);
    expect(of(templateConditions(closed, 2))).toEqual([]);
    expect(of(templateConditions({ ...closed, ...change, scorecard }, 2))).toEqual([name]);
  });

  test("is met at its number, and by incidents that were not critical; what speaks against it is named", () => {
    const closed = newest(judged([criterion("complete", "met")]));
    const incident = { class: "crash", at: T0, startedAt: T0, endedAt: T0, message: "it crashed" } as const;
    const { maintainability } = closed.scorecard;
    const scorecard = {
      ...closed.scorecard,
      maintainability: { ...maintainability, interventions: 2, restarts: 3 },
    };
    const evidence = (incidents: readonly object[]) =>
      templateConditions({ ...closed, scorecard, incidents: incidents as never }, 2).map((one) => [
        one.ok,
        one.evidence,
      ]);
    const minor = { ...incident, id: "i1", severity: "medium" };
    expect(evidence([minor])).toEqual([
      [true, "audit run 1 is accepted"],
      [true, "no critical incident"],
      [true, "2 interventions by hand (at most 2), 3 restarts (at most 3)"],
    ]);
    const critical = { ...minor, id: "i2", severity: "critical" };
    expect(evidence([minor, critical, { ...critical, id: "i3" }])[1]).toEqual([
      false,
      "i2: it crashed; i3: it crashed",
    ]);
  });

  test("and its sign-off are for one mission of several", () => {
    const life = judged([criterion("complete", "met")]);
    const [first] = life.state.past;
    life.assigned({}, "other").planned().prepared().launched().ready().dispatched();
    life.reports("mission.accepted").reports("mission.completed").dead();
    life.on({
      type: "judge.finished",
      missionId: life.state.mission?.missionId ?? "",
      verdict: { ...aVerdict(true), criteria: [criterion("complete", "met")] },
    });
    expect(life.state.past).toHaveLength(2);
    const chosen = life.state.past[1];
    const propose = (missionId: string) =>
      life.on({ type: "template.proposed", missionId, by: operator("ann"), interventionsMax: 2 });
    expect(propose("m_nobody").last?.ignored).toBe("there is no such closed mission");
    propose(chosen?.missionId ?? "");
    const request = life.state.requests.find(({ kind }) => kind === "template");
    expect(request?.summary).toContain("make a template of other");
    life.on({
      type: "request.decided",
      request: request?.id ?? "",
      decision: { type: "approve" },
      by: operator("bob"),
      reason: "",
    });
    expect(life.last?.effects).toEqual([{ type: "promote", missionId: chosen?.missionId }]);
    life.on({ type: "promote.finished", missionId: chosen?.missionId ?? "", evidence: "branch x" });
    expect(life.state.past.map(({ decision, promotedAt }) => [decision, promotedAt ?? null])).toEqual([
      [first?.decision, null],
      ["template", "branch x"],
    ]);
    expect(propose(chosen?.missionId ?? "").last?.ignored).toBe("it is decided: template");
  });

  test("that was signed off is made once, and nothing is made of what nobody signed", () => {
    const life = judged([criterion("complete", "met")]);
    const closed = newest(life);
    expect(promote(life.state, "sha256:another", operator("bob")).ignored).toBe(
      "there is nothing left to promote",
    );
    const done = promote(life.state, templateDigest(closed), operator("bob"));
    expect(done.effects).toEqual([{ type: "promote", missionId: closed.missionId }]);
    expect(promote(done.state, templateDigest(closed), operator("bob")).ignored).toBe(
      "there is nothing left to promote",
    );
    const other = { ...closed, missionId: "m_other" };
    expect(templateDigest(other)).not.toBe(templateDigest(closed));
  });
});

describe("trends", () => {
  test("a stretch of time beside the one before it; what is unknown stays unknown", () => {
    const life = judged([criterion("complete", "met")]);
    const closed = newest(life);
    const at = (closedAt: number, change: Partial<typeof closed> = {}) => ({
      ...closed,
      missionId: `m${closedAt}`,
      closedAt,
      ...change,
    });
    const unknownCost = {
      ...closed.scorecard,
      economics: { ...closed.scorecard.economics, cost_usd: null },
    };
    const past = [
      at(T0 - 150),
      at(T0 - 100, { outcome: "rejected" }),
      at(T0 - 50, { scorecard: unknownCost }),
      at(T0, { outcome: "ignored" }),
    ];
    const trends = trendsOf([{ ...life.state, past }], T0 - 100, T0);
    expect(trends.now).toMatchObject({
      missions: 3,
      outcomes: { rejected: 1, accepted: 1, ignored: 1 },
      successPercent: 50,
      costKnown: 2,
      costUsd: 4,
      costPerAcceptedUsd: 4,
    });
    expect(trends.before).toMatchObject({ missions: 1, successPercent: 100, from: T0 - 200 });
    expect(trends.missions.map(({ closedAt }) => closedAt)).toEqual([T0, T0 - 50, T0 - 100]);
    expect(trendsOf([], 0, T0).now).toMatchObject({ missions: 0, successPercent: null, costUsd: null });
  });
});
