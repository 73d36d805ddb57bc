/**
 * The life of one shim, from its claim to its end.
 *
 *   standby ──► starting ──► running ◄──► paused
 *      │            │           │            │
 *      └────────────┴─► stopping ◄───────────┘ ──► exited
 *
 * - standby: beats, makes its round trip and its checks, says `instance.ready`, waits for a mission.
 * - starting: the agent runs and has not accepted yet.
 * - stopping: asked to end; the agent's exit is no crash.
 * - exited: the agent is gone; the shim stays to deliver what it has recorded until it is stopped itself.
 *
 * This file joins the parts; each of them is in `session/`.
 */
import type { MissionEnvelope } from "../../api/envelope.ts";
import { createRedactor } from "../../core/model/redact.ts";
import { createProcessClock } from "../../instance/agent-process.ts";
import type { Intent } from "../../instance/claim.ts";
import type { LaunchSettings } from "../../instance/launch-settings.ts";
import { openShimOutbox } from "../../instance/outbox.ts";
import { toolsSocket } from "../../instance/tools-link.ts";
import { openTranscript } from "../../instance/transcript.ts";
import type { AgentAdapter, AgentEvent, AgentProgram } from "../agents/agent.ts";
import type { Container } from "../agents/container.ts";
import type { Graces } from "../agents/ending.ts";
import { AGENTS, type AgentRegistry } from "../agents/registry.ts";
import { factoryFolder } from "../agents/spawn.ts";
import { startDelivery } from "../callback/deliver.ts";
import { createReporter } from "../callback/reporter.ts";
import { createUsage } from "../metering/usage.ts";
import { createToolbox } from "../tools/toolbox.ts";
import { type AgentRunner, createAgentRunner } from "./agent-runner.ts";
import { createClocks } from "./clocks.ts";
import type { ControlMethods } from "./control.ts";
import { createEnd } from "./end.ts";
import { AT_ONCE, BY_FENCE } from "./graces.ts";
import { type Heart, type HeartOptions, startHeart } from "./heartbeat.ts";
import { beginLife, type Life, shownPhase } from "./life.ts";
import { createLimitWatch } from "./limit-watch.ts";
import { createMessages } from "./messages.ts";
import { createMethods } from "./methods.ts";
import { createModelDoor, type DoorPlan, planDoor } from "./model-door.ts";
import { createPauses, type Pauses } from "./pauses.ts";
import { becomeReady } from "./readiness.ts";
import { createResourceWatch } from "./resource-watch.ts";
import { openRollingLog } from "./rolling-log.ts";

export interface Session {
  readonly methods: ControlMethods;
  /** Begins the round trip and the checks. */
  prepare(): void;
  /** Ends the agent step by step and then the shim. A second call changes nothing. */
  end(reason: string, graces?: Graces): void;
}

/** Kept for whoever has to understand its end. */
const ACTIONS_BYTES_MAX = 1024 * 1024;
const HEARTBEATS_BYTES_MAX = 128 * 1024;
/** Whoever asked for a pause waits to hear that it is one. */
const PAUSED_MS = 50;
/** A shim without agent that nobody talks to any more. What it recorded stays on disk. */
const DESERTED_AFTER_MS = 24 * 60 * 60 * 1_000;

export interface SessionOptions {
  readonly instanceDirectory: string;
  readonly intent: Intent;
  readonly settings: LaunchSettings;
  /** The MCP server's file. */
  readonly toolsProgram: string;
  /** The file of what leads an agent to the gateway. */
  readonly doorProgram: string;
  /** Default: those that there are. */
  readonly agents?: AgentRegistry;
  /** Called once, when everything is over. */
  readonly onEnd: () => void;
}

