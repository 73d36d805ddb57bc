/** What becomes of each lane while the fleet is `in_core_only`, and what waits for a postmortem. */

import { describe, expect, test } from "vitest";
import { SUPERVISOR } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import type { Pin } from "../../../src/core/model/guardrail.ts";
import type { Hold } from "../../../src/core/model/hold.ts";
import { postmortemPath } from "../../../src/core/model/postmortem.ts";
import { aClone, aDesired, aMission, Life, REVISION, T0 } from "../../support/fleet.ts";
import { kinds, onlyStep, planned, reasons, working } from "./plans.ts";

const breach = (message: string): Pin["breaches"][number] => ({
  guardrail: "success",
  measured: 50,
  threshold: 80,
  message,
});
const PIN: Pin = {
  id: "rollback-1",
  at: T0 + 7,
  expiresAt: T0 + 9,
  breaches: [breach("50 % were accepted"), breach("too slow")],
  revision: REVISION,
  proposal: null,
  merged: false,
};
const BY_PIN = "rollback-1 holds the fleet in_core_only: 50 % were accepted; too slow";
const BY_FILE = "fleet.yaml says mode in_core_only: nothing new is dispatched to clones";
const LANE = { url: "https://simone.example.com/missions", authRef: null };

function desired(change: { mode?: "in_core_only"; onBreach?: "pause" | "drain"; lane?: boolean } = {}) {
  return aDesired({
    clones: [aClone("a")],
    missions: [aMission("m-a", "a")],
    fleet: {
      ...DEFAULT_FLEET_POLICY,
      mode: change.mode ?? "normal",
      guardrails: { ...DEFAULT_FLEET_POLICY.guardrails, onBreach: change.onBreach ?? "drain" },
      simone: { notify: [], inCore: change.lane === true ? LANE : null },
    },
  });
}
const waiting = () => new Life("a").declared().assigned({}, "m-a");
const held = (state: CloneState, change: Partial<Hold> = {}): CloneState => ({
  ...state,
  holds: [
    {
      kind: "rollout",
      owner: "guardrails",
      since: T0,
      reason: "x",
      message: "x",
      clearBy: "repository",
      ...change,
    },
  ],
});

describe("a mission that never reached a clone", () => {
  test("is parked where there is no lane, and says by whom and what helps", () => {
    for (const [wanted, pin, why] of [
      [desired(), PIN, BY_PIN],
      [desired({ mode: "in_core_only" }), null, BY_FILE],
    ] as const)
      expect(planned(wanted, [waiting().state], { pin }).held).toEqual([
        {
          subject: "mission/m-a",
          step: "start",
          reason: "InCoreOnly",
          message: `${why}; parked: run m-a by hand, or name the in-core lane in fleet.yaml at \`spec.simone.in_core\``,
        },
      ]);
  });

  test("goes to the lane once nothing holds it", () => {
    const wanted = desired({ lane: true });
    const operator = { kind: "operator", owner: "operator:ann" } as const;
    const stopped = planned(wanted, [held(waiting().state, operator)], { pin: PIN });
    expect(stopped.steps).toEqual([]);
    expect(stopped.held.map(({ message }) => message)).toEqual([
      `${BY_PIN}; m-a is held and goes to the in-core lane when it is free`,
    ]);
    expect(onlyStep(planned(wanted, [waiting().state], { pin: PIN }))).toEqual({
      type: "handOver",
      clone: "a",
      version: 2,
      leadsTo: "Idle",
      mission: "m-a",
      why: { trigger: BY_PIN, fields: [], from: "factory", to: "in_core" },
      event: { type: "handover.planned", missionId: aMission("m-a", "a").missionId, ...LANE },
    });
  });

  test("waits on its lane while nothing can be read", () => {
    expect(reasons(planned(null, [waiting().state], { pin: PIN }))).toEqual(["mission/m-a start InCoreOnly"]);
  });
});

