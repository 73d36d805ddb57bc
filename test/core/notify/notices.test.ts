import { describe, expect, it } from "vitest";
import type { NewRequest } from "../../../src/core/clone/questions/requests.ts";
import { REMIND_MS, withRequest } from "../../../src/core/clone/questions/requests.ts";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { Notice } from "../../../src/core/model/notice.ts";
import { noticesOf } from "../../../src/core/notify/notices.ts";
import { aMission, Life, T0 } from "../../support/fleet.ts";

/** What people were told of everything that happened to this clone since. */
function told(life: Life, work: (life: Life) => void): readonly Notice[] {
  const found: Notice[] = [];
  const on = life.on.bind(life);
  life.on = (event: CloneEvent, afterMs?: number) => {
    const before = life.state;
    on(event, afterMs);
    found.push(...noticesOf({ before, after: life.state, event, at: life.at }));
    return life;
  };
  work(life);
  life.on = on;
  return found;
}

const kinds = (notices: readonly Notice[]) => notices.map(({ kind, subject }) => `${kind} ${subject}`);
const KILL = { type: "kill.requested", by: operator("ann"), reason: "enough", now: true } as const;

describe("what people are told", () => {
  it("is nothing of an ordinary life until its closure", () => {
    const notices = told(new Life(), (life) =>
      life
        .running()
        .reports("mission.progress", { summary: "half way" })
        .reports("mission.completed")
        .dead()
        .judged(),
    );
    expect(kinds(notices)).toEqual(["closure audit: closed, accepted"]);
    expect(notices[0]).toMatchObject({
      clone: "scribe",
      mission: "audit",
      missionId: aMission("audit", "scribe").missionId,
    });
  });

  it("is a kill twice: recorded, and proven", () => {
    const notices = told(new Life().running(), (life) => life.on(KILL).on(KILL).dead("sigkill"));
    expect(kinds(notices)).toEqual([
      "kill audit: kill recorded",
      "kill audit: killed, proven dead",
      "closure audit: closed, ignored",
    ]);
    expect(notices[1]?.evidence).toEqual(["rung sigkill, containment pidns", "nothing found"]);
  });

  it("is a kill by the file as well", () => {
    const { limits } = aMission("audit", "scribe", { limits: { kill_switch: { engaged: true } } });
    const notices = told(new Life().running(), (life) =>
      life.on({ type: "mission.limits_changed", limits, revision: "b".repeat(40) }).dead(),
    );
    expect(kinds(notices).slice(0, 2)).toEqual([
      "kill audit: kill recorded",
      "kill audit: killed, proven dead",
    ]);
  });

  it("is every incident, under an id of its own", () => {
    const notices = told(new Life().running(), (life) =>
      life.reports("instance.exited", { detail: { code: 1, signal: null, signature: "x" } }).dead(),
    );
    expect(kinds(notices)).toEqual(["incident audit: crash"]);
    expect(notices[0]).toMatchObject({
      severity: "medium",
      answers: ["factory why audit", "factory events audit --last 20"],
    });
    expect(notices[0]?.id).toMatch(/^msg_[0-9a-f]{32}$/);
  });

  it("is a gap in the reports and its end, as alerts of one topic", () => {
    const notices = told(new Life().running(), (life) =>
      life
        .on({ type: "callback.gap", epoch: 1, expectedSeq: 3, seenSeq: 5 })
        .on({ type: "callback.restored", epoch: 1, throughSeq: 5 }),
    );
    expect(kinds(notices)).toEqual([
      "alert audit: reports do not arrive as they should",
      "alert audit: reports arrive again",
    ]);
    expect(new Set(notices.map(({ topic }) => topic))).toEqual(new Set(["callbacks/scribe"]));
  });

  it("is a quarantine, also of a clone without a mission", () => {
    const idle = new Life().declared().state;
    const after: CloneState = {
      ...idle,
      phase: "Quarantined",
      version: idle.version + 1,
      lastFailure: "it crashes",
    };
    const notices = noticesOf({ before: idle, after, event: KILL, at: T0 });
    expect(notices).toMatchObject([{ kind: "incident", severity: "high", what: "it crashes" }]);
  });

  it("has another id in a rebuilt record, whose versions begin anew, than in the one that was lost", () => {
    const { state: before } = new Life().declared();
    const after: CloneState = { ...before, phase: "Quarantined", lastFailure: "it crashes" };
    const ids = [T0, T0 + 1, T0].map((at) => noticesOf({ before, after, event: KILL, at })[0]?.id);
    expect(ids[1]).not.toBe(ids[0]);
    expect(ids[2]).toBe(ids[0]);
  });

  it("is a question when it is asked and each time it comes back", () => {
    const life = new Life().running();
    const asked: NewRequest = {
      kind: "approval",
      severity: "low",
      summary: "may it write to the customer?",
      evidence: ["sha256:abc"],
      answers: ["approve", "deny"],
      hold: null,
    };
    const before = life.state;
    life.state = { ...withRequest(before, asked, life.at), version: before.version + 1 };
    const first = noticesOf({ before, after: life.state, event: KILL, at: life.at });
    expect(first).toMatchObject([
      {
        kind: "approval",
        severity: "low",
        what: "may it write to the customer?",
        answers: [
          "factory decide audit.approval.1 --approve",
          "factory decide audit.approval.1 --deny",
          "factory ack audit.approval.1",
        ],
      },
    ]);
    const request = "audit.approval.1";
    const again = told(life, () => life.on({ type: "request.reminded", request }, REMIND_MS));
    expect(again).toMatchObject([
      { kind: "approval", severity: "medium", subject: "audit: approval, reminder 1" },
    ]);
    expect(told(life, () => life.on({ type: "request.acknowledged", request, by: operator("ann") }))).toEqual(
      [],
    );
  });

  it("is the same for the same event, and cut to what a receiver can take", () => {
    const life = new Life().running();
    const before = life.state;
    const event: CloneEvent = { ...KILL, reason: "x".repeat(100_000) };
    life.on(event);
    const happening = { before, after: life.state, event, at: life.at };
    expect(noticesOf(happening)).toEqual(noticesOf(happening));
    expect(JSON.stringify(noticesOf(happening)).length).toBeLessThan(2_000);
  });
});