export function createSession(options: SessionOptions): Session {
  const { instanceDirectory, intent, settings, onEnd } = options;
  const socket = (): string => toolsSocket(factoryFolder(intent.workspace), intent.nonce);
  const doorPlan = planDoor(settings, options);
  const program = (): AgentProgram => programOf(options, { socket: socket(), doorPlan });
  // First of all: it comes up while everything below is made, the round trip and the checks.
  const adapter = (options.agents ?? AGENTS)[settings.agent.adapter] ?? null;
  const container = openAhead(adapter, program);
  const life = beginLife({ instanceDirectory, intent, settings });
  const books = openBooks(options);
  const { clocks, outbox } = books;
  const messages = createMessages();
  const endFor = (reason: string, graces?: Graces): void => end.begin(reason, graces);
  const pausedSoon = (): void => heart.beatSoon(PAUSED_MS);
  const pauses = createPauses({
    life,
    ...books,
    onFrozen: pausedSoon,
    onRestless: (why) => end.begin(why, AT_ONCE),
  });
  /** How everything here asks the controller, and what its answers lead to. */
  const callback = {
    token: settings.token,
    callbackUrl: () => life.callbackUrl,
    onReached: () => heart.reached(),
    onFenced: () => end.begin("the controller has fenced this epoch", BY_FENCE),
  };
  const delivery = startDelivery({ instanceDirectory, outbox, ...callback });
  const envelope = (): MissionEnvelope | null => life.envelope;
  const reporter = createReporter({ intent, ...books, envelope, onAppend: () => delivery.wake() });
  const common = { life, ...books, pauses, reporter, delivery, messages };
  const end = createEnd({
    ...common,
    runner: () => runner,
    cut: () => gateway?.cut(),
    close() {
      toolbox.close();
      gateway?.close();
    },
    onDelivered() {
      for (const part of [limits, resources, heart]) part.stop();
    },
    onEnd,
  });
  const heart: Heart = startHeart({
    intent,
    ...callback,
    ...factsFor(life, { clocks, outbox, pauses }),
    clocks,
    intervalMs: settings.heartbeatIntervalMs,
    onReached() {
      delivery.hint();
      pauses.orphan(false);
    },
    onBeat: (beat) => books.beats.append({ at: new Date().toISOString(), ...beat }),
    orphanAfterMs: () => (life.agent === null ? DESERTED_AFTER_MS : settings.orphanPolicy.afterMs),
    onOrphaned: () => obeyOrphanPolicy({ life, settings, pauses, end }),
  });
  const toolbox = createToolbox({
    instanceDirectory,
    intent,
    socket,
    ...callback,
    ...books,
    say: (line) => sayFor(life, line),
    reply: (result) => life.agent?.say(result) ?? "closed",
  });
  const limits = createLimitWatch({ ...common, end: endFor, onPaused: pausedSoon });
  if (settings.limits !== undefined) limits.hold(settings.limits);
  const gateway = createModelDoor(doorPlan, { ...common, limits, heart });
  const resources = createResourceWatch({ life, end: endFor });
  const runner: AgentRunner = createAgentRunner({
    ...common,
    adapter,
    program,
    container,
    toolbox,
    gateway,
    heart,
    limits,
    resources,
    end: endFor,
    onStopped: () => void end.finish(),
  });
  end.obeyKillSwitch();

  return {
    methods: createMethods({ ...common, runner, heart, limits, end: endFor }),
    prepare: () => void becomeReady({ ...common, ...callback, signal: end.begun }),
    end: endFor,
  };
}

/** What a session writes down and counts, below the instance's folder. */
function openBooks({ instanceDirectory, settings }: SessionOptions) {
  const redactor = createRedactor([settings.token, ...Object.values(settings.secrets)]);
  const transcript = openTranscript(instanceDirectory, redactor);
  const onUnpriced = (model: string): void =>
    transcript.note(`fleet.yaml has no price for ${model}: what its tokens cost is unknown`);
  const usage = createUsage({ prices: settings.prices, onUnpriced });
  return {
    redactor,
    transcript,
    outbox: openShimOutbox(instanceDirectory),
    actions: openRollingLog(instanceDirectory, "actions", ACTIONS_BYTES_MAX),
    beats: openRollingLog(instanceDirectory, "heartbeats", HEARTBEATS_BYTES_MAX),
    clocks: createClocks(now, usage),
  };
}

type Books = ReturnType<typeof openBooks>;

function now(): number {
  return performance.now();
}

/** What each heartbeat says. */
function factsFor(
  life: Life,
  { clocks, outbox, pauses }: Pick<Books, "clocks" | "outbox"> & { readonly pauses: Pauses },
): Pick<HeartOptions, "lastEventSeq" | "facts" | "process"> {
  const processClock = createProcessClock(now);
  return {
    lastEventSeq: () => outbox.lastSeq(),
    facts: () => ({
      phase: shownPhase(life, { clocks, paused: pauses.frozen() }),
      missionId: life.envelope?.mission_id ?? null,
    }),
    process: () => (life.agent === null ? null : processClock.read(life.agent.record())),
  };
}

function programOf(
  { intent, settings, toolsProgram }: SessionOptions,
  { socket, doorPlan }: { readonly socket: string; readonly doorPlan: DoorPlan | null },
): AgentProgram {
  const { agent, secrets } = settings;
  return {
    intent,
    ...(doorPlan?.led({ agent, secrets }) ?? { agent, secrets }),
    ours: { FACTORY_TOOLS_SOCKET: socket, FACTORY_TOOLS_MCP: toolsProgram },
  };
}

/** The controller has not been reached for longer than the policy allows. */
function obeyOrphanPolicy(of: {
  readonly life: Life;
  readonly settings: LaunchSettings;
  readonly pauses: { orphan(orphaned: boolean): void };
  readonly end: { begin(reason: string): void };
}): void {
  const { action } = of.settings.orphanPolicy;
  if (of.life.agent === null) of.end.begin("the controller was not reached for a day");
  else if (action === "pause") of.pauses.orphan(true);
  else if (action === "terminate") of.end.begin("the orphan policy ends an agent whose controller is away");
}

/** What an agent says through its tools; false when nobody takes it any more. */
function sayFor({ run, phase }: Life, line: AgentEvent): boolean {
  if (run === null || run.terminal() || phase === "stopping") return false;
  run.onEvent(line);
  return true;
}

/** Null where it cannot be: what is in the way is told by the start of the agent, which meets it again. */
function openAhead(adapter: AgentAdapter | null, program: () => AgentProgram): Container | null {
  try {
    return adapter?.open?.(program()) ?? null;
  } catch {
    return null;
  }
}
