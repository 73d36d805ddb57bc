/** Starting one agent on the mission: what stands against it, what it is started with, and where what it says goes. */
import { dirname } from "node:path";
import type { MissionEnvelope } from "../../api/envelope.ts";
import type { Redactor } from "../../core/model/redact.ts";
import { readFence } from "../../instance/claim.ts";
import { writeAgentRecord } from "../../instance/containment.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { Agent, AgentAdapter, AgentEvent, AgentProgram } from "../agents/agent.ts";
import type { Container } from "../agents/container.ts";
import type { AgentExit } from "../agents/signature.ts";
import type { Toolbox } from "../tools/toolbox.ts";
import type { Clocks } from "./clocks.ts";
import type { Life } from "./life.ts";
import type { LimitWatch } from "./limit-watch.ts";
import type { Messages } from "./messages.ts";
import type { MissionRun } from "./mission.ts";
import type { Pauses } from "./pauses.ts";
import type { ResourceWatch } from "./resource-watch.ts";
import type { RollingLog } from "./rolling-log.ts";

export interface AgentStartParts {
  readonly life: Life;
  /** How its agents are talked to; null: this shim has no adapter of that name. */
  readonly adapter: AgentAdapter | null;
  /** What agents are started from, and what was opened for the first of them. */
  readonly program: () => AgentProgram;
  readonly container: Container | null;
  readonly pauses: Pauses;
  readonly clocks: Clocks;
  readonly transcript: Transcript;
  readonly redactor: Redactor;
  readonly messages: Messages;
  readonly toolbox: Toolbox;
  readonly limits: LimitWatch;
  readonly resources: ResourceWatch;
  /** Everything that the agent says to us. */
  readonly actions: RollingLog;
  readonly end: (reason: string) => void;
}

export interface AgentStarter {
  /** Starts one, unless the instance is ending. One that cannot be started has ended, as `onExit` tells. */
  start(run: MissionRun, how: Beginning): void;
  /** It is not started, for this reason: like one that ended by itself with this code. */
  refuse(code: number, problem: string): void;
}

export interface Beginning {
  readonly envelope: MissionEnvelope;
  readonly resumes: boolean;
}

/** As its log has it: what a model has used stands there by its name. */
function inJson(event: AgentEvent): object {
  return event.type === "usage" && event.tokens !== undefined
    ? { ...event, tokens: Object.fromEntries(event.tokens) }
    : event;
}

/** As a shell says of a program that it does not find. */
const EXIT_NO_ADAPTER = 127;

export function createAgentStarter(parts: AgentStartParts, onExit: (exit: AgentExit) => void): AgentStarter {
  const { life, adapter, transcript } = parts;
  const { instanceDirectory, intent, settings } = life;
  /** For the first agent of this instance. */
  let container = parts.container;

  function refuse(code: number, problem: string): void {
    transcript.note(problem);
    onExit({ code, signal: null, stderrTail: problem });
  }

  function takeContainer({ resumes }: Beginning): Container | null {
    const opened = resumes ? null : container;
    container = null;
    return opened;
  }

  function onStart(started: Agent, run: MissionRun, { resumes }: Beginning): void {
    life.agent = started;
    writeAgentRecord(instanceDirectory, started.record());
    parts.pauses.apply();
    run.onStart(started.pid);
    parts.limits.look();
    parts.resources.begin();
    if (!resumes) return;
    run.onResumed();
    parts.messages.tellAgain((message) => started.say(message));
  }

  function onEvent(event: AgentEvent, run: MissionRun): void {
    parts.actions.append({ at: new Date().toISOString(), ...parts.redactor.deep(inJson(event)) });
    // Its calls were cut off, by us: what it makes of that in words of its own is no verdict on its mission.
    if (settings.agent.output !== undefined && life.phase === "stopping") return;
    if (event.type === "tool") parts.toolbox.answer(event);
    else run.onEvent(event);
  }

  return {
    refuse,
    start(run, how) {
      if (life.over || life.phase === "stopping") return;
      // Handed over just before the fence came down: the fence stands between the two.
      if (readFence(dirname(instanceDirectory)) >= intent.epoch) {
        parts.end("its epoch is fenced");
        return;
      }
      parts.toolbox.begin();
      const opened = takeContainer(how);
      // Of a newer controller, for example.
      if (adapter === null) {
        refuse(EXIT_NO_ADAPTER, `this shim has no adapter named ${settings.agent.adapter}`);
        return;
      }
      adapter.start({
        ...parts.program(),
        ...how,
        container: opened,
        transcript,
        paused: () => parts.pauses.by().length > 0,
        over: () => run.terminal(),
        askApproval: (question, signal) => parts.toolbox.askApproval(question, signal),
        onStart: (started) => onStart(started, run, how),
        onRecord: (record) => writeAgentRecord(instanceDirectory, record),
        onOutput: () => parts.clocks.onOutput(),
        onEvent: (event) => onEvent(event, run),
        onExit,
      });
    },
  };
}
