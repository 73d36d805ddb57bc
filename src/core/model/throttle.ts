import type { Instant } from "./time.ts";

/** The newest word of an agent that its provider makes it wait. */
export interface Throttle {
  readonly since: Instant;
  readonly until: Instant;
  /** From `since`: a clock that was put back makes `until` look further away than this. */
  readonly waitMs: number;
  /** In a row, without a stable stretch between them. */
  readonly times: number;
}
