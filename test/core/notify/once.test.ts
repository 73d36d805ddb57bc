/** What people are told once, and of what they are told nothing. */

import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { Notice } from "../../../src/core/model/notice.ts";
import { noticesOf } from "../../../src/core/notify/notices.ts";
import { aMission, Life, T0 } from "../../support/fleet.ts";

class ToldLife extends Life {
  notices: Notice[] = [];

  override on(event: CloneEvent, afterMs?: number): this {
    const before = this.state;
    super.on(event, afterMs);
    this.notices = [...this.notices, ...noticesOf({ before, after: this.state, event, at: this.at })];
    return this;
  }

  /** The subjects since this was asked last. */
  get news(): readonly string[] {
    const subjects = this.notices.map(({ subject }) => subject);
    this.notices = [];
    return subjects;
  }
}

const told = (life = new ToldLife()): ToldLife => life.running();
const GAP = { type: "callback.gap", epoch: 1, expectedSeq: 3, seenSeq: 5 } as const;
const KILL = { type: "kill.requested", by: operator("ann"), reason: "enough", now: false } as const;
/** It is told when its end is proven. */
const crash = <T extends Life>(life: T): T =>
  life.reports("instance.exited", { detail: { code: 1, signature: "x" } }).dead();

describe("reports that do not arrive", () => {
  test("are told once, and their return once, whatever comes after", () => {
    const life = told().on(GAP);
    expect(life.news).toEqual(["audit: reports do not arrive as they should"]);
    life.on({ type: "callback.restored", epoch: 1, throughSeq: 5 });
    expect(life.notices).toMatchObject([
      { kind: "alert", severity: "low", evidence: [], answers: ["factory why audit"] },
    ]);
    expect(life.news).toEqual(["audit: reports arrive again"]);
    crash(life);
    expect(life.news).toEqual(["audit: crash"]);
  });

  test("no longer matter when their mission is closed, and the alert about them ends", () => {
    const life = told().on(GAP);
    life.news;
    life.reports("mission.completed").dead().judged();
    expect(life.news).toEqual(["audit: reports arrive again", "audit: closed, accepted"]);
  });
});

describe("a mission on a lane that had others", () => {
  test("is closed with a notice of its own, and its incidents are its own", () => {
    const life = told();
    crash(life).on(KILL);
    life.news;
    life
      .assigned({}, "next")
      .planned()
      .prepared()
      .launched()
      .ready()
      .dispatched()
      .reports("mission.accepted");
    crash(life);
    expect(life.notices).toMatchObject([
      { mission: "next", missionId: aMission("next", "scribe").missionId, kind: "incident" },
    ]);
    expect(life.on(KILL).news).toContain("next: closed, ignored");
  });
});

describe("a kill", () => {
  test("is proven by the death of that very instance", () => {
    const life = told().on(KILL);
    life.news;
    const proof = {
      containment: "pidns",
      rung: "term",
      emptyScans: 2,
      durationMs: 5,
      evidence: "x",
    } as const;
    life.on({ type: "stop.finished", epoch: 0, proof });
    expect(life.news).toEqual([]);
    life.on({ type: "stop.finished", epoch: 1, proof });
    expect(life.news).toContain("audit: killed, proven dead");
  });

  test("that repeats another is no news, and nor is a death that nobody asked for", () => {
    const life = told().on(KILL);
    expect(life.news).toEqual(["audit: kill recorded"]);
    expect(life.on({ ...KILL, now: true }).news).toEqual([]);
    expect(crash(told()).news).toEqual(["audit: crash"]);
  });

  test("of a clone that has nothing to do says since when it is so", () => {
    const idle = new Life().declared();
    const { state } = new Life().running();
    const [notice] = noticesOf({ before: state, after: idle.state, event: KILL, at: T0 });
    expect(notice).toMatchObject({ kind: "kill", since: idle.state.phaseSince });
  });
});

describe("a closure", () => {
  const closed = (afterClosure: "ask" | "standby" | "retire") => {
    const life = new ToldLife().declared({ afterClosure });
    life.assigned().planned().prepared().launched().ready().dispatched().reports("mission.accepted");
    life.reports("mission.completed").dead().judged();
    return life.notices.at(-1);
  };

  test("asks what becomes of the clone where its file does not say so", () => {
    expect(closed("ask")).toMatchObject({
      severity: "low",
      what: "every output is valid and every criterion is met; what becomes of scribe?",
      answers: [
        "factory closure audit",
        "factory closure audit --decide retire",
        "factory closure audit --decide standby",
        "factory closure audit --decide template",
      ],
    });
  });

  test.each(["standby", "retire"] as const)("asks nothing where its file says %s", (afterClosure) => {
    expect(closed(afterClosure)).toMatchObject({
      what: "every output is valid and every criterion is met",
      answers: ["factory closure audit"],
    });
  });
});

describe("a quarantine", () => {
  const failures = [1, 2, 3, 4].map((n) => ({
    at: T0 + n,
    epoch: n,
    signature: "x",
    message: `failure ${n}`,
  }));
  const idle = new Life().declared().state;
  const quarantined: CloneState = { ...idle, phase: "Quarantined", failures, lastFailure: null };
  const news = (before: CloneState, after: CloneState) =>
    noticesOf({ before, after, event: KILL, at: T0 }).filter(({ kind }) => kind === "incident");

  test("of a clone without a mission shows its last failures and the way out", () => {
    expect(news(idle, quarantined)).toMatchObject([
      {
        subject: "scribe: quarantine",
        what: "too many failures",
        evidence: ["failure 2", "failure 3", "failure 4"],
        answers: ["factory logs scribe", "factory resume scribe"],
      },
    ]);
  });

  test("is told once, and with a mission by the mission's incident", () => {
    expect(news(quarantined, { ...quarantined, version: 9 })).toEqual([]);
    const { mission } = new Life().declared().assigned().state;
    expect(news({ ...idle, mission }, { ...quarantined, mission })).toEqual([]);
    expect(news(quarantined, idle)).toEqual([]);
  });
});
