/**
 * One mission under way: turns what the agent says into events, and knows when the mission is over. What it says is
 * kept within bounds by `flood-limits.ts`; where it was said, and in which language, is its adapter's business.
 */
import type { AgentSpec } from "../../core/model/clone.ts";
import type { ReportCadence } from "../../core/model/mission.ts";
import { samenessOf } from "../../core/model/sameness.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { AgentEvent } from "../agents/agent.ts";
import type { AgentExit } from "../agents/signature.ts";
import type { Reporter } from "../callback/reporter.ts";
import { createArtifactIndex } from "./artifact-index.ts";
import type { Clocks } from "./clocks.ts";
import { meaningOf } from "./ending-meaning.ts";
import { createLastWord } from "./last-word.ts";
import { createLoopWatch } from "./loop-watch.ts";
import { createProgressCadence } from "./progress-cadence.ts";
import { createStatements } from "./statements.ts";

export interface MissionRun {
  /** A message reached the agent; a person's ends what was observed before it. */
  onMessageDelivered(from: "operator" | "supervisor"): void;
  /** It was paused by us and goes on, or a new agent goes on for it. */
  onResumed(): void;
  onStart(pid: number): void;
  /** After the last word nothing counts. */
  onEvent(event: AgentEvent): void;
  /**
   * Tells what is left to tell. Without a last word `meaningOf` says what its end means, unless it was asked to end: then it
   * obeyed, and nothing of it is a result.
   */
  onExit(ending: AgentExit, asked: { readonly stopped: boolean }): void;
  accepted(): boolean;
  /** The last word has been said. */
  terminal(): boolean;
  /** Its provider refuses its credentials: no verdict on the mission, and nothing that a restart would cure. */
  unauthorized(): boolean;
}

export interface MissionOptions {
  readonly workspace: string;
  /** How it accepts, and what its end means. */
  readonly agent: Pick<AgentSpec, "accept" | "result" | "exitCodes" | "model">;
  readonly reporter: Reporter;
  readonly clocks: Clocks;
  readonly transcript: Transcript;
  /** How often progress is reported, as it is in force now. */
  readonly cadence: () => ReportCadence;
  readonly heartbeatIntervalMs: () => number;
  readonly onAccepted: () => void;
  /** The totals rose. */
  readonly onSpent: () => void;
  readonly onTurnEnded: () => void;
  /** The agent has said its last word and may end now. */
  readonly onTerminal: () => void;
}

export function createMissionRun(options: MissionOptions): MissionRun {
  const { reporter, clocks, transcript } = options;
  const acceptance = createAcceptance(options);
  const progress = createProgressCadence({
    cadence: options.cadence,
    heartbeatIntervalMs: options.heartbeatIntervalMs,
    report: ({ summary, percent }) =>
      reporter.report({
        type: "mission.progress",
        status: "running",
        summary,
        ...(percent === null ? {} : { detail: { percent } }),
      }),
  });
  const loops = createLoopWatch(({ pattern, times, evidence }) =>
    reporter.report({
      type: "agent.loop",
      status: "running",
      summary: evidence,
      detail: { pattern, times, evidence },
    }),
  );
  const onEffect = (): void => {
    clocks.onProgress();
    loops.effect();
  };
  const artifacts = createArtifactIndex(options);
  const said = { reporter, clocks, transcript, artifacts, flush: () => progress.flush() };
  const statements = createStatements({ ...said, onEffect });
  const lastWord = createLastWord({ ...said, onSaid: options.onTerminal });

  /** It has said that something blocks it, and has not been at work since. */
  let blocked = false;

  const on: { readonly [T in AgentEvent["type"]]: (event: Of<T>) => void } = {
    accepted: () => acceptance.accept(),
    progress(event) {
      if (clocks.isNews(`${event.summary} ${event.percent}`)) onEffect();
      progress.push(event);
    },
    usage(event) {
      // Where we count ourselves, what an agent says of it is its opinion.
      if (options.agent.model === undefined && clocks.onUsage(event)) options.onSpent();
    },
    artifact: (event) => statements.artifact(event),
    blocked(event) {
      blocked = true;
      statements.blocked(event);
    },
    unblocked() {
      blocked = false;
      statements.unblocked();
    },
    throttled: (event) => statements.throttled(event),
    tool() {}, // Answered by the session.
    tool_start(event) {
      if (clocks.isNews(`tool ${callOf(event)}`)) clocks.onProgress();
      clocks.openTool(event.id, event.deadlineMs);
      loops.toolStart(event);
    },
    tool_end(event) {
      clocks.closeTool(event.id);
      loops.toolEnd(event);
    },
    message({ text, shown }) {
      if (shown !== true) transcript.note(`message: ${text}`);
      loops.message(text);
    },
    turn_started() {
      if (blocked) on.unblocked({ type: "unblocked" });
    },
    turn_ended({ result }) {
      if (result !== undefined && !blocked) lastWord.completed({ summary: result, paths: [] });
      else options.onTurnEnded();
    },
    completed: ({ summary, artifacts: paths }) => lastWord.completed({ summary, paths }),
    failed: (event) => lastWord.failed(event),
  };

  return {
    onMessageDelivered: (from) => (from === "operator" ? loops.renewed() : loops.nudged()),
    onResumed: () => loops.renewed(),
    onStart: (pid) => acceptance.onStart(pid),
    onEvent(event) {
      if (!lastWord.said()) (on[event.type] as (event: AgentEvent) => void)(event);
    },
    onExit(ending, { stopped }) {
      progress.flush();
      noteDropped(options);
      if (stopped || lastWord.said() || !acceptance.given()) return;
      const meaning = meaningOf(ending, options.agent);
      if (meaning.type === "completed")
        lastWord.completed({ summary: "the agent ended with success", paths: [] });
      else if (meaning.type === "failed") lastWord.failed(meaning);
    },
    accepted: acceptance.given,
    terminal: lastWord.said,
    unauthorized: lastWord.unauthorized,
  };
}

type Of<T extends AgentEvent["type"]> = Extract<AgentEvent, { type: T }>;

/** An id is new with every call; the call itself need not be. */
function callOf({ id, name, arguments: given }: Of<"tool_start">): string {
  return name === null ? id : String(samenessOf([name, given ?? null]));
}

function noteDropped({ reporter, transcript }: MissionOptions): void {
  if (reporter.dropped() === 0) return;
  transcript.note(`${reporter.dropped()} progress or artifact events were not recorded: the outbox is full`);
}

/** Said once: by the start of the agent, or by the agent itself. */
function createAcceptance({ agent, reporter, onAccepted }: MissionOptions): {
  onStart(pid: number): void;
  accept(): void;
  given(): boolean;
} {
  let pid = 0;
  let given = false;
  const acceptOnce = (): void => {
    if (given) return;
    given = true;
    reporter.report({
      type: "mission.accepted",
      status: "running",
      summary: "accepted",
      detail: { agent_pid: pid },
    });
    onAccepted();
  };
  return {
    onStart(agentPid) {
      pid = agentPid;
      if (agent.accept === "on_start") acceptOnce();
    },
    accept: acceptOnce,
    given: () => given,
  };
}
