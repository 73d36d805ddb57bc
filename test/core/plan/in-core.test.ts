import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../../src/core/model/desired.ts";
import type { Pin } from "../../../src/core/model/guardrail.ts";
import { aClone, aDesired, aMission, anObserved, Life, planOf, T0 } from "../../support/fleet.ts";

const PIN: Pin = {
  id: "rollback-00000001",
  at: T0,
  expiresAt: T0 + 1,
  breaches: [{ guardrail: "success", measured: 50, threshold: 80, message: "50 % were accepted" }],
  revision: "r",
  proposal: null,
  merged: false,
};
const LANE = { url: "https://simone.example.com/missions", authRef: "env:LANE" };

function fleet(change: { mode?: "in_core_only"; lane?: boolean; onBreach?: "pause" } = {}): FleetPolicy {
  return {
    ...DEFAULT_FLEET_POLICY,
    mode: change.mode ?? "normal",
    guardrails: { ...DEFAULT_FLEET_POLICY.guardrails, onBreach: change.onBreach ?? "drain" },
    simone: { notify: [], inCore: change.lane === true ? LANE : null },
  };
}
const pending = () => new Life("a").declared().assigned({}, "m-a");
const running = () =>
  pending().planned().prepared().launched().ready().dispatched().reports("mission.accepted");

function planned(life: Life, policy: FleetPolicy, pin: Pin | null) {
  const desired = aDesired({ clones: [aClone("a")], missions: [aMission("m-a", "a")], fleet: policy });
  const made = planOf(desired, anObserved([life.state], { pin }), T0);
  return {
    kinds: made.steps.map(({ type }) => type),
    held: made.held.map(({ reason, message }) => `${reason}: ${message}`),
    made,
  };
}

describe("a fleet that is rolled back", () => {
  test.each([
    ["by its file", fleet({ mode: "in_core_only" }), null],
    ["by a pin, whatever its file says", fleet(), PIN],
  ])("starts nothing: %s", (_name, policy, pin) => {
    const { kinds, held } = planned(pending(), policy, pin);
    expect(kinds).toEqual([]);
    expect(held).toHaveLength(1);
    expect(held[0]).toContain("InCoreOnly");
    expect(held[0]).toContain("spec.simone.in_core");
  });

  test("starts nothing while the repository cannot be read", () => {
    expect(planOf(null, anObserved([pending().state], { pin: PIN }), T0).steps).toEqual([]);
  });

  test("hands a mission that never reached a clone to the in-core lane", () => {
    const { kinds, made } = planned(pending(), fleet({ lane: true }), PIN);
    expect(kinds).toEqual(["handOver"]);
    expect(made.steps[0]?.event).toMatchObject({ type: "handover.planned", ...LANE });
  });

  test("never hands on what was dispatched before", () => {
    const life = running();
    life.on({ type: "instance.gone", epoch: 1, evidence: "x" }).dead();
    life.on({
      type: "hold.placed",
      by: operator("eve"),
      hold: {
        kind: "operator",
        owner: "operator:eve",
        since: T0,
        reason: "x",
        message: "x",
        clearBy: "operator",
      },
    });
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "x" });
    life.on({
      type: "hold.released",
      kind: "operator",
      owner: "operator:eve",
      by: operator("eve"),
      reason: "",
    });
    expect(life.state).toMatchObject({ phase: "Idle", holds: [] });
    const { kinds, held } = planned(life, fleet({ lane: true }), PIN);
    expect(kinds).toEqual([]);
    expect(held.join()).toContain("was dispatched before");
  });

  test("lets running missions finish, or pauses them where that is declared", () => {
    expect(planned(running(), fleet(), PIN).kinds).toEqual([]);
    const { made } = planned(running(), fleet({ onBreach: "pause" }), PIN);
    expect(made.steps[0]?.event).toMatchObject({
      type: "hold.placed",
      hold: { kind: "rollout", owner: "guardrails" },
    });
    const life = running();
    life.on(made.steps[0]?.event ?? { type: "window.ended", evidence: "never" });
    expect(life.last?.effects).toEqual([{ type: "pause", epoch: 1 }]);
    expect(planned(life, fleet({ onBreach: "pause" }), PIN).kinds).toEqual([]);
    const back = planned(life, fleet({ onBreach: "pause" }), null);
    expect(back.kinds).toEqual(["resume"]);
    life.on(back.made.steps[0]?.event ?? { type: "window.ended", evidence: "never" });
    expect(life.last?.effects).toEqual([{ type: "resume", epoch: 1 }]);
  });
});

describe("a handover", () => {
  const offered = () => {
    const life = pending();
    const missionId = life.state.mission?.missionId ?? "";
    life.on({ type: "handover.planned", missionId, ...LANE });
    return { life, missionId };
  };

  test("is asked for once, and no clone may start it meanwhile", () => {
    const { life, missionId } = offered();
    expect(life.last?.effects).toEqual([{ type: "hand_over", missionId, ...LANE }]);
    life.on({ type: "handover.planned", missionId, ...LANE });
    expect(life.last?.effects).toEqual([]);
    life.on({ type: "start.planned", revision: "r", why: "x" });
    expect(life.state.phase).toBe("Idle");
    expect(planned(life, fleet({ lane: true }), PIN).kinds).toEqual([]);
    expect(planned(life, fleet(), null).kinds).toEqual([]);
  });

  test("closes the mission here, and its run is not dispatched again", () => {
    const { life, missionId } = offered();
    life.on({ type: "handover.finished", missionId, evidence: "202" });
    expect(life.state.mission).toBeNull();
    expect(life.state.past[0]).toMatchObject({
      outcome: "ignored",
      terminal: { by: { type: "controller", part: "in-core" } },
    });
    expect(planned(life, fleet(), null).kinds).toEqual([]);
  });

  test("that is refused leaves the mission here and is offered again later", () => {
    const { life, missionId } = offered();
    life.on({ type: "handover.failed", missionId, message: "400" });
    expect(life.state.mission?.handover).toBeNull();
    expect(life.state.holds[0]).toMatchObject({
      kind: "rollout",
      owner: "in_core",
      reason: "HandoverRefused",
    });
    expect(planned(life, fleet({ lane: true }), PIN).kinds).toEqual([]);
    life.at += 11 * 60_000;
    life.on({ type: "deadline.passed", deadline: "hold", epoch: 0, evidence: "x" });
    expect(planned(life, fleet({ lane: true }), PIN).kinds).toEqual(["handOver"]);
  });

  test("does not stand in the way of a kill", () => {
    const { life } = offered();
    life.on({ type: "kill.requested", by: operator("eve"), reason: "x", now: true });
    expect(life.state.mission).toBeNull();
    expect(life.state.past[0]?.terminal.status).toBe("cancelled");
  });
});
