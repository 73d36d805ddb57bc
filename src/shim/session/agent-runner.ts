/** Starts the session's agent, starts it again in place, and ends it: never two at once. */
import { dirname } from "node:path";
import type { MissionEnvelope } from "../../api/envelope.ts";
import type { Redactor } from "../../core/model/redact.ts";
import { readFence } from "../../instance/claim.ts";
import { findAgentMembers, writeAgentRecord } from "../../instance/containment.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { AgentAdapter, AgentProgram } from "../agents/agent.ts";
import type { Container } from "../agents/container.ts";
import { type Graces, runShimRungs } from "../agents/ending.ts";
import type { AgentExit } from "../agents/signature.ts";
import { endLeftovers } from "../agents/spawn.ts";
import type { Reporter } from "../callback/reporter.ts";
import { EXIT_NO_TOOLS, type Toolbox } from "../tools/toolbox.ts";
import type { Clocks } from "./clocks.ts";
import type { ControlResult } from "./control.ts";
import { reportExit } from "./exit.ts";
import { AFTER_LAST_WORD } from "./graces.ts";
import type { Heart } from "./heartbeat.ts";
import { type Life, targetOf } from "./life.ts";
import type { LimitWatch } from "./limit-watch.ts";
import type { Messages } from "./messages.ts";
import { createMissionRun, type MissionRun } from "./mission.ts";
import type { Pauses } from "./pauses.ts";
import type { ResourceWatch } from "./resource-watch.ts";
import { reviveAgent } from "./revive.ts";
import type { RollingLog } from "./rolling-log.ts";

export interface AgentRunner {
  startMission(envelope: MissionEnvelope): void;
  /** Brings the agent back, or says why not. */
  revive(again: boolean): ControlResult;
  /** Asks, closes the input, asks by SIGTERM, insists by SIGKILL; each only when the one before did not do. */
  stop(graces: Graces): void;
}

/** An agent that has said its last word needs no more than this to close its files. */
const TERMINAL_EXIT_GRACE_MS = 10_000;
/** What an agent spends is told this soon: limits are kept by it. Of one that is paused and spends, sooner. */
const SPENDING_MS = 1_000;
const PAUSED_SPENDING_MS = 250;
/** As a shell says of a program that it does not find. */
const EXIT_NO_ADAPTER = 127;

