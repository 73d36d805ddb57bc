import { asFactoryError, type FactoryError } from "../../core/model/error.ts";
import { type Instant, iso, MINUTE_MS } from "../../core/model/time.ts";
import type { RecordProblem } from "../../core/status/record-problem.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { RightToAct } from "./right-to-act.ts";

/** Why the record cannot be written, told to people when it begins, now and then, and when it is over. */
export interface WriteTrouble {
  /** Why nothing can be written, and since when; null again with the first write that succeeds. */
  problem(): RecordProblem | null;
  /** A write failed. Answers what its writer is told; a write refused for its term costs the right to act. */
  refused(error: unknown): FactoryError;
  /** A write succeeded. */
  written(): void;
}

/** Often enough to be found at the end of a log, seldom enough that the log does not fill what is left of the disk. */
const COMPLAIN_AGAIN_MS = MINUTE_MS;

export function watchWrites(parts: {
  clock: Clock;
  log: Log;
  right: Pick<RightToAct, "lost" | "lose">;
}): WriteTrouble {
  const { clock, log, right } = parts;
  let problem: RecordProblem | null = null;
  let complainedAt: Instant = Number.NEGATIVE_INFINITY;

  return {
    problem: () => problem,
    refused(error) {
      const failure = asFactoryError(error);
      if (failure.code === "store/fenced") {
        right.lose(failure);
        problem = null;
        return right.lost() ?? failure;
      }
      const now = clock.now();
      const removed = failure.code === "store/removed";
      problem = { since: problem?.since ?? now, message: failure.message, removed };
      // A disk that is full refuses many times a second.
      if (Math.abs(now - complainedAt) >= COMPLAIN_AGAIN_MS) {
        complainedAt = now;
        log.error("the record could not be written", { code: failure.code, error: failure.message });
      }
      return failure;
    },
    written() {
      if (problem === null) return;
      log.info("the record can be written again", { failedSince: iso(problem.since) });
      problem = null;
      complainedAt = Number.NEGATIVE_INFINITY;
    },
  };
}
