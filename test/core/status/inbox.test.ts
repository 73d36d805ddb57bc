/** Everything that waits for a person. */

import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { NO_ROLLBACK } from "../../../src/core/model/guardrail.ts";
import { deadLettersOf } from "../../../src/core/status/callbacks.ts";
import { inboxOf } from "../../../src/core/status/inbox.ts";
import type { RecordProblem } from "../../../src/core/status/record-problem.ts";
import { aVerdict, Life, REVISION, T0 } from "../../support/fleet.ts";
import { aRow } from "../notify/notices.ts";
import { aPicture, closed, KILL, NOW, PIN, working } from "./snapshot.ts";

describe("the inbox", () => {
  const items = (states: readonly CloneState[], change: Partial<ReturnType<typeof aPicture>> = {}) =>
    inboxOf(aPicture(states, change));

  test("has what is wrong with the repository", () => {
    const source = (reason: string, observedAt: number | null) => ({
      state: "error" as const,
      reason,
      message: "it is so",
      revision: null,
      observedAt,
    });
    expect(items([], { source: source("Unreachable", T0) })).toEqual([
      {
        id: "source/error",
        severity: "warning",
        kind: "source",
        subject: "repository",
        since: T0,
        message: "Unreachable: it is so",
        answers: ["factory doctor"],
      },
    ]);
    expect(items([], { source: source("HistoryRewritten", null) })).toMatchObject([
      { severity: "critical", since: NOW, answers: ["factory allow-rewrite --from <old> --to <new>"] },
    ]);
    expect(items([])).toEqual([]);
  });

  test("has what holds the whole fleet", () => {
    const held = (subject: string, reason: string, message = "m".repeat(99)) => ({
      subject,
      step: "start" as const,
      reason,
      message,
    });
    expect(
      items([], {
        held: [
          held("mission/a", "KillSwitchEngaged"),
          held("fleet", "ListingIncomplete"),
          held("fleet", "KillSwitchEngaged"),
        ],
      }),
    ).toEqual([
      {
        id: `fleet/kill-switch/${"m".repeat(80)}`,
        severity: "critical",
        kind: "kill_switch",
        subject: "fleet",
        since: NOW,
        message: "m".repeat(99),
        answers: ["factory kill-switch status", "factory kill-switch release --all"],
      },
    ]);
    expect(
      items([], {
        held: [
          held("clone/x", "X"),
          held("clone/a", "MassDeleteGuard", "too many"),
          held("clone/b", "MassDeleteGuard"),
        ],
      }),
    ).toEqual([
      {
        id: "fleet/mass-deletion",
        severity: "critical",
        kind: "mass_deletion",
        subject: "fleet",
        since: NOW,
        message: "too many",
        answers: ["revert the commit", "confirm it in fleet.yaml"],
      },
    ]);
  });

  test("has everything, the most serious first, then the oldest, then by id", () => {
    const drill = {
      at: "2026-11-23T12:00:00.000Z",
      target: "a",
      enter: "term" as const,
      passed: false,
      deathMs: null,
      containment: null,
      rung: null,
      evidence: "x",
    };
    const lettersOf = (at: number) => deadLettersOf([aRow({ dead: { since: at, reason: "Gone" } })]);
    const refused = { digest: "d", revision: REVISION, at: T0 + 5, reason: "x", back: {} };
    const ids = items([closed("a", "audit").state], {
      source: { state: "error", reason: "X", message: "", revision: null, observedAt: T0 + 5 },
      rollback: { ...NO_ROLLBACK, pin: PIN },
      rollouts: [{ group: "g", stable: null, candidate: null, refused, turns: [] } as never],
      drills: { plan: null, results: [drill], overdue: [] },
      callbacks: { destinations: [], deadLetters: lettersOf(T0 - 1) },
      record: { since: T0 + 1, message: "full" },
    }).map(({ id }) => id);
    expect(ids).toEqual([
      "callbacks/dead-letters",
      "a/drill_failed",
      "fleet.guardrail.rollback-1",
      "record/not-writable",
      "fleet.rollout.g",
      "source/error",
      "audit/closure",
    ]);
  });

  test("says what helps a record that cannot be written", () => {
    const answersTo = (record: RecordProblem) => items([], { record })[0]?.answers[0];
    expect(answersTo({ since: T0, message: "full" })).toMatch(/make room/);
    expect(answersTo({ since: T0, message: "gone", removed: true })).toMatch(/`factory restore`/);
  });

  const hold = (
    kind: "operator" | "budget" | "quarantine" | "freeze" | "gate" | "window",
    owner = "supervisor",
  ) => ({ kind, owner, since: T0, reason: "X", message: `held by ${kind}`, clearBy: "operator" as const });

  test.each([
    ["budget", "warning", ["raise spec.budget in missions/m-a.yaml", "factory kill m-a"]],
    ["quarantine", "critical", ["factory logs m-a", "factory resume m-a", "factory kill m-a"]],
    ["freeze", "critical", ["factory doctor", "factory kill --now m-a"]],
    ["gate", "warning", ["factory why m-a"]],
    ["operator", "info", ["factory resume m-a"]],
  ] as const)("has the hold %s, and how it is answered", (kind, severity, answers) => {
    expect(items([{ ...working("a").state, holds: [hold(kind)] }])).toEqual([
      { id: `m-a/${kind}`, kind, subject: "m-a", since: T0, message: `held by ${kind}`, severity, answers },
    ]);
    expect(items([{ ...new Life("a").declared().state, holds: [hold(kind)] }])[0]?.subject).toBe("a");
  });

  test("leaves out what the repository or time alone lifts", () => {
    expect(
      items([{ ...working("a").state, holds: [hold("operator", "repository"), hold("window")] }]),
    ).toEqual([]);
  });

  test("has a question instead of the hold that it is about, and other holds beside it", () => {
    const life = working("a").on({
      type: "budget.crossed",
      meter: "runtime_minutes",
      level: "pause",
      used: 9,
      limit: 10,
    });
    const more = { ...life.state, holds: [...life.state.holds, hold("operator"), hold("budget", "day")] };
    expect(
      items([more])
        .map(({ id }) => id)
        .sort(),
    ).toEqual(["m-a.budget.1", "m-a/budget", "m-a/operator"]);
    const [asked] = items([life.state]);
    expect(asked?.answers).toContain("factory ack m-a.budget.1");
    life.on({ type: "request.acknowledged", request: "m-a.budget.1", by: operator("ann") });
    const [known] = items([life.state]);
    expect(known?.message).toMatch(/; operator:ann is looking into it$/);
    expect(known?.answers.some((one) => one.startsWith("factory ack"))).toBe(false);
  });

  test("has a closure that nobody decided about, while nothing came after it", () => {
    const life = working("a", "audit").reports("mission.completed").dead();
    const verdict = aVerdict(true);
    const criteria = (["met", "pending", "pending"] as const).map(
      (state, n) => ({ ...(verdict.criteria[0] as object), id: `c${n}`, state }) as never,
    );
    life.on({
      type: "judge.finished",
      missionId: life.state.mission?.missionId ?? "",
      verdict: { ...verdict, criteria },
    });
    expect(items([life.state])).toMatchObject([
      {
        id: "audit/closure",
        severity: "warning",
        answers: [
          "factory review audit --met c1,c2",
          "factory closure audit",
          "factory closure audit --decide retire",
          "factory closure audit --decide standby",
        ],
      },
    ]);
    const accepted = new Life("a")
      .declared({ afterClosure: "ask" })
      .assigned()
      .planned()
      .prepared()
      .launched();
    accepted.ready().dispatched().reports("mission.accepted").reports("mission.completed").dead().judged();
    expect(items([accepted.state])).toMatchObject([{ severity: "info" }]);
    expect(items([{ ...accepted.state, phase: "Retired" }])).toEqual([]);
    expect(items([accepted.assigned({}, "next").state])).toEqual([]);
    const twice = closed("a", "one").assigned({}, "two").on(KILL);
    expect(items([twice.state]).map(({ id }) => id)).toEqual(["two/closure"]);
    const { missionId } = twice.state.past[1] ?? { missionId: "" };
    twice.on({ type: "closure.decided", missionId, decision: "standby", by: operator("ann") });
    expect(items([twice.state])).toEqual([]);
  });

  test("has what an agent is blocked by, unless that is asked already", () => {
    const life = working("a").reports("mission.blocked", { summary: "no key" });
    const { mission } = life.state;
    if (mission === null) throw new Error("no mission");
    const since = mission.blockers[0]?.since;
    const [item] = items([{ ...life.state, requests: [], holds: [] }]);
    expect(item).toMatchObject({
      id: "m-a/blocked",
      severity: "warning",
      kind: "blocked",
      subject: "m-a",
      since,
      message: "blocked: no key (1×)",
    });
    expect(items([{ ...working("b").state, requests: [] }])).toEqual([]);
  });
});
