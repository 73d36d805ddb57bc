import { operator } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { NO_DRILLS } from "../../../src/core/model/drill.ts";
import { NO_ROLLBACK } from "../../../src/core/model/guardrail.ts";
import type { Heartbeat, Signal } from "../../../src/core/model/instance.ts";
import type { FleetSnapshot } from "../../../src/core/status/fleet.ts";
import { Life, REVISION, T0 } from "../../support/fleet.ts";

/** What there is to see of these clones, an hour after tests begin. */
export const NOW = T0 + 3_600_000;

export function aPicture(states: readonly CloneState[], change: Partial<FleetSnapshot> = {}): FleetSnapshot {
  return {
    installation: "test",
    now: NOW,
    source: { state: "ok", reason: "Read", message: "read", revision: REVISION, observedAt: T0 },
    desired: null,
    states: new Map(states.map((state) => [state.name, state])),
    signals: new Map(),
    held: [],
    rollback: NO_ROLLBACK,
    rollouts: [],
    drills: NO_DRILLS,
    ...change,
  };
}

export function heard(state: CloneState, agoMs: number, change: Partial<Heartbeat> = {}): [string, Signal] {
  return [
    state.name,
    {
      receivedAt: NOW - agoMs,
      heartbeat: {
        missionId: null,
        clone: state.name,
        epoch: state.epoch,
        seq: 1,
        lastEventSeq: 0,
        phase: "running",
        lastEventAgeMs: 0,
        lastProgressAgeMs: 0,
        openToolCalls: [],
        usage: { llmCalls: null, costMicros: null, activeMs: 0 },
        ...change,
      },
    },
  ];
}

export const KILL = { type: "kill.requested", by: operator("ann"), reason: "enough", now: true } as const;
export const PIN = {
  id: "rollback-1",
  at: T0,
  expiresAt: T0,
  breaches: [],
  revision: REVISION,
  proposal: null,
  merged: false,
};

export function working(name: string, mission = `m-${name}`): Life {
  const life = new Life(name).declared().assigned({}, mission).planned().prepared().launched();
  return life.ready().dispatched().reports("mission.accepted");
}

export function closed(name: string, mission: string, run = 1): Life {
  return new Life(name).declared().assigned({ run }, mission).on(KILL);
}
