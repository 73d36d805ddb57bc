import type { DrillResult } from "../core/model/drill.ts";
import type { Containment } from "../core/model/instance.ts";

/** Proofs of the kill on instances that exist for nothing else. */
export interface Drills {
  /**
   * Proves the kill on an instance of its own; touches no mission and no clone. Failing is a result; null when it was
   * cut off, and then nothing is known. One at a time on a machine: others wait for their turn.
   */
  run(request: DrillRequest, signal?: AbortSignal): Promise<DrillResult | null>;
  /** Everybody's, also those made without a controller; oldest first. Cheap while there is nothing new. */
  results(): readonly DrillResult[];
}

export interface DrillRequest {
  readonly target: string;
  /** Name of the driver on which it is made. */
  readonly driver: string;
  readonly isolation: Containment;
  readonly enter: "term" | "now";
}
