/** What a notice says, and to whom it turns, in the cases where a rule decides about it. */
import { describe, expect, test } from "vitest";
import type { DrillResult } from "../../../src/core/model/drill.ts";
import { backlogAlert, deadLetterAlert, downAlert, restoredAlert } from "../../../src/core/notify/alerts.ts";
import { bounded } from "../../../src/core/notify/bound.ts";
import { drillFailed, drillOverdue } from "../../../src/core/notify/drills.ts";
import { T0 } from "../../support/fleet.ts";
import { aNotice, aRow } from "./notices.ts";

describe("a notice", () => {
  test.each([
    [499, 499, "x"],
    [500, 500, "x"],
    [501, 500, "…"],
    [9_999, 500, "…"],
  ])("of %i characters has %i and ends in %s", (given, taken, end) => {
    const text = "x".repeat(given);
    const { subject, what, evidence, answers } = bounded(
      aNotice({ subject: text, what: text, evidence: [text], answers: [text] }),
    );
    for (const cut of [subject, what, evidence[0], answers[0]]) {
      expect(cut).toHaveLength(taken);
      expect(cut?.at(-1)).toBe(end);
      expect(cut?.startsWith("x".repeat(499))).toBe(true);
    }
  });

  test("has thirty lines at most", () => {
    const lines = Array.from({ length: 31 }, (_, n) => `line ${n}`);
    const { evidence, answers } = bounded(aNotice({ evidence: lines, answers: lines }));
    expect(evidence).toEqual(lines.slice(0, 30));
    expect(answers).toEqual(lines.slice(0, 30));
  });
});

describe("an alert about a destination", () => {
  const dead = { since: T0 + 5, reason: "Gone" } as const;

  test("whose notice was set aside says why, and how it is sent again", () => {
    const alert = deadLetterAlert(aRow({ attempts: 3, lastProblem: "410", dead }), T0 + 9);
    expect(alert).toMatchObject({
      kind: "alert",
      severity: "high",
      at: T0 + 9,
      since: T0,
      clone: null,
      topic: "destination/pager",
      evidence: ["410", "3 attempts, id msg_0"],
      answers: ["factory dead-letters", "factory dead-letters replay msg_0/pager"],
    });
    expect(alert.what).toBe('incident "audit: crash" could not be delivered: Gone');
    expect(deadLetterAlert(aRow({ dead }), T0).evidence[0]).toBe("no answer is on record");
    expect(deadLetterAlert(aRow(), T0).what).toContain("Refused");
    // One alert for one death, whoever works it out and when.
    expect(deadLetterAlert(aRow({ dead }), T0 + 10).id).toBe(deadLetterAlert(aRow({ dead }), T0 + 9).id);
    expect(deadLetterAlert(aRow(), T0 + 10).id).not.toBe(deadLetterAlert(aRow(), T0 + 9).id);
  });

  test("that is down, is back, or has too much to take, says what helps", () => {
    const at = T0 + 9;
    expect(downAlert("pager", { since: T0, at, problem: "refused" })).toMatchObject({
      severity: "medium",
      since: T0,
      evidence: ["refused"],
      answers: ["factory status", "see that `pager` in fleet.yaml, spec.simone.notify, can be reached"],
    });
    expect(restoredAlert("pager", { since: T0, at })).toMatchObject({
      severity: "low",
      since: T0,
      evidence: [],
      answers: ["factory status"],
    });
    expect(backlogAlert("pager", { rows: 600, at })).toMatchObject({
      severity: "high",
      since: at,
      what: expect.stringContaining("600 notices wait"),
      evidence: [],
      answers: ["factory status"],
    });
  });
});

describe("a drill", () => {
  const result: DrillResult = {
    at: "2026-11-23T12:00:00.000Z",
    target: "scribe",
    enter: "now",
    passed: false,
    deathMs: null,
    containment: null,
    rung: null,
    evidence: "pid 7 lives",
  };

  test("that failed is a serious incident of nobody's mission", () => {
    const notice = drillFailed(result);
    expect(notice).toMatchObject({
      kind: "incident",
      severity: "high",
      at: T0,
      since: T0,
      clone: null,
      mission: null,
      missionId: null,
      subject: "scribe: drill_failed",
      evidence: ["pid 7 lives", "entered at now"],
      answers: ["factory drills", "factory drill kill scribe"],
      topic: null,
    });
    expect(drillFailed(result)).toEqual(notice);
    expect(drillFailed({ ...result, at: "2026-11-24T12:00:00.000Z" }).id).not.toBe(notice.id);
    expect(drillFailed({ ...result, target: "other" }).id).not.toBe(notice.id);
  });

  test("that was not made is one as well, and of the whole fleet where no clone is named", () => {
    const overdue = { target: "scribe", dueAt: T0, reason: "the switch is engaged" };
    expect(drillOverdue(overdue)).toMatchObject({
      kind: "incident",
      severity: "medium",
      at: T0 + 3_600_000,
      since: T0,
      subject: "scribe: drill_overdue",
      what: "the drill of 2026-11-23T12:00:00.000Z was not made: the switch is engaged",
      evidence: [],
      answers: ["factory drills", "factory drill kill scribe"],
    });
    expect(drillOverdue({ ...overdue, target: "fleet" }).answers).toEqual([
      "factory drills",
      "factory drill kill --all-canaries",
    ]);
    expect(drillOverdue({ ...overdue, reason: "another" }).id).not.toBe(drillOverdue(overdue).id);
  });
});
