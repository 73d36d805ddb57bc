/**
 * One mission under way: turns what the agent says into events, keeps floods
 * bounded, and knows when the mission is over.
 */

import { samenessOf } from "../../core/model/sameness.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { AgentLine } from "../agents/agent-line.ts";
import type { AgentExit } from "../agents/signature.ts";
import type { Reporter } from "../callback/reporter.ts";
import { inspectArtifact } from "./artifact.ts";
import type { Clocks } from "./clocks.ts";
import { createLoopWatch } from "./loop-watch.ts";

export interface MissionRun {
  /** Somebody's word reached the agent; a person's ends what was observed before it. */
  onMessageDelivered(from: "operator" | "supervisor"): void;
  /** It was paused by us and goes on, or a new agent goes on for it. */
  onResumed(): void;
  onStart(pid: number): void;
  onLine(line: AgentLine): void;
  /** Tells what is left to tell. Exit 0 without a last word is a completed mission; any other end without one is a crash, and no verdict on the mission. */
  onExit(ending: AgentExit): void;
  accepted(): boolean;
  /** The last word has been said. */
  terminal(): boolean;
  /** Its provider refuses its credentials: no verdict on the mission, and nothing that a restart would cure. */
  unauthorized(): boolean;
}

/** A wait that is said again grows by more than this, or is the same one. */
const THROTTLE_NEWS_MS = 1_000;
/** `{"type":"failed","reason":"auth"}` */
const UNAUTHORIZED_REASON = "auth";
/** Progress is for people and the progress clock; the newest of a burst says it all. */
const PROGRESS_INTERVAL_MS = 1_000;
/** Blocked, unblocked and artifact lines beyond this in a minute are counted, not carried. */
const STATEMENTS_PER_MINUTE_MAX = 60;
const ARTIFACTS_MAX = 1_000;

