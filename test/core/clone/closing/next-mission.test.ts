/** What a lane takes over from one mission to the next, and what belongs to one of them alone. */

import { describe, expect, test } from "vitest";
import { fold } from "../../../../src/core/clone/decide.ts";
import { answeredBefore } from "../../../../src/core/clone/questions/answers.ts";
import { windowAt } from "../../../../src/core/clone/start/window.ts";
import { operator, SUPERVISOR } from "../../../../src/core/model/actor.ts";
import { initialState } from "../../../../src/core/model/clone-state.ts";
import type { Hold } from "../../../../src/core/model/hold.ts";
import { aClone, aMission, Life, T0 } from "../../../support/fleet.ts";

const KILL = { type: "kill.requested", by: operator("ann"), reason: "enough", now: true } as const;
const hold = (kind: Hold["kind"], owner: string): Hold => ({
  kind,
  owner,
  since: T0,
  reason: "X",
  message: "x",
  clearBy: "operator",
});

describe("a lane that gets a mission", () => {
  test("leaves behind what was about the one before, and keeps what is about the clone", () => {
    const life = new Life().declared();
    for (const one of [
      hold("budget", "supervisor"),
      hold("window", "supervisor"),
      hold("operator", "repository"),
      hold("operator", "operator:ann"),
      hold("rollout", "guardrails"),
    ])
      life.on({ type: "hold.placed", hold: one, by: SUPERVISOR });
    life.assigned();
    expect(life.state.holds.map(({ kind, owner }) => `${kind} ${owner}`)).toEqual([
      "operator operator:ann",
      "rollout guardrails",
    ]);
    expect(life.state).toMatchObject({
      gates: [],
      gateAttempts: 0,
      mission: { summary: "assigned", trust: "none" },
    });
  });

  test("takes it once", () => {
    const life = new Life().declared().assigned();
    expect(life.assigned({}, "other").last?.ignored).toContain("taken by audit");
    life.on(KILL);
    expect(life.assigned().last?.ignored).toBe("this run is closed already");
    expect(life.assigned({ run: 2 }).state.mission).toMatchObject({ contract: { run: 2 } });
  });
});

describe("closed missions of one lane", () => {
  const ids = ["one", "two", "three"].map((name) => aMission(name, "scribe").missionId);
  const lane = () => {
    const life = new Life().declared({ afterClosure: "ask" });
    for (const name of ["one", "two", "three"]) life.assigned({}, name).on(KILL);
    return life;
  };
  const decided = (life: Life, missionId: string, decision: "retire" | "standby" | "ask") =>
    life.on({ type: "closure.decided", missionId, decision, by: operator("ann") });
  const decisions = (life: Life) => life.state.past.map(({ decision }) => decision);

  test("are decided about one by one", () => {
    const life = decided(lane(), ids[1] ?? "", "standby");
    expect(decisions(life)).toEqual(["undecided", "standby", "undecided"]);
    expect(life.state.past.map(({ decidedBy }) => decidedBy)).toEqual([null, operator("ann"), null]);
    expect(decided(life, ids[1] ?? "", "retire").last?.ignored).toBe("it is decided: standby");
    expect(decided(life, "m_other", "retire").last?.ignored).toBe("there is no such closed mission");
    expect(decided(life, ids[0] ?? "", "ask").last?.ignored).toBeDefined();
  });

  test("let a clone go only while it has nothing else to do", () => {
    const busy = lane().assigned({}, "next");
    expect(decided(busy, ids[0] ?? "", "retire").last?.ignored).toContain("works on next");
    expect(decisions(decided(busy, ids[0] ?? "", "standby"))).toEqual(["standby", "undecided", "undecided"]);
    const life = decided(lane(), ids[2] ?? "", "retire");
    expect(life.state.phase).toBe("Retired");
    expect(life.last?.effects).toEqual([{ type: "archive", missionId: ids[2] }]);
  });

  test("are archived each at its own place", () => {
    const life = lane().on({ type: "archive.finished", missionId: ids[1] ?? "", path: "/archive/two" });
    expect(life.state.past.map(({ archivedAt }) => archivedAt)).toEqual([null, "/archive/two", null]);
  });

  test("say of what they were made", () => {
    const spec = aClone("scribe");
    const [closed] = lane().state.past;
    expect(closed?.doneWith).toMatchObject({ baseline: "ua-core@1.0.0", overlays: spec.overlays });
    const bare = new Life().declared().assigned();
    bare.state = { ...bare.state, spec: null, appliedDigest: null };
    expect(bare.on(KILL).state.past[0]?.doneWith).toEqual({ digest: "", baseline: "", overlays: [] });
  });
});

