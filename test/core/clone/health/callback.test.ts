import { describe, expect, it } from "vitest";
import { dueCallback } from "../../../../src/core/clone/health/callback.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import type { Signal } from "../../../../src/core/model/instance.ts";
import type { DegradedCause, Probed } from "../../../../src/core/model/liveness.ts";
import { MINUTE_MS, SECOND_MS } from "../../../../src/core/model/time.ts";
import { upgradeState } from "../../../../src/core/model/upgrade-state.ts";
import { Life } from "../../../support/fleet.ts";

const REFUSED = { seq: 3, reportType: "mission.progress", status: 403 } as const;

function signal(life: Life, lastEventSeq: number, receivedAt = life.at): Signal {
  return {
    receivedAt,
    heartbeat: {
      missionId: null,
      clone: life.state.name,
      epoch: life.state.epoch,
      seq: 1,
      lastEventSeq,
      phase: "running",
      lastEventAgeMs: 0,
      lastProgressAgeMs: 0,
      openToolCalls: [],
      usage: { llmCalls: null, costMicros: null, activeMs: 0 },
    },
  };
}

const types = (life: Life, heard: Signal | undefined, at: number, watchingSince = 0, lagMs = 0) =>
  dueCallback(life.state, heard, at, { watchingSince, lagMs }).map(({ type }) => type);
const condition = (life: Life) => {
  const { status, reason } = life.state.conditions.find(({ type }) => type === "CallbackDegraded") ?? {};
  return `${status} ${reason}`;
};
/** Those about the way; that a silent instance is degraded is another one. */
const incidents = (life: Life) =>
  (life.state.mission?.incidents ?? [])
    .filter(({ class: of }) => of.includes("callback"))
    .map(({ class: of, endedAt }) => `${of}${endedAt === null ? "" : " over"}`);
/** Two intervals later nothing was heard of it, and its outbox is asked for. */
const silent = (life: Life, cause: DegradedCause = "silent") =>
  life.on(
    { type: "health.changed", epoch: 1, health: "degraded", evidence: "", cause, sinceMs: 20_000 },
    MINUTE_MS,
  );
/** What a look at it has found. */
const looked = (life: Life, found: Partial<Probed>) =>
  life.on({
    type: "recovery.tried",
    epoch: 1,
    rung: "probe",
    ok: true,
    found: { shim: "running", agent: "running", answers: true, evidence: "", ...found },
    evidence: "",
  });
const asked = (life: Life) => silent(life).on({ type: "callback.pull_due", epoch: 1, evidence: "" });

describe("a gap in the reports", () => {
  it("is pulled, shown and over with the pull", () => {
    const life = new Life().running().on({ type: "callback.gap", epoch: 1, expectedSeq: 3, seenSeq: 5 });
    expect(life.effects).toEqual(["pull"]);
    expect([condition(life), ...incidents(life)]).toEqual(["True GapInReports", "callback_gap"]);
    life.on({ type: "callback.restored", epoch: 1, throughSeq: 5, brought: 3 });
    expect([condition(life), ...incidents(life)]).toEqual(["False NoGap", "callback_gap over"]);
  });

  it("that comes again and again is one incident in ten minutes, and pulled each time", () => {
    const life = new Life().running();
    for (let n = 0; n < 20; n++) {
      life.on({ type: "callback.gap", epoch: 1, expectedSeq: 3, seenSeq: 5 }, MINUTE_MS);
      expect(life.effects).toEqual(["pull"]);
      life.on({ type: "callback.restored", epoch: 1, throughSeq: 5, brought: 1 }, SECOND_MS);
    }
    expect(incidents(life)).toEqual(["callback_gap over", "callback_gap over"]);
  });

  it("is noticed by the last heartbeat before a silence, an interval and a grace later", () => {
    const life = new Life().running();
    const heard = signal(life, 5);
    const bound = life.at + 15 * SECOND_MS;
    expect(types(life, heard, bound - 1)).toEqual([]);
    expect(types(life, heard, bound)).toEqual(["callback.gap"]);
    expect(types(life, signal(life, 2), bound)).toEqual([]);
    expect(types(life, heard, bound, life.at + 1)).toEqual([]);
    expect(types(life, heard, bound, 0, 10)).toEqual([]);
    const [gap] = dueCallback(life.state, heard, bound, { watchingSince: 0, lagMs: 0 });
    expect(gap).toMatchObject({ expectedSeq: 3, seenSeq: 5 });
    life.on(gap ?? { type: "window.ended", evidence: "" });
    expect(types(life, heard, bound + MINUTE_MS)).toEqual([]);
  });
});

