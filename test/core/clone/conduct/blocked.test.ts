import { describe, expect, test } from "vitest";
import { due } from "../../../../src/core/clone/due.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import { HOUR_MS } from "../../../../src/core/model/time.ts";
import { Life } from "../../../support/fleet.ts";

function blocked(life: Life, reason: string, afterMs = 1_000): Life {
  life.at += afterMs - 1_000;
  return life.reports("mission.blocked", { summary: reason, detail: { reason } });
}

const asked = (life: Life): string[] => life.state.requests.map(({ kind }) => kind);

describe("blocked", () => {
  test("the third of one reason asks, with every reason; ids and numbers make no other reason", () => {
    const life = new Life().running();
    blocked(life, "request req_0a1b2c3d4e was refused: 401");
    blocked(life, "no disk space left");
    blocked(life, "request req_9f8e7d6c5b was refused: 403");
    expect(asked(life)).toEqual([]);
    expect(life.state.mission?.blockers.map(({ times }) => times)).toEqual([1, 2]);
    blocked(life, "request req_77aa88bb99 was refused: 401");
    expect(life.state.requests).toEqual([
      expect.objectContaining({
        kind: "blocked",
        severity: "medium",
        answers: ["go_on", "stop"],
        hold: null,
      }),
    ]);
    const [request] = life.state.requests;
    expect(request?.evidence).toEqual([
      expect.stringMatching(/^3 × request req_77aa88bb99 was refused: 401 \(/),
      expect.stringMatching(/^1 × no disk space left \(/),
    ]);
    expect(request?.summary).toContain("1 other reason before");
    expect(life.state.mission?.incidents).toEqual([
      expect.objectContaining({ class: "blocked", endedAt: null }),
    ]);
    expect(life.state.holds).toEqual([]);
  });

  test("what comes while the question is open changes its facts and asks nothing new", () => {
    const life = new Life().running();
    for (let times = 0; times < 9; times += 1) blocked(life, "no key");
    blocked(life, "no disk");
    expect(life.state.requests).toHaveLength(1);
    expect(life.state.requests[0]?.evidence.map((line) => line.split(" (")[0])).toEqual([
      "1 × no disk",
      "9 × no key",
    ]);
    expect(life.state.mission?.incidents).toHaveLength(1);
  });

  test("reports outside of the window do not add up", () => {
    const life = new Life().running({ limits: { blocked: { escalate_after: 3, window_minutes: 60 } } });
    blocked(life, "no key");
    blocked(life, "no key", 40 * 60_000);
    blocked(life, "no key", 40 * 60_000);
    expect(asked(life)).toEqual([]);
    blocked(life, "no key", 10 * 60_000);
    expect(asked(life)).toEqual(["blocked"]);
  });

  test("being unblocked in between does not make it less often", () => {
    const life = new Life().running();
    for (let times = 0; times < 3; times += 1) {
      life.reports("mission.unblocked");
      blocked(life, "no key");
    }
    expect(asked(life)).toEqual(["blocked"]);
  });

  test.each(["mission.unblocked", "mission.progress"] as const)("%s closes the question", (type) => {
    const life = new Life().running();
    for (let times = 0; times < 3; times += 1) blocked(life, "no key");
    life.reports(type);
    expect(asked(life)).toEqual([]);
    expect(life.state.mission?.incidents[0]?.endedAt).toBe(life.at);
    // The next escalation takes as many reports again.
    blocked(blocked(life, "no key"), "no key");
    expect(asked(life)).toEqual([]);
    expect(asked(blocked(life, "no key"))).toEqual(["blocked"]);
    expect(life.state.requests[0]?.id).toBe("audit.blocked.2");
  });

  test("an answer goes to the agent, closes the question and is no reason to ask again", () => {
    const life = new Life().running();
    for (let times = 0; times < 3; times += 1) blocked(life, "no key");
    life.on({
      type: "request.decided",
      request: "audit.blocked.1",
      decision: { type: "go_on" },
      by: operator("simone"),
      reason: "the key is in the vault",
    });
    expect(life.last?.effects).toEqual([
      expect.objectContaining({ type: "message", from: "operator", text: "the key is in the vault" }),
    ]);
    expect(asked(life)).toEqual([]);
    expect(asked(blocked(life, "no key"))).toEqual([]);
    expect(life.state.mission?.answered[0]).toMatchObject({ kind: "blocked", decision: "go_on" });
  });

  test("unanswered and acknowledged, it comes back after four hours", () => {
    const life = new Life().running();
    for (let times = 0; times < 3; times += 1) blocked(life, "no key");
    life.on({ type: "request.acknowledged", request: "audit.blocked.1", by: operator("simone") });
    const back = life.at + 4 * HOUR_MS;
    const reminders = (now: number): number =>
      due(life.state, undefined, now, { watchingSince: 0, lagMs: 0 }).filter(
        ({ type }) => type === "request.reminded",
      ).length;
    expect(reminders(back - 1)).toBe(0);
    expect(reminders(back)).toBe(1);
  });

  test("for hours, and said only once, it is asked about as well; an answer gives it as long again", () => {
    const life = blocked(new Life().running(), "no key");
    const dueAt = (now: number) =>
      due(life.state, undefined, now, { watchingSince: 0, lagMs: 0 }).find(
        ({ type }) => type === "blocker.standing",
      );
    expect(dueAt(life.at + 4 * HOUR_MS - 1)).toBe(undefined);
    life.at += 4 * HOUR_MS;
    const event = dueAt(life.at);
    expect(event).toBeDefined();
    if (event !== undefined) life.on(event, 0).on(event, 0);
    expect(life.state.requests.map(({ summary }) => summary)).toEqual([
      expect.stringMatching(/^blocked since .*: no key$/),
    ]);
    expect(life.state.mission?.incidents).toHaveLength(1);
    expect(dueAt(life.at)).toBe(undefined);
    life.on({
      type: "request.decided",
      request: "audit.blocked.1",
      decision: { type: "go_on" },
      by: operator("simone"),
      reason: "in the vault",
    });
    expect(dueAt(life.at + 4 * HOUR_MS - 1)).toBe(undefined);
    expect(dueAt(life.at + 4 * HOUR_MS)).toBeDefined();
    life.reports("mission.unblocked");
    expect(dueAt(life.at + 9 * HOUR_MS)).toBe(undefined);
  });

  test("more reasons than are kept forget the one that was silent for longest", () => {
    const life = new Life().running();
    for (let n = 0; n < 30; n += 1) blocked(life, `no ${String.fromCharCode(97 + n)}x`);
    const kept = life.state.mission?.conduct.blocked ?? [];
    expect(kept).toHaveLength(20);
    expect(kept[0]?.reason).toBe(`no ${String.fromCharCode(97 + 10)}x`);
  });
});