describe("a question that was answered", () => {
  const asked = () => {
    const life = new Life().running();
    return life.on({ type: "budget.crossed", meter: "runtime_minutes", level: "pause", used: 9, limit: 10 });
  };
  const stop = (life: Life, reason: string) =>
    life.on({
      type: "request.decided",
      request: "audit.budget.1",
      decision: { type: "stop" },
      by: operator("ann"),
      reason,
    });

  test("is known by whom, when and how, also after its mission", () => {
    const life = asked();
    expect(answeredBefore(life.state, "audit.budget.1")).toBeNull();
    stop(life, "too dear");
    const said = `audit.budget.1 was answered by operator:ann at ${new Date(life.at).toISOString()} with stop: too dear`;
    expect(answeredBefore(life.state, "audit.budget.1")).toBe(said);
    expect(answeredBefore(life.state, "audit.budget.2")).toBeNull();
    life.dead();
    expect(life.state.mission).toBeNull();
    expect(answeredBefore(life.state, "audit.budget.1")).toBe(said);
    expect(answeredBefore(stop(asked(), "").state, "audit.budget.1")).toMatch(/with stop$/);
    expect(answeredBefore(new Life().state, "audit.budget.1")).toBeNull();
  });
});

test("a state is what its events made of it, in their order", () => {
  const events = [
    { event: { type: "clone.declared", spec: aClone("scribe") } as const, at: T0 },
    { event: { type: "mission.assigned", mission: aMission("audit", "scribe") } as const, at: T0 + 1 },
    { event: { type: "start.planned", revision: "r", why: "x" } as const, at: T0 + 2 },
  ];
  const life = new Life("scribe", T0);
  for (const { event } of events) life.on(event, event.type === "clone.declared" ? 0 : 1);
  expect(fold(initialState("scribe", T0), events)).toEqual(life.state);
});

describe("a window", () => {
  const nightly = (cron: string, durationMinutes: number, timezone = "UTC") =>
    windowAt({ type: "recurring", cron, durationMinutes, timezone }, T0);

  test.each<[string, () => ReturnType<typeof windowAt>, ReturnType<typeof windowAt>]>([
    [
      "that has not begun",
      () => windowAt({ type: "fixed", startAt: T0 + 1, endAt: null }, T0),
      { open: false, changesAt: T0 + 1, ended: false },
    ],
    [
      "that has just begun",
      () => windowAt({ type: "fixed", startAt: T0, endAt: T0 + 1 }, T0),
      { open: true, changesAt: T0 + 1, ended: false },
    ],
    [
      "that has just ended",
      () => windowAt({ type: "fixed", startAt: null, endAt: T0 }, T0),
      { open: false, changesAt: null, ended: true },
    ],
    [
      "without a beginning or an end",
      () => windowAt({ type: "fixed", startAt: null, endAt: null }, T0),
      { open: true, changesAt: null, ended: false },
    ],
    [
      "that opens at this very moment",
      () => nightly("0 12 * * *", 60),
      { open: true, changesAt: T0 + 3_600_000, ended: false },
    ],
    [
      "that closes at this very moment",
      () => nightly("0 11 * * *", 60),
      { open: false, changesAt: T0 + 23 * 3_600_000, ended: false },
    ],
    [
      "that opens again before it closes",
      () => nightly("*/30 * * * *", 60),
      { open: true, changesAt: T0 + 3_600_000, ended: false },
    ],
    [
      "that never opens again",
      () => nightly("0 0 30 2 *", 60),
      { open: false, changesAt: null, ended: true },
    ],
    [
      "of another zone",
      () => nightly("0 12 * * *", 60, "Asia/Tokyo"),
      { open: false, changesAt: T0 + 15 * 3_600_000, ended: false },
    ],
  ])("%s", (_, seen, wanted) => expect(seen()).toEqual(wanted));
});
