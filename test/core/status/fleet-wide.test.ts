/** What people see of guardrails, rollouts and drills, and the texts they are shown in. */

import { describe, expect, test } from "vitest";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import type { DrillResult } from "../../../src/core/model/drill.ts";
import { NO_ROLLBACK } from "../../../src/core/model/guardrail.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import { drillItems, drillText } from "../../../src/core/status/drills.ts";
import { guardrailItems, guardrailsView } from "../../../src/core/status/guardrails.ts";
import { rolloutItems, rolloutView } from "../../../src/core/status/rollouts.ts";
import { cell, duration } from "../../../src/core/status/text.ts";
import { timelineOf } from "../../../src/core/status/timeline.ts";
import { aReport, REVISION, T0 } from "../../support/fleet.ts";

describe("guardrails", () => {
  const breach = { guardrail: "success", measured: 50, threshold: 80, message: "50 %" } as const;
  const pin = {
    id: "rollback-1",
    at: T0,
    expiresAt: T0 + 1,
    breaches: [breach, { ...breach, message: "slow" }],
    revision: REVISION,
    proposal: null,
    merged: false,
  };
  const measures = {
    missions: 0,
    successPercent: null,
    highIncidentsPerTen: null,
    acceptedP95Ms: null,
    interventionsPerMission: null,
  };
  const view = (change: Partial<typeof NO_ROLLBACK>, mode: "normal" | "in_core_only" = "normal") =>
    guardrailsView({
      state: { ...NO_ROLLBACK, ...change },
      measures,
      breaches: [breach],
      policy: { ...DEFAULT_FLEET_POLICY, mode },
      now: T0 + 7,
    });

  test.each([
    ["normal", "fleet.yaml says normal", () => view({})],
    ["in_core_only", "fleet.yaml says in_core_only", () => view({}, "in_core_only")],
    ["in_core_only", "fleet.yaml says in_core_only", () => view({ pin }, "in_core_only")],
    ["in_core_only", "rollback-1 tripped at 2026-11-23T12:00:00.000Z", () => view({ pin })],
  ])("say that the mode is %s because %s", (mode, because, seen) =>
    expect(seen()).toMatchObject({ mode, because }),
  );

  test("say since when each is breached, and when it trips", () => {
    const lasts = DEFAULT_FLEET_POLICY.guardrails.sustainedMinutes * 60_000;
    expect(view({}).breaches).toEqual([{ ...breach, since: T0 + 7, tripsAt: T0 + 7 + lasts }]);
    expect(view({ since: { success: T0 } }).breaches).toMatchObject([{ since: T0, tripsAt: T0 + lasts }]);
  });

  test("that tripped wait for the change that is needed next", () => {
    const items = (change: Partial<typeof pin> | { proposal: { branch: string; commit: string } }) =>
      guardrailItems({ ...NO_ROLLBACK, pin: { ...pin, ...change } });
    expect(guardrailItems(NO_ROLLBACK)).toEqual([]);
    expect(items({})).toMatchObject([
      {
        id: "fleet.guardrail.rollback-1",
        severity: "critical",
        kind: "guardrail",
        subject: "fleet",
        since: T0,
        message: "rolled back to in-core execution: 50 %; slow",
        answers: [
          "its proposal is being pushed",
          "or set `guardrails.lift: rollback-1` in fleet.yaml, in a reviewed change",
          "factory guardrails",
        ],
      },
    ]);
    expect(items({ proposal: { branch: "factory/rollback-1", commit: "c" } })[0]?.answers[0]).toBe(
      "merge factory/rollback-1 to make it permanent",
    );
    expect(items({ merged: true })[0]?.answers).toEqual([
      "set `mode: normal` in fleet.yaml, in a reviewed change",
    ]);
  });
});

describe("a rollout", () => {
  const canary = { since: T0, failures: 0 } as never;
  const rest = {
    group: "plain",
    stable: "sha256:1",
    candidate: null,
    refused: null,
    turns: [],
  } as never as Parameters<typeof rolloutView>[0];
  const candidate = {
    digest: "sha256:2",
    revision: REVISION,
    since: T0,
    canaries: { b: canary, a: canary },
  } as never;
  const refused = {
    digest: "sha256:2",
    revision: REVISION,
    at: T0,
    reason: "it crashed",
    back: { d: canary, c: canary },
  } as never;

  test("is stable, is tried, or was refused", () => {
    expect(rolloutView(rest)).toEqual({
      group: "plain",
      state: "stable",
      stable: "sha256:1",
      candidate: null,
      refused: null,
      turns: [],
    });
    expect(rolloutView({ ...rest, candidate, refused })).toMatchObject({
      state: "trying",
      candidate: { digest: "sha256:2", revision: REVISION, since: T0, canaries: ["a", "b"] },
    });
    expect(rolloutView({ ...rest, refused })).toMatchObject({
      state: "refused",
      refused: { digest: "sha256:2", revision: REVISION, at: T0, reason: "it crashed", reverted: ["c", "d"] },
    });
  });

  test("that was refused waits for a person", () => {
    expect(rolloutItems([rest, { ...rest, candidate }])).toEqual([]);
    expect(rolloutItems([{ ...rest, refused }])).toEqual([
      {
        id: "fleet.rollout.plain",
        severity: "warning",
        kind: "rollout",
        subject: "plain",
        since: T0,
        message: "commit aaaaaaaaaaaa was refused by its canary: it crashed",
        answers: [`git revert ${REVISION}`, "or mend it in a new commit", "factory rollouts"],
      },
    ]);
  });
});