describe("a lane at work", () => {
  const pause = desired({ onBreach: "pause" });

  test("is held in the words of the rollback, since it began", () => {
    const made = planned(pause, [working("a").state], { pin: PIN });
    expect(onlyStep(made)).toEqual({
      type: "pause",
      clone: "a",
      version: 8,
      leadsTo: "Running",
      mission: "m-a",
      why: { trigger: BY_PIN, fields: [], from: null, to: null },
      event: {
        type: "hold.placed",
        by: SUPERVISOR,
        hold: {
          kind: "rollout",
          owner: "guardrails",
          since: T0 + 7,
          reason: "InCoreOnly",
          message: BY_PIN,
          clearBy: "repository",
        },
      },
    });
    const life = working("a");
    const byFile = onlyStep(planned(desired({ mode: "in_core_only", onBreach: "pause" }), [life.state]));
    expect(byFile.event).toMatchObject({ hold: { since: life.state.phaseSince, message: BY_FILE } });
  });

  test.each<[string, CloneState, readonly string[]]>([
    ["that is held already is left", held(working("a").state), []],
    [
      "that another rollout holds is held as well",
      held(working("a").state, { owner: "in_core" }),
      ["pause a"],
    ],
    [
      "that the same holds in another way is held as well",
      held(working("a").state, { kind: "operator" }),
      ["pause a"],
    ],
    ["whose mission is over is left", working("a").reports("mission.failed").state, []],
    [
      "that waits for its next start is held",
      working("a")
        .reports("instance.exited", { detail: { code: 1 } })
        .dead().state,
      ["pause a"],
    ],
    ["that comes up is held", waiting().planned().state, ["pause a"]],
  ])("%s", (_, state, wanted) => expect(kinds(planned(pause, [state], { pin: PIN }))).toEqual(wanted));

  test("goes on where missions are drained, and while nothing can be read", () => {
    expect(planned(desired(), [working("a").state], { pin: PIN }).steps).toEqual([]);
    expect(planned(null, [working("a").state], { pin: PIN }).steps).toEqual([]);
  });

  test("is let go when the fleet is normal again, as the repository says", () => {
    const state = held(working("a").state);
    expect(onlyStep(planned(desired(), [state]))).toEqual({
      type: "resume",
      clone: "a",
      version: 8,
      leadsTo: "Running",
      mission: "m-a",
      why: { trigger: "the fleet's mode is normal again", fields: [], from: null, to: null },
      event: {
        type: "hold.released",
        kind: "rollout",
        owner: "guardrails",
        by: SUPERVISOR,
        reason: "the fleet's mode is normal again",
      },
    });
    expect(planned(null, [state]).steps).toEqual([]);
    expect(planned(desired(), [held(working("a").state, { owner: "in_core" })]).steps).toEqual([]);
  });
});

describe("a new mission", () => {
  const declared = new Life("a").declared().state;

  test("gets its place where the in-core lane will take it, and none where nobody will", () => {
    expect(kinds(planned(desired({ lane: true }), [declared], { pin: PIN }))).toEqual([
      "assign a",
      "handOver a",
    ]);
    const made = planned(desired(), [declared], { pin: PIN });
    expect(made.steps).toEqual([]);
    expect(made.held[0]).toMatchObject({ step: "assign", message: expect.stringContaining(BY_PIN) });
  });
});

describe("a mission that waits for its postmortem", () => {
  const missionId = aMission("audit", "a").missionId;
  const file = postmortemPath(missionId);
  const life = () => {
    const ended = working("a", "audit").reports("mission.failed", { summary: "over" });
    ended.on({ type: "stop.failed", epoch: 1, message: "2 processes still live" });
    ended.on({ type: "deadline.passed", deadline: "stop", epoch: 1, evidence: "" });
    return ended.dead();
  };
  const merged = (missing: readonly string[]) => ({
    missionId,
    file,
    digest: "sha256:1",
    author: "ann",
    reviewedBy: "bob",
    missing,
  });
  const look = (state: CloneState, postmortems: ReadonlyMap<string, ReturnType<typeof merged>>) =>
    planned(aDesired({ clones: [aClone("a")], missions: [aMission("audit", "a")], postmortems }), [state]);

  test("says for what it waits", () => {
    const { state } = life();
    expect(reasons(planned(null, [state]))).toEqual(["mission/audit close PostmortemUnread"]);
    expect(reasons(look(state, new Map()))).toEqual(["mission/audit close PostmortemMissing"]);
    const half = look(state, new Map([[missionId, merged(["a cause", "a lesson"])]]));
    expect(half.steps).toEqual([]);
    expect(half.held).toMatchObject([
      { reason: "PostmortemIncomplete", message: `${file} is merged and not complete: a cause; a lesson` },
    ]);
  });

  test("is closed by one that is complete, as it was merged", () => {
    expect(onlyStep(look(life().state, new Map([[missionId, merged([])]])))).toEqual({
      type: "close",
      clone: "a",
      version: 12,
      leadsTo: "Idle",
      mission: "audit",
      why: { trigger: `commit ${REVISION.slice(0, 12)}`, fields: [], from: null, to: "sha256:1" },
      event: {
        type: "postmortem.merged",
        missionId,
        postmortem: { revision: REVISION, file, digest: "sha256:1", author: "ann", reviewedBy: "bob" },
      },
    });
  });

  test("is none that goes on, whatever is merged", () => {
    expect(kinds(look(working("a", "audit").state, new Map([[missionId, merged([])]])))).toEqual([]);
  });
});
