import type { Actor } from "./actor.ts";

/** The pull request in which people decide what becomes of a clone, as the forge told of it last. */
export interface ClosurePull {
  readonly number: number;
  readonly url: string;
  /** `closed`: not decided this way. `merged`: what the obeyed branch says since is decided. */
  readonly state: "open" | "merged" | "closed";
  /** The person who merged it; null: nobody did, or the forge names no person. */
  readonly mergedBy: Actor | null;
}

/** What the file of a clone says of its newest closed mission, where that is not that it is retired. */
export interface ClosureDecision {
  readonly mission: string;
  readonly run: number;
  readonly decision: "standby" | "template";
}
