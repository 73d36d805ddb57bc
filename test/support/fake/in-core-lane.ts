import type { Handover, InCoreLane } from "../../../src/ports/in-core-lane.ts";

export interface FakeInCoreLane extends InCoreLane {
  /** By mission id: what was taken, once each. */
  readonly taken: ReadonlyMap<string, Handover>;
}

/** Takes every mission once and says so again to a repeat. */
export function createFakeInCoreLane(): FakeInCoreLane {
  const taken = new Map<string, Handover>();
  return {
    taken,
    async handOver(handover) {
      taken.set(handover.envelope.mission_id, taken.get(handover.envelope.mission_id) ?? handover);
      return { evidence: `${handover.url} took it` };
    },
  };
}