export function createMissionRun(options: {
  readonly workspace: string;
  readonly accept: "on_start" | "explicit";
  readonly reporter: Reporter;
  readonly clocks: Clocks;
  readonly transcript: Transcript;
  readonly onAccepted: () => void;
  /** The totals rose. */
  readonly onSpent: () => void;
  readonly onTurnEnded: () => void;
  /** The agent has said its last word and may end now. */
  readonly onTerminal: () => void;
}): MissionRun {
  const { reporter, clocks, transcript } = options;
  let pid = 0;
  let accepted = false;
  let terminal = false;
  let unauthorized = false;
  const progress = coalesce(PROGRESS_INTERVAL_MS, (line: Extract<AgentLine, { type: "progress" }>) =>
    reporter.report({
      type: "mission.progress",
      status: "running",
      summary: line.summary,
      ...(line.percent === null ? {} : { detail: { percent: line.percent } }),
    }),
  );
  const statements = countPerMinute(STATEMENTS_PER_MINUTE_MAX, (dropped) =>
    transcript.note(
      `${dropped} blocked, unblocked or artifact lines were dropped: more than ${STATEMENTS_PER_MINUTE_MAX} in a minute`,
    ),
  );
  const artifacts = new Map<string, string>();
  const loops = createLoopWatch(({ pattern, times, evidence }) =>
    reporter.report({
      type: "agent.loop",
      status: "running",
      summary: evidence,
      detail: { pattern, times, evidence },
    }),
  );

  function accept(): void {
    if (accepted) return;
    accepted = true;
    reporter.report({
      type: "mission.accepted",
      status: "running",
      summary: "accepted",
      detail: { agent_pid: pid },
    });
    options.onAccepted();
  }

  function gotSomewhere(): void {
    clocks.onProgress();
    loops.effect();
  }

  /** Null when it may not be named, with a note; else the reference, and whether it is new or changed. */
  function inspect(
    path: string,
  ): { readonly ref: { path: string; sha256?: string; bytes?: number }; readonly news: boolean } | null {
    const ref = inspectArtifact(options.workspace, path);
    if (ref === null) {
      transcript.note(`artifact ${JSON.stringify(path)} is not a file inside of the workspace`);
      return null;
    }
    const mark = ref.sha256 ?? String(ref.bytes);
    const news = artifacts.get(ref.path) !== mark;
    if (news && (artifacts.has(ref.path) || artifacts.size < ARTIFACTS_MAX)) artifacts.set(ref.path, mark);
    return { ref, news };
  }

  function onArtifact(path: string): void {
    const found = inspect(path);
    if (found === null || !found.news || !artifacts.has(found.ref.path)) return;
    gotSomewhere();
    reporter.report({
      type: "mission.artifact",
      status: "running",
      summary: found.ref.path,
      artifacts: [found.ref],
    });
  }

  /** The final event: after it the mission says nothing more. */
  function finish(report: {
    readonly failed: boolean;
    readonly summary: string;
    readonly paths: readonly string[];
  }): void {
    progress.flush();
    terminal = true;
    for (const path of report.paths) inspect(path);
    const refs = [...artifacts.keys()].flatMap((path) => inspectArtifact(options.workspace, path) ?? []);
    clocks.onProgress();
    reporter.report({
      type: report.failed ? "mission.failed" : "mission.completed",
      status: report.failed ? "failed" : "completed",
      summary: report.summary,
      artifacts: refs.slice(0, INDEX_MAX),
      detail: report.failed
        ? { reason: report.summary, recommended_next_action: "review" }
        : { recommended_next_action: "judge", artifact_count: refs.length },
    });
    options.onTerminal();
  }

  /** Told again only when the wait grows: an agent that says it every second is told of once. */
  function onThrottled(line: Extract<AgentLine, { type: "throttled" }>): void {
    if (clocks.throttledMs() + THROTTLE_NEWS_MS > line.retryAfterMs && clocks.throttledMs() > 0) return;
    clocks.throttle(line.retryAfterMs);
    if (!statements.allow()) return;
    reporter.report({
      type: "agent.throttled",
      status: "running",
      summary: `rate limited for ${(line.retryAfterMs / 1_000).toFixed(1)} s`,
      detail: {
        retry_after_ms: line.retryAfterMs,
        ...(line.account === null ? {} : { account: line.account }),
      },
    });
  }

  /** Not the mission failed, its agent may not work: that is told with its exit. */
  function refuse(): void {
    progress.flush();
    unauthorized = true;
    terminal = true;
    transcript.note("the agent says that its provider refuses its credentials");
    options.onTerminal();
  }

  function onStatement(line: Extract<AgentLine, { type: "artifact" | "blocked" | "unblocked" }>): void {
    if (!statements.allow()) return;
    if (line.type === "artifact") onArtifact(line.path);
    if (line.type === "unblocked") {
      reporter.report({ type: "mission.unblocked", status: "running", summary: "unblocked" });
    }
    if (line.type === "blocked") {
      // Progress that still waits is from before, and must not look as if it went on.
      progress.flush();
      if (clocks.isNews(`blocked ${line.reason}`)) clocks.onProgress();
      reporter.report({
        type: "mission.blocked",
        status: "blocked",
        summary: line.reason,
        detail: { reason: line.reason, ...(line.needs === null ? {} : { needs: line.needs }) },
      });
    }
  }

  function say(line: AgentLine): void {
    switch (line.type) {
      case "accepted":
        accept();
        break;
      case "progress":
        if (clocks.isNews(`${line.summary} ${line.percent}`)) gotSomewhere();
        progress.push(line);
        break;
      case "usage":
        if (clocks.onUsage(line)) options.onSpent();
        break;
      case "artifact":
      case "blocked":
      case "unblocked":
        onStatement(line);
        break;
      case "tool_start":
        // An id is new with every call; the call itself need not be.
        if (
          clocks.isNews(
            `tool ${line.name === null ? line.id : samenessOf([line.name, line.arguments ?? null])}`,
          )
        )
          clocks.onProgress();
        clocks.openTool(line.id, line.deadlineMs);
        loops.toolStart(line);
        break;
      case "tool":
        break; // Answered by the session.
      case "tool_end":
        clocks.closeTool(line.id);
        loops.toolEnd(line);
        break;
      case "message":
        transcript.note(`message: ${line.text}`);
        loops.message(line.text);
        break;
      case "turn_ended":
        options.onTurnEnded();
        break;
      case "throttled":
        onThrottled(line);
        break;
      case "completed":
        finish({ failed: false, summary: line.summary, paths: line.artifacts });
        break;
      case "failed":
        if (line.reason === UNAUTHORIZED_REASON) refuse();
        else finish({ failed: true, summary: line.reason, paths: [] });
        break;
    }
  }

  return {
    onMessageDelivered(from) {
      if (from === "operator") loops.renewed();
      else loops.nudged();
    },
    onResumed: () => loops.renewed(),
    onStart(agentPid) {
      pid = agentPid;
      if (options.accept === "on_start") accept();
    },
    onLine(line) {
      if (!terminal) say(line);
    },
    onExit(ending) {
      progress.flush();
      if (reporter.dropped() > 0)
        transcript.note(
          `${reporter.dropped()} progress or artifact events were not recorded: the outbox is full`,
        );
      if (!terminal && ending.code === 0 && accepted)
        finish({ failed: false, summary: "the agent ended with success", paths: [] });
    },
    accepted: () => accepted,
    terminal: () => terminal,
    unauthorized: () => unauthorized,
  };
}

/** A message is capped; an index that is longer is told by its count and found in the workspace. */
const INDEX_MAX = 200;

/** Passes the first value at once and afterwards the newest one per interval. */
function coalesce<T>(intervalMs: number, emit: (value: T) => void): { push(value: T): void; flush(): void } {
  let waiting: { readonly value: T } | null = null;
  let timer: NodeJS.Timeout | null = null;
  const emitWaiting = (): boolean => {
    if (waiting === null) return false;
    const { value } = waiting;
    waiting = null;
    emit(value);
    return true;
  };
  const rest = (): void => {
    timer = setTimeout(() => {
      timer = null;
      if (emitWaiting()) rest();
    }, intervalMs);
  };
  return {
    push(value) {
      waiting = { value };
      if (timer !== null) return;
      emitWaiting();
      rest();
    },
    flush() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      emitWaiting();
    },
  };
}

function countPerMinute(max: number, onDropped: (count: number) => void): { allow(): boolean } {
  let begun = performance.now();
  let count = 0;
  return {
    allow() {
      const now = performance.now();
      if (now - begun >= 60_000) {
        if (count > max) onDropped(count - max);
        begun = now;
        count = 0;
      }
      count += 1;
      return count <= max;
    },
  };
}
