import type { MissionEnvelope } from "../api/envelope.ts";

/** Simone's own runtime, to which missions go while the fleet is rolled back. */
export interface InCoreLane {
  /**
   * Hands one mission over, at least once: the receiver recognises a repeat by
   * the mission's id. Resolves with what it answered once it has taken it. Rejects
   * `in-core/refused` (`stall`) when it certainly has not, anything else (`retry`) when nobody knows.
   */
  handOver(handover: Handover, signal: AbortSignal): Promise<{ readonly evidence: string }>;
}

export interface Handover {
  readonly url: string;
  /** `env:NAME` or `file:path` of the secret that signs it; null: it goes unsigned. */
  readonly authRef: string | null;
  readonly envelope: MissionEnvelope;
  /** Why it does not go to a clone. */
  readonly reason: string;
}
