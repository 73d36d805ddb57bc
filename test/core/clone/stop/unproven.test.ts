import { describe, expect, test } from "vitest";
import { describe as describeEvent } from "../../../../src/core/clone/events.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import { Life } from "../../../support/fleet.ts";

const resumed = (life: Life): Life =>
  life.on({ type: "hold.released", kind: "freeze", owner: "*", by: operator("ann"), reason: "I looked" });

describe("a death that is not proven", () => {
  test("is no death: nothing takes its place until a person says so", () => {
    const life = new Life().running().on({ type: "instance.gone", epoch: 1, evidence: "not listed" });
    life.gone();
    expect(life.state).toMatchObject({
      instance: null,
      holds: [{ kind: "freeze", reason: "DeathUnproven", clearBy: "operator" }],
    });
    expect(life.state.mission?.incidents.map((one) => one.class)).toContain("unproven_death");
    expect(life.state.mission?.proof?.unproven).toBe("nothing held it together");
    life.at = life.state.deadlineAt ?? life.at;
    life.on({ type: "deadline.passed", deadline: "backoff", epoch: 1, evidence: "" });
    expect(life.planned().effects).toEqual([]);
    expect(life.state.epoch).toBe(1);
    expect(resumed(life).planned().effects).toEqual(["prepare"]);
  });

  test("closes its mission and keeps the lane for the next one", () => {
    const life = new Life().running().reports("mission.failed", { summary: "no" }).gone();
    expect(life.state.past[0]).toMatchObject({
      outcome: "rejected",
      proof: { unproven: expect.any(String) },
    });
    expect(life.state.holds.map(({ reason }) => reason)).toEqual(["DeathUnproven"]);
  });

  test("is told as such", () => {
    const life = new Life().running().on({ type: "instance.gone", epoch: 1, evidence: "not listed" });
    const proof = {
      containment: "group",
      rung: "sigkill",
      emptyScans: 2,
      durationMs: 5,
      evidence: "two scans",
    } as const;
    const said = describeEvent({
      type: "stop.finished",
      epoch: 1,
      proof: { ...proof, unproven: "nothing held it" },
    });
    expect(said).toMatch(/unproven: nothing held it; looked at: two scans/);
    expect(said).not.toMatch(/is dead/);
    expect(describeEvent({ type: "stop.finished", epoch: 1, proof })).toMatch(/is dead/);
    expect(life.dead().state.holds).toEqual([]);
  });
});

describe("a pause that does not take hold", () => {
  test("ends the instance at once, with an incident, and does not count as a pause", () => {
    const life = new Life().running().on({ type: "pause.failed", epoch: 1, message: "3 still ran" });
    expect(life.effects).toEqual(["stop"]);
    expect(life.state).toMatchObject({ phase: "Stopping", instance: { paused: false } });
    expect(life.state.mission?.incidents.map((one) => one.class)).toEqual(["pause_failed"]);
    expect(life.state.mission?.terminal).toBeNull();
  });

  test("of an epoch that is over means nothing", () => {
    const life = new Life().running().on({ type: "pause.failed", epoch: 0, message: "" });
    expect(life.effects).toEqual([]);
    expect(life.state.phase).toBe("Running");
  });
});