describe("a drill", () => {
  const passed: DrillResult = {
    at: "2026-11-23T12:00:00.000Z",
    target: "a",
    enter: "term",
    passed: true,
    deathMs: 9,
    containment: "pidns",
    rung: "kill",
    evidence: "x",
  };

  test("says how it ended", () => {
    expect(drillText(passed)).toBe("dead after 9 ms by kill, containment pidns");
    expect(drillText({ ...passed, passed: false })).toBe("FAILED: x");
  });

  test("that failed or was not made waits for a person", () => {
    const overdue = ["a", "fleet"].map((target) => ({ target, dueAt: T0, reason: "the switch is engaged" }));
    expect(
      drillItems({
        plan: null,
        results: [
          { ...passed, passed: false },
          { ...passed, target: "b" },
        ],
        overdue,
      }),
    ).toMatchObject([
      {
        id: "a/drill_failed",
        severity: "critical",
        since: T0,
        answers: ["factory drill kill a", "factory drills", "factory doctor"],
      },
      {
        id: "a/drill_overdue",
        severity: "warning",
        kind: "drill_overdue",
        since: T0,
        message: "the drill of 2026-11-23T12:00:00.000Z was not made: the switch is engaged",
        answers: ["factory drill kill a", "factory drills"],
      },
      { id: "fleet/drill_overdue", answers: ["factory drill kill --all-canaries", "factory drills"] },
    ]);
  });
});

describe("texts", () => {
  test.each([
    [0, "0 ms"],
    [839.6, "840 ms"],
    [999, "999 ms"],
    [1_000, "1.0 s"],
    [59_900, "59.9 s"],
    [60_000, "1 min 0 s"],
    [250_000, "4 min 10 s"],
    [HOUR_MS - 1, "59 min 59 s"],
    [HOUR_MS, "1 h 0 min"],
    [3 * HOUR_MS + 5 * 60_000 + 59_000, "3 h 5 min"],
  ])("%d ms are %s", (ms, text) => expect(duration(ms)).toBe(text));

  test("of others are one line without markup, and not too long", () => {
    expect(cell("  a |\n  *b* <i>[x](y) `z` #1 @ann {} \\ _ ")).toBe(
      "a \\| \\*b\\* \\<i\\>\\[x\\](y) \\`z\\` \\#1 \\@ann \\{\\} \\\\ \\_",
    );
    for (const [text, safe] of [
      [" a", "a"],
      ["a ", "a"],
      ["a  b", "a b"],
      ["a\tb", "a b"],
      ["a\u00a0b", "a b"],
      ["a#b", "a\\#b"],
      ["two words", "two words"],
    ] as const)
      expect(cell(text)).toBe(safe);
    expect(cell("x".repeat(400))).toBe("x".repeat(400));
    expect(cell("x".repeat(401))).toBe(`${"x".repeat(399)}…`);
  });
});

describe("a timeline", () => {
  const gone = (n: number) => ({
    at: T0 + n,
    event: { type: "instance.gone", epoch: n, evidence: "x".repeat(300) } as const,
  });
  const lines = (count: number) => timelineOf(Array.from({ length: count }, (_, n) => gone(n)));

  test("is cut to lines that can be read", () => {
    const [line] = lines(1);
    expect(line).toHaveLength(200);
    expect(line).toMatch(/^2026-11-23T12:00:00.000Z .*xxx$/);
  });

  test("leaves out what says nothing, and the middle of a long story", () => {
    const all = [
      { at: T0, event: { type: "instance.configured", epoch: 1 } },
      { at: T0, event: { type: "request.reminded", request: "r" } },
      { at: T0, event: { type: "instance.reported", epoch: 1, report: aReport("mission.progress") } },
      { at: T0, event: { type: "instance.reported", epoch: 1, report: aReport("mission.accepted") } },
    ] as unknown as Parameters<typeof timelineOf>[0];
    expect(timelineOf(all)).toHaveLength(1);
    const most = lines(500).length;
    expect(lines(most)).toHaveLength(most);
    expect(lines(most).join()).not.toContain("more, in the journal");
    const long = lines(most + 3);
    expect(long).toHaveLength(most);
    expect(long[10]).toBe("… 4 more, in the journal of the bundle");
    // A thousandth of a second apart, from 0 on.
    expect([long[9], long[11], long.at(-1)].map((line) => Number(line?.slice(20, 23)))).toEqual([
      9,
      14,
      most + 2,
    ]);
  });
});
