import type { Transcript } from "../../instance/transcript.ts";
import type { AgentEvent } from "../agents/agent.ts";
import type { Reporter } from "../callback/reporter.ts";
import type { ArtifactIndex } from "./artifact-index.ts";
import type { Clocks } from "./clocks.ts";

/** The end of a mission as its agent tells it: said once, and nothing after it counts. */
export interface LastWord {
  completed(word: { readonly summary: string; readonly paths: readonly string[] }): void;
  failed(word: Extract<AgentEvent, { type: "failed" }>): void;
  said(): boolean;
  /** Its provider refuses its credentials: no verdict on the mission, and nothing that a restart would cure. */
  unauthorized(): boolean;
}

/** `{"type":"failed","reason":"auth"}` */
const UNAUTHORIZED_REASON = "auth";
/** A message is capped; an index that is longer is told by its count and found in the workspace. */
const INDEX_MAX = 200;

export function createLastWord(parts: {
  readonly reporter: Reporter;
  readonly clocks: Clocks;
  readonly transcript: Transcript;
  readonly artifacts: ArtifactIndex;
  /** What was said before it goes out first. */
  readonly flush: () => void;
  /** The agent may end now. */
  readonly onSaid: () => void;
}): LastWord {
  const { reporter, clocks, artifacts } = parts;
  let said = false;
  let unauthorized = false;

  function finish(type: "completed" | "failed", summary: string): void {
    parts.flush();
    said = true;
    const refs = artifacts.refs();
    clocks.onProgress();
    reporter.report({
      type: `mission.${type}`,
      status: type,
      summary,
      artifacts: refs.slice(0, INDEX_MAX),
      detail:
        type === "failed"
          ? { reason: summary, recommended_next_action: "review" }
          : { recommended_next_action: "judge", artifact_count: refs.length },
    });
    parts.onSaid();
  }

  /** Not the mission failed, its agent may not work: that is told with its exit. */
  function refuse(): void {
    parts.flush();
    unauthorized = true;
    said = true;
    parts.transcript.note("the agent says that its provider refuses its credentials");
    parts.onSaid();
  }

  return {
    completed({ summary, paths }) {
      for (const path of paths) artifacts.news(path);
      finish("completed", summary);
    },
    failed({ reason }) {
      if (reason === UNAUTHORIZED_REASON) refuse();
      else finish("failed", reason);
    },
    said: () => said,
    unauthorized: () => unauthorized,
  };
}
