import type { Transcript } from "../../instance/transcript.ts";
import type { AgentEvent } from "../agents/agent.ts";
import type { Reporter } from "../callback/reporter.ts";
import type { ArtifactIndex } from "./artifact-index.ts";
import type { Clocks } from "./clocks.ts";
import { countPerMinute } from "./flood-limits.ts";

type Of<T extends AgentEvent["type"]> = Extract<AgentEvent, { type: T }>;

/** What an agent states beside its progress; beyond a number in a minute it is counted, not carried. */
export interface Statements {
  artifact(event: Of<"artifact">): void;
  blocked(event: Of<"blocked">): void;
  unblocked(): void;
  throttled(event: Of<"throttled">): void;
}

const PER_MINUTE_MAX = 60;
/** A wait that is said again grows by more than this, or is the same one. */
const THROTTLE_NEWS_MS = 1_000;

export function createStatements(parts: {
  readonly reporter: Reporter;
  readonly clocks: Clocks;
  readonly transcript: Transcript;
  readonly artifacts: ArtifactIndex;
  /** Progress that still waits is from before. */
  readonly flush: () => void;
  /** It had an effect. */
  readonly onEffect: () => void;
}): Statements {
  const { reporter, clocks, artifacts } = parts;
  const limit = countPerMinute(PER_MINUTE_MAX, (dropped) =>
    parts.transcript.note(
      `${dropped} blocked, unblocked or artifact lines were dropped: more than ${PER_MINUTE_MAX} in a minute`,
    ),
  );
  return {
    artifact({ path }) {
      if (!limit.allow()) return;
      const ref = artifacts.news(path);
      if (ref === null) return;
      parts.onEffect();
      reporter.report({ type: "mission.artifact", status: "running", summary: ref.path, artifacts: [ref] });
    },
    unblocked() {
      if (limit.allow())
        reporter.report({ type: "mission.unblocked", status: "running", summary: "unblocked" });
    },
    blocked({ reason, needs }) {
      if (!limit.allow()) return;
      // It must not look as if it went on.
      parts.flush();
      if (clocks.isNews(`blocked ${reason}`)) clocks.onProgress();
      reporter.report({
        type: "mission.blocked",
        status: "blocked",
        summary: reason,
        detail: { reason, ...(needs === null ? {} : { needs }) },
      });
    },
    /** Told again only when the wait grows: an agent that says it every second is told of once. */
    throttled({ retryAfterMs, account }) {
      if (clocks.throttledMs() + THROTTLE_NEWS_MS > retryAfterMs && clocks.throttledMs() > 0) return;
      clocks.throttle(retryAfterMs);
      if (!limit.allow()) return;
      reporter.report({
        type: "agent.throttled",
        status: "running",
        summary: `rate limited for ${(retryAfterMs / 1_000).toFixed(1)} s`,
        detail: { retry_after_ms: retryAfterMs, ...(account === null ? {} : { account }) },
      });
    },
  };
}
