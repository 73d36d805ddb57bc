/**
 * Starts the session's agent, starts it again in place, and ends it: never two at once.
 *
 *   none ──► started ──► exited, and told of
 *               │
 *               └─► replaced: it is ended by us ──► started again, once nothing of it lives
 */
import type { MissionEnvelope } from "../../api/envelope.ts";
import { findAgentMembers } from "../../instance/containment.ts";
import { type Graces, runShimRungs } from "../agents/ending.ts";
import type { AgentExit } from "../agents/signature.ts";
import { endLeftovers } from "../agents/spawn.ts";
import type { Reporter } from "../callback/reporter.ts";
import type { Gateway } from "../metering/gateway.ts";
import { EXIT_NO_TOOLS } from "../tools/toolbox.ts";
import { type AgentStartParts, createAgentStarter } from "./agent-start.ts";
import type { ControlResult } from "./control.ts";
import { reportExit } from "./exit.ts";
import { AFTER_LAST_WORD } from "./graces.ts";
import type { Heart } from "./heartbeat.ts";
import { targetOf } from "./life.ts";
import { createMissionRun, type MissionRun } from "./mission.ts";
import { reviveAgent } from "./revive.ts";

export interface AgentRunner {
  startMission(envelope: MissionEnvelope): void;
  /** Brings the agent back, or says why not. */
  revive(again: boolean): ControlResult;
  /** Asks, closes the input, asks by SIGTERM, insists by SIGKILL; each only when the one before did not do. */
  stop(graces: Graces): void;
}

export interface AgentRunnerParts extends AgentStartParts {
  readonly reporter: Reporter;
  readonly heart: Heart;
  /** Null: its calls of a model are its own. */
  readonly gateway: Gateway | null;
  /** It is gone, and that was asked for. */
  readonly onStopped: () => void;
}

/** An agent that has said its last word needs no more than this to close its files. */
const TERMINAL_EXIT_GRACE_MS = 10_000;
/** What an agent spends is told this soon: limits are kept by it. Of one that is paused and spends, sooner. */
const SPENDING_MS = 1_000;
const PAUSED_SPENDING_MS = 250;

export function createAgentRunner(parts: AgentRunnerParts): AgentRunner {
  const { life, pauses, clocks } = parts;
  const starter = createAgentStarter(parts, onExit);
  /** The agent is being ended so that another one can take its place. */
  let reviving = false;

  function startMission(envelope: MissionEnvelope): void {
    life.envelope = envelope;
    life.phase = "starting";
    const run = missionRunOf(envelope, parts, {
      onTerminal: () => setTimeout(() => stop(AFTER_LAST_WORD), TERMINAL_EXIT_GRACE_MS).unref(),
    });
    life.run = run;
    parts.heart.watch(life.intent.workspace);
    void Promise.all([parts.toolbox.open(), parts.gateway?.open()]).then(
      () => starter.start(run, { envelope, resumes: false }),
      // Without them it would act without asking: then it is not started.
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        starter.refuse(EXIT_NO_TOOLS, `the agent's tools cannot be offered: ${why}`);
      },
    );
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
    starter.start(run, { envelope, resumes: true });
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
    const { reporter, redactor } = parts;
    reportExit(exit, { life, clocks, reporter, redactor, stopped, exceeded });
    if (stopped) parts.onStopped();
  }

  function stop(graces: Graces): void {
    const stopping = life.agent;
    if (stopping === null) return;
    const silent = life.run?.terminal() === true;
    void runShimRungs({
      instanceDirectory: life.instanceDirectory,
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
    stop,
    revive(again) {
      const onReplaced = (): void => {
        reviving = true;
      };
      return reviveAgent({ ...parts, again, onReplaced });
    },
  };
}

/** The mission as its agents carry it out: what they say of it, and what follows from that. */
function missionRunOf(
  envelope: MissionEnvelope,
  { life, pauses, clocks, reporter, transcript, limits, heart }: AgentRunnerParts,
  { onTerminal }: { readonly onTerminal: () => void },
): MissionRun {
  const isBeingPaused = (): boolean => pauses.by().length > 0 || pauses.graceLeftMs() > 0;
  return createMissionRun({
    workspace: life.intent.workspace,
    agent: life.settings.agent,
    reporter,
    clocks,
    transcript,
    cadence: () => limits.reportCadence() ?? envelope.report_cadence,
    heartbeatIntervalMs: () => heart.intervalMs(),
    onAccepted: () => {
      if (life.phase === "starting") life.phase = "running";
    },
    onSpent() {
      limits.look();
      heart.beatSoon(isBeingPaused() ? PAUSED_SPENDING_MS : SPENDING_MS);
    },
    onTurnEnded: () => pauses.turnEnded(),
    onTerminal,
  });
}