export function createAgentRunner(parts: {
  readonly life: Life;
  /** How its agents are talked to; null: this shim has no adapter of that name. */
  readonly adapter: AgentAdapter | null;
  /** What agents are started from, and what was opened for the first of them. */
  readonly program: () => AgentProgram;
  readonly container: Container | null;
  readonly pauses: Pauses;
  readonly clocks: Clocks;
  readonly reporter: Reporter;
  readonly transcript: Transcript;
  readonly redactor: Redactor;
  readonly messages: Messages;
  readonly toolbox: Toolbox;
  readonly heart: Heart;
  readonly limits: LimitWatch;
  readonly resources: ResourceWatch;
  /** Everything that the agent says to us. */
  readonly actions: RollingLog;
  readonly end: (reason: string) => void;
  /** It is gone, and that was asked for. */
  readonly onStopped: () => void;
}): AgentRunner {
  const { life, pauses, clocks, reporter, transcript, redactor, messages, toolbox } = parts;
  const { instanceDirectory, intent, settings } = life;
  /** The agent is being ended so that another one can take its place. */
  let reviving = false;
  /** For the first agent of this instance. */
  let container = parts.container;

  function startMission(envelope: MissionEnvelope): void {
    life.envelope = envelope;
    life.phase = "starting";
    const run = createMissionRun({
      workspace: intent.workspace,
      accept: settings.agent.accept,
      reporter,
      clocks,
      transcript,
      cadence: () => parts.limits.reportCadence() ?? envelope.report_cadence,
      heartbeatIntervalMs: () => parts.heart.intervalMs(),
      onAccepted: () => {
        if (life.phase === "starting") life.phase = "running";
      },
      onSpent() {
        parts.limits.look();
        parts.heart.beatSoon(isBeingPaused() ? PAUSED_SPENDING_MS : SPENDING_MS);
      },
      onTurnEnded: () => pauses.turnEnded(),
      onTerminal: () => setTimeout(() => stop(AFTER_LAST_WORD), TERMINAL_EXIT_GRACE_MS).unref(),
    });
    life.run = run;
    parts.heart.watch(intent.workspace);
    void toolbox.open().then(
      () => startAgent(run, { envelope, resumes: false }),
      (error: unknown) => withoutTools(error),
    );
  }

  const isBeingPaused = (): boolean => pauses.by().length > 0 || pauses.graceLeftMs() > 0;

  /** Without them it would act without asking: then it is not started. */
  function withoutTools(error: unknown): void {
    const problem = `the agent's tools cannot be offered: ${error instanceof Error ? error.message : String(error)}`;
    transcript.note(problem);
    onExit({ code: EXIT_NO_TOOLS, signal: null, stderrTail: problem });
  }

  /** Of a newer controller, for example. */
  function withoutAdapter(): void {
    const problem = `this shim has no adapter named ${settings.agent.adapter}`;
    transcript.note(problem);
    onExit({ code: EXIT_NO_ADAPTER, signal: null, stderrTail: problem });
  }

  function startAgent(
    run: MissionRun,
    how: { readonly envelope: MissionEnvelope; readonly resumes: boolean },
  ): void {
    if (life.over || life.phase === "stopping") return;
    // Handed over just before the fence came down: the fence stands between the two.
    if (readFence(dirname(instanceDirectory)) >= intent.epoch) {
      parts.end("its epoch is fenced");
      return;
    }
    toolbox.begin();
    const opened = how.resumes ? null : container;
    container = null;
    if (parts.adapter === null) {
      withoutAdapter();
      return;
    }
    parts.adapter.start({
      ...parts.program(),
      ...how,
      container: opened,
      transcript,
      onStart(started) {
        life.agent = started;
        writeAgentRecord(instanceDirectory, started.record());
        pauses.apply();
        run.onStart(started.pid);
        parts.limits.look();
        parts.resources.begin();
        if (!how.resumes) return;
        run.onResumed();
        messages.tellAgain((message) => started.say(message));
      },
      onRecord: (record) => writeAgentRecord(instanceDirectory, record),
      onOutput: () => clocks.onOutput(),
      onEvent(event) {
        parts.actions.append({ at: new Date().toISOString(), ...redactor.deep(event) });
        if (event.type === "tool") toolbox.answer(event);
        else run.onEvent(event);
      },
      onExit,
    });
  }

  /** Whether the agent's end was ours and a new one has taken its place. */
  function startedAgain(): boolean {
    if (!reviving) return false;
    reviving = false;
    const { run, envelope } = life;
    if (life.over || life.phase === "stopping" || run === null || envelope === null || run.terminal())
      return false;
    if (findAgentMembers(targetOf(life)).length > 0) return false; // Never two at once.
    life.agent = null;
    clocks.closeTools();
    startAgent(run, { envelope, resumes: true });
    return true;
  }

  function onExit(exit: AgentExit): void {
    clocks.setRunning(false);
    endLeftovers(targetOf(life));
    if (startedAgain()) return;
    const stopped = life.phase === "stopping";
    const exceeded = parts.resources.exceeded(exit);
    life.run?.onExit(exit, { stopped });
    life.phase = "exited";
    life.agent = null;
    reportExit(exit, { life, clocks, reporter, redactor, stopped, exceeded });
    if (stopped) parts.onStopped();
  }

  function stop(graces: Graces): void {
    const stopping = life.agent;
    if (stopping === null) return;
    const silent = life.run?.terminal() === true;
    void runShimRungs({
      instanceDirectory,
      agent: stopping,
      graces: silent ? { ...graces, cancelGraceMs: 0 } : graces,
      gone: () => life.agent !== stopping,
      idleMs: () => clocks.heartbeatPart().last_progress_age_ms,
      thaw: () => pauses.thaw(),
      sweep: () => endLeftovers(targetOf(life)),
    });
  }

  return {
    startMission,
    revive: (again) =>
      reviveAgent({
        life,
        pauses,
        transcript,
        heart: parts.heart,
        again,
        onReplaced: () => {
          reviving = true;
        },
      }),
    stop,
  };
}