describe("heartbeats that do not arrive", () => {
  it("lead to the outbox being read; what comes proves that the way is down and not the instance", () => {
    const life = silent(new Life().running());
    expect(types(life, signal(life, 2, life.at - 19 * SECOND_MS), life.at)).toEqual([]);
    expect(types(life, undefined, life.at)).toEqual(["callback.pull_due"]);
    life.on({ type: "callback.pull_due", epoch: 1, evidence: "" });
    expect(life.effects).toEqual(["pull"]);
    expect(types(life, undefined, life.at + MINUTE_MS)).toEqual([]);
    life.on({ type: "callback.restored", epoch: 1, throughSeq: 4, brought: 2 });
    expect([condition(life), ...incidents(life)]).toEqual(["True CallbackDown", "callback_down"]);
    expect(life.state.mission?.incidents.at(-1)?.message).toContain("2 reports came through the driver");
  });

  it("say nothing about the way while the outbox brings nothing", () => {
    const life = asked(new Life().running());
    life.on({ type: "callback.restored", epoch: 1, throughSeq: 2, brought: 0 });
    expect([condition(life), ...incidents(life)]).toEqual(["False NoGap"]);
    expect(types(life, undefined, life.at + 14 * SECOND_MS)).toEqual([]);
    expect(types(life, undefined, life.at + 15 * SECOND_MS)).toEqual(["callback.pull_due"]);
  });

  it("are the way's fault, too, where its shim answers and says that it has tried in vain", () => {
    const life = silent(new Life().running());
    // It tried once, not at all, or does not say; and what does not answer has said nothing.
    const nothing = [
      { unreachedMs: 14_999 },
      { unreachedMs: 0 },
      {},
      { unreachedMs: 60_000, answers: false },
    ];
    for (const found of nothing) {
      looked(life, found);
      expect([condition(life), ...incidents(life)], JSON.stringify(found)).toEqual(["False NoGap"]);
    }
    looked(life, { unreachedMs: 15_000 });
    expect([condition(life), ...incidents(life)]).toEqual(["True CallbackDown", "callback_down"]);
    expect(life.state.mission?.incidents.at(-1)?.message).toContain("has tried to reach us for 15 s");
    looked(life, { unreachedMs: 20_000 });
    expect(incidents(life)).toEqual(["callback_down"]);
  });

  it("are not, where it beats well and its agent or its shim was stopped", () => {
    for (const cause of ["agent_stopped", "shim_stopped"] as const) {
      const life = looked(silent(new Life().running(), cause), { agent: "stopped", unreachedMs: 60_000 });
      expect(incidents(life)).toEqual([]);
    }
  });

  /** What passes between two readings, while the callback is down. */
  function waitsOf(life: Life): readonly number[] {
    life.on({ type: "callback.restored", epoch: 1, throughSeq: 3, brought: 1 });
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      const due = life.state.instance?.callback.pullAt ?? 0;
      waits.push(due - life.at);
      life.on({ type: "callback.pull_due", epoch: 1, evidence: "" }, due - life.at);
      life.on({ type: "callback.restored", epoch: 1, throughSeq: 3, brought: 0 }, 0);
    }
    return waits;
  }

  it("are read for as long as it lasts, less and less often, and at least every second interval", () => {
    const waits = waitsOf(asked(new Life().running({ limits: { heartbeat_interval_seconds: 60 } })));
    expect([waits[0], waits.at(-1)]).toEqual([15 * SECOND_MS, 2 * MINUTE_MS]);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    // A lease of seconds would end between two readings that are further apart.
    const short = waitsOf(asked(new Life().running({ limits: { heartbeat_interval_seconds: 1 } })));
    expect(new Set(short)).toEqual(new Set([2 * SECOND_MS]));
  });

  it("are over with the first one that arrives", () => {
    const life = asked(new Life().running());
    life.on({ type: "callback.restored", epoch: 1, throughSeq: 3, brought: 1 });
    expect(types(life, signal(life, 3, life.at), life.at)).toEqual([]);
    expect(types(life, signal(life, 3, life.at + 1), life.at + 1)).toEqual(["callback.up"]);
    life.on({ type: "callback.up", epoch: 1, evidence: "a heartbeat arrived" });
    expect([condition(life), ...incidents(life)]).toEqual(["False NoGap", "callback_down over"]);
  });

  it("ask nothing of an instance that is being stopped, or that nobody has a handle of", () => {
    const life = asked(new Life().running());
    expect(
      types(
        life.on({ type: "kill.requested", by: operator("ann"), reason: "", now: true }),
        undefined,
        life.at,
      ),
    ).toEqual([]);
    expect(types(new Life().declared().assigned().planned().prepared(), undefined, life.at)).toEqual([]);
  });
});

describe("reports that we refused", () => {
  it("are shown, told of once, and never lost", () => {
    const life = new Life().running();
    life.on({ type: "callback.refused", epoch: 1, reports: [REFUSED], seen: 1 });
    expect([condition(life), ...incidents(life)]).toEqual(["True ReportsRefused", "missed_callback over"]);
    life.on({ type: "callback.refused", epoch: 1, reports: [REFUSED], seen: 1 });
    life.on({ type: "callback.refused", epoch: 1, reports: [REFUSED, { ...REFUSED, seq: 4 }], seen: 2 });
    expect(incidents(life)).toEqual(["missed_callback over", "missed_callback over"]);
    expect(life.state.mission?.incidents[1]?.evidence).toBe("#4 mission.progress: 403");
    expect(life.state.instance?.callback.refused.map(({ seq }) => seq)).toEqual([3, 4]);
  });
});

it("a state from before callbacks were watched is read with nothing known of them", () => {
  const { state } = new Life().running();
  const { callback: _, ...older } = state.instance ?? { callback: null };
  const read = upgradeState({ ...state, instance: older as never });
  expect(read).toEqual(state);
});
