/** How long the controller has not answered, and what that means: the orphan policy's own clock. */
export interface OrphanWatch {
  /** The controller answered. */
  reached(): void;
  /** It was tried in vain, now. */
  missed(): void;
  /** When it last answered, and when it was last tried in vain. */
  readonly reachedAt: number;
  readonly missedAt: number;
  stop(): void;
}

const CHECK_MS_MIN = 50;
/** A timer that is this late was not merely kept waiting by other work. */
const AWAY_MS = 2_000;

export function watchForOrphans(options: {
  readonly intervalMs: () => number;
  readonly orphanAfterMs: () => number;
  /** Called at every check while it lasts. */
  readonly onOrphaned: () => void;
}): OrphanWatch {
  let reachedAt = performance.now();
  let missedAt = reachedAt;
  let dueAt = reachedAt + CHECK_MS_MIN;
  let timer = setTimeout(check, CHECK_MS_MIN);

  function check(): void {
    // While we were stopped ourselves nobody could have reached us: that silence is ours.
    const lateMs = performance.now() - dueAt;
    if (lateMs >= AWAY_MS) reachedAt = Math.min(performance.now(), reachedAt + lateMs);
    const limit = options.orphanAfterMs();
    const silentMs = performance.now() - reachedAt;
    if (silentMs >= limit) options.onOrphaned();
    const intervalMs = options.intervalMs();
    const next = Math.max(
      CHECK_MS_MIN,
      silentMs >= limit ? intervalMs : Math.min(limit - silentMs, intervalMs),
    );
    dueAt = performance.now() + next;
    timer = setTimeout(check, next);
  }

  return {
    reached() {
      reachedAt = performance.now();
    },
    missed() {
      missedAt = performance.now();
    },
    get reachedAt() {
      return reachedAt;
    },
    get missedAt() {
      return missedAt;
    },
    stop: () => clearTimeout(timer),
  };
}
