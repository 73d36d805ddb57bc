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
 */
import { dirname, join } from "node:path";
import { entryText, type SwitchEntry, scopeText } from "../core/model/kill-switch.ts";
import { createRedactor } from "../core/model/redact.ts";
import type { MissionEnvelope } from "../wire/envelope.ts";
import type { WireHeartbeat } from "../wire/event.ts";
import { createProcessClock, lookAtAgent } from "./agent-process.ts";
import { checkCallback, runChecks } from "./checks.ts";
import { type Intent, readFence } from "./claim.ts";
import { createClocks } from "./clocks.ts";
import { type CommandAgent, startCommandAgent } from "./command.ts";
import {
  continueAgent,
  findAgentMembers,
  freezeAgent,
  type Target,
  writeAgentRecord,
} from "./containment.ts";
import type { ControlMethods, ControlResult } from "./control.ts";
import { startDelivery } from "./deliver.ts";
import { climbShimRungs, type Graces } from "./ending.ts";
import { isRecord, writeFileDurably } from "./files.ts";
import { startHeart } from "./heartbeat.ts";
import { watchKillSwitch } from "./kill-switch.ts";
import { createMessages, messageOf } from "./messages.ts";
import { createMissionRun, type MissionRun } from "./mission.ts";
import { openOutbox } from "./outbox.ts";
import { ownProcess } from "./process-table.ts";
import { createReporter } from "./reporter.ts";
import { openRollingLog } from "./rolling-log.ts";
import type { LaunchSettings } from "./settings.ts";
import { crashSignature, type Ending } from "./signature.ts";
import { endLeftovers } from "./spawn.ts";
import { createToolbox, EXIT_NO_TOOLS } from "./tools/toolbox.ts";
import { openTranscript } from "./transcript.ts";

export interface Session {
  readonly methods: ControlMethods;
  /** Begins the round trip and the checks. */
  prepare(): void;
  /** Ends the agent step by step and then the shim. A second call changes nothing. */
  end(reason: string, graces?: Graces): void;
}

type Phase = Exclude<WireHeartbeat["phase"], "throttled" | "paused">;
type Pauser = "operator" | "orphan";

/** For an end that nobody waits for outside: the epoch is over, or the controller is away. */
const DEFAULT_GRACES: Graces = {
  cancelGraceMs: 0,
  cancelBusyGraceMs: 0,
  stdinGraceMs: 3_000,
  termGraceMs: 10_000,
};
/** At once at SIGTERM. */
const BY_KILL_SWITCH: Graces = {
  cancelGraceMs: 0,
  cancelBusyGraceMs: 0,
  stdinGraceMs: 0,
  termGraceMs: 10_000,
};
const AFTER_LAST_WORD: Graces = {
  cancelGraceMs: 0,
  cancelBusyGraceMs: 0,
  stdinGraceMs: 0,
  termGraceMs: 2_000,
};
/** An agent that has said its last word needs no more than this to close its files. */
const TERMINAL_EXIT_GRACE_MS = 10_000;
/** What is recorded is safe; this is only the chance that it also arrives before we go. */
const LAST_DELIVERY_MS = 1_000;
const LAST_ANSWER_MS = 10;
/** Kept for whoever has to understand its end. */
const ACTIONS_BYTES_MAX = 1024 * 1024;
const HEARTBEATS_BYTES_MAX = 128 * 1024;
/** EX_NOPERM of sysexits.h: the agent may not do what it would have to do first. */
const UNAUTHORIZED_EXIT = 77;
/** What an agent spends is told this soon: limits are kept by it. Of one that is paused and spends, sooner. */
const SPENDING_MS = 1_000;
const PAUSED_SPENDING_MS = 250;
const PULL_EVENTS_MAX = 500;
/** A shim without agent that nobody talks to any more. What it recorded stays on disk. */
const DESERTED_AFTER_MS = 24 * 60 * 60 * 1_000;

export function createSession(options: {
  readonly instanceDirectory: string;
  readonly intent: Intent;
  readonly settings: LaunchSettings;
  /** Called once, when everything is over. */
  readonly onEnd: () => void;
}): Session {
  const { instanceDirectory, intent, settings } = options;
  const now = (): number => performance.now();
  const redactor = createRedactor([settings.token, ...Object.values(settings.secrets)]);
  const transcript = openTranscript(instanceDirectory, redactor);
  const outbox = openOutbox(instanceDirectory);
  const actions = openRollingLog(instanceDirectory, "actions", ACTIONS_BYTES_MAX);
  const beats = openRollingLog(instanceDirectory, "heartbeats", HEARTBEATS_BYTES_MAX);
  const clocks = createClocks(now);
  const ending = new AbortController();
  const processClock = createProcessClock(now);
  const shim = ownProcess();

  let callbackUrl = settings.callbackUrl;
  let phase: Phase = "standby";
  let ready = false;
  let over = false;
  let lastGracesMs = Number.POSITIVE_INFINITY;
  let envelope: MissionEnvelope | null = null;
  let agent: CommandAgent | null = null;
  let run: MissionRun | null = null;
  /** The agent is being ended so that another one can take its place. */
  let reviving = false;
  const pausedBy = new Set<Pauser>();
  const messages = createMessages();

  const delivery = startDelivery({
    instanceDirectory,
    outbox,
    token: settings.token,
    callbackUrl: () => callbackUrl,
    onReached: () => heart.reached(),
    onFenced: () => end("the controller has fenced this epoch"),
  });
  const reporter = createReporter({
    intent,
    outbox,
    clocks,
    redactor,
    envelope: () => envelope,
    onAppend: () => delivery.wake(),
  });
  const heart = startHeart({
    intent,
    token: settings.token,
    intervalMs: settings.heartbeatIntervalMs,
    callbackUrl: () => callbackUrl,
    clocks,
    lastEventSeq: () => outbox.lastSeq(),
    facts: () => ({
      phase: shownPhase(),
      missionId: envelope?.mission_id ?? null,
    }),
    process: () => (agent === null ? null : processClock.read(agent.record())),
    onReached() {
      delivery.hint();
      setPaused("orphan", false);
    },
    onFenced: () => end("the controller has fenced this epoch"),
    onBeat: (beat) => beats.append({ at: new Date().toISOString(), ...beat }),
    orphanAfterMs: () => (agent === null ? DESERTED_AFTER_MS : settings.orphanPolicy.afterMs),
    onOrphaned,
  });

  function shownPhase(): WireHeartbeat["phase"] {
    if (agent === null) return phase;
    if (phase === "running" && clocks.throttledMs() > 0) return "throttled";
    return pausedBy.size > 0 ? "paused" : phase;
  }

  const toolbox = createToolbox({
    intent,
    token: settings.token,
    callbackUrl: () => callbackUrl,
    clocks,
    redactor,
    transcript,
    onReached: () => heart.reached(),
    onFenced: () => end("the controller has fenced this epoch"),
    say(line) {
      if (run === null || run.terminal() || phase === "stopping") return false;
      run.onLine(line);
      return true;
    },
    reply: (line) => agent?.say(line) ?? "closed",
  });
  const killSwitch =
    intent.killSwitch === undefined
      ? null
      : watchKillSwitch({ ...intent.killSwitch, onEngaged: (entry) => setImmediate(onKillSwitch, entry) });

  /** Nobody has to ask us: what is said to the outbox is what the controller finds on its return. */
  function onKillSwitch(entry: SwitchEntry): void {
    if (over) return;
    if (envelope !== null && run?.terminal() !== true) {
      reporter.report({
        type: "mission.cancelled",
        status: "cancelled",
        summary: entryText(entry),
        detail: { kill_switch: { scope: scopeText(entry.scope), by: entry.by, at: entry.at } },
      });
    }
    end(entryText(entry), BY_KILL_SWITCH);
  }

  function onOrphaned(): void {
    if (agent === null) end("nobody has been reached for a day");
    else if (settings.orphanPolicy.action === "pause") setPaused("orphan", true);
    else if (settings.orphanPolicy.action === "terminate")
      end("the orphan policy ends an agent whose controller is away");
  }

  function target(): Target {
    return { nonce: intent.nonce, plan: intent.containment, shim, agent: agent?.record() ?? null };
  }

  function setPaused(by: Pauser, paused: boolean): boolean {
    if (paused === pausedBy.has(by)) return true;
    if (paused) pausedBy.add(by);
    else pausedBy.delete(by);
    return applyPause();
  }

  /** The agent runs unless anybody wants it paused. */
  function applyPause(): boolean {
    if (agent === null) return true;
    clocks.setRunning(pausedBy.size === 0);
    return freezeAgent(target(), pausedBy.size > 0);
  }

  async function prepare(): Promise<void> {
    const callbackMs = await checkCallback({
      url: () => callbackUrl,
      token: settings.token,
      onFenced: () => end("the controller has fenced this epoch"),
      signal: ending.signal,
    });
    if (callbackMs === null) return;
    heart.reached();
    const env = { ...settings.agent.env, ...settings.secrets };
    const checks = await runChecks({ intent, checks: settings.healthChecks, env, redactor });
    if (over || phase !== "standby") return;
    ready = true;
    reporter.report({
      type: "instance.ready",
      status: "queued",
      summary: "ready for a mission",
      detail: { callback_ms: callbackMs, checks, containment: intent.containment.kind },
    });
  }

  function startMission(next: MissionEnvelope): void {
    envelope = next;
    phase = "starting";
    const mission = createMissionRun({
      workspace: intent.workspace,
      accept: settings.agent.accept,
      reporter,
      clocks,
      transcript,
      onAccepted: () => {
        if (phase === "starting") phase = "running";
      },
      onSpent: () => heart.beatSoon(pausedBy.size > 0 ? PAUSED_SPENDING_MS : SPENDING_MS),
      onTerminal: () => setTimeout(() => stopAgent(AFTER_LAST_WORD), TERMINAL_EXIT_GRACE_MS).unref(),
    });
    run = mission;
    heart.watch(intent.workspace);
    void toolbox.open().then(
      () => startAgent(mission, { envelope: next, resumes: false }),
      (error: unknown) => withoutTools(error),
    );
  }

  /** Without them it would act without asking: then it is not started. */
  function withoutTools(error: unknown): void {
    const problem = `the agent's tools cannot be offered: ${error instanceof Error ? error.message : String(error)}`;
    transcript.note(problem);
    onExit({ code: EXIT_NO_TOOLS, signal: null, stderrTail: problem });
  }

  function startAgent(
    mission: MissionRun,
    how: { readonly envelope: MissionEnvelope; readonly resumes: boolean },
  ): void {
    if (over || phase === "stopping") return;
    // Handed over just before the fence came down: the fence stands between the two.
    if (readFence(dirname(instanceDirectory)) >= intent.epoch) {
      end("its epoch is fenced");
      return;
    }
    startCommandAgent({
      ours: toolbox.begin(),
      intent,
      agent: settings.agent,
      secrets: settings.secrets,
      ...how,
      transcript,
      onStart(started) {
        agent = started;
        writeAgentRecord(instanceDirectory, started.record());
        applyPause();
        mission.onStart(started.pid);
        if (!how.resumes) return;
        mission.onResumed();
        messages.tellAgain((line) => started.say(line));
      },
      onRecord: (record) => writeAgentRecord(instanceDirectory, record),
      onOutput: () => clocks.onOutput(),
      onLine(line) {
        actions.append({ at: new Date().toISOString(), ...redactor.deep(line) });
        if (line.type === "tool") toolbox.answer(line);
        else mission.onLine(line);
      },
      onExit,
    });
  }

  /**
   * Brings the agent back: a stopped one goes on; one whose program is gone, or any with
   * `again`, is ended, and started anew once nothing of it lives. A pause, an end and a last word stand against it.
   */
  function revive(again: boolean): ControlResult {
    const not = (message: string): ControlResult => ({ ok: false, code: "not_resumable", message });
    if (agent === null || run === null || envelope === null) return not("it has no agent");
    if (over || phase === "stopping") return not("the instance is ending");
    if (run.terminal()) return not("its agent has said its last word");
    if (pausedBy.size > 0) return not(`it is paused by ${[...pausedBy].join(" and ")}`);
    const { state } = lookAtAgent(agent.record());
    if (state === "stopped" && !again) {
      transcript.note("the agent was stopped and is continued");
      continueAgent(target());
      heart.beatNow();
      return { ok: true, result: { how: "its agent was stopped and goes on in place" } };
    }
    if (state === "running" && !again) return { ok: true, result: { how: "its agent runs" } };
    transcript.note(`the agent is ${state}; it is ended and started again in place`);
    reviving = true;
    endLeftovers(target());
    return { ok: true, result: { how: `its agent was ${state} and is started again in place` } };
  }

  /** Whether the agent's end was ours and a new one has taken its place. */
  function startedAgain(): boolean {
    if (!reviving) return false;
    reviving = false;
    if (over || phase === "stopping" || run === null || envelope === null || run.terminal()) return false;
    if (findAgentMembers(target()).length > 0) return false; // Never two at once.
    agent = null;
    clocks.closeTools();
    startAgent(run, { envelope, resumes: true });
    return true;
  }

  function onExit(exit: Ending): void {
    clocks.setRunning(false);
    endLeftovers(target());
    if (startedAgain()) return;
    run?.onExit(exit);
    const stopped = phase === "stopping";
    phase = "exited";
    const signature = crashSignature(exit);
    const facts = {
      code: exit.code,
      signal: exit.signal,
      signature,
      stderr_tail: exit.stderrTail,
      active_ms: clocks.activeMs(),
      ...(clocks.throttledMs() > 0 ? { throttled: true } : {}),
      ...(run?.unauthorized() === true || exit.code === UNAUTHORIZED_EXIT ? { auth: true } : {}),
    };
    agent = null;
    reporter.report({
      type: "instance.exited",
      status: exit.code === 0 || stopped ? "completed" : "failed",
      summary:
        exit.signal === null ? `the agent ended with code ${exit.code}` : `the agent ended by ${exit.signal}`,
      detail: { ...facts, stopped },
    });
    writeFileDurably(
      join(instanceDirectory, "exit.json"),
      `${JSON.stringify(redactor.deep({ ...facts, stopped }))}\n`,
    );
    if (stopped) void finish();
  }

  /** Asks, closes the input, asks by SIGTERM, insists by SIGKILL; each only when the one before did not do. */
  function stopAgent(graces: Graces): void {
    const stopping = agent;
    if (stopping === null) return;
    const silent = run?.terminal() === true;
    void climbShimRungs({
      instanceDirectory,
      agent: stopping,
      graces: silent ? { ...graces, cancelGraceMs: 0 } : graces,
      gone: () => agent !== stopping,
      idleMs: () => clocks.heartbeatPart().last_progress_age_ms,
      thaw: () => {
        if (pausedBy.size > 0) freezeAgent(target(), false);
      },
      sweep: () => endLeftovers(target()),
    });
  }

  function end(reason: string, graces: Graces = DEFAULT_GRACES): void {
    if (over) return;
    if (phase === "stopping") {
      // Only ever steeper.
      if (graces.cancelGraceMs + graces.stdinGraceMs < lastGracesMs) stopAgent(graces);
      return;
    }
    lastGracesMs = graces.cancelGraceMs + graces.stdinGraceMs;
    transcript.note(`ending: ${reason}`);
    ending.abort();
    const running = agent !== null;
    if (phase !== "exited") phase = "stopping";
    if (!running) {
      void finish();
      return;
    }
    // A frozen agent cannot hear that it should end.
    pausedBy.clear();
    freezeAgent(target(), false);
    stopAgent(graces);
  }

  async function finish(): Promise<void> {
    if (over) return;
    over = true;
    toolbox.close();
    killSwitch?.stop();
    endLeftovers(target());
    await delivery.drained(LAST_DELIVERY_MS);
    delivery.stop();
    heart.stop();
    // Whoever asked us to stop is owed the answer first.
    setTimeout(options.onEnd, LAST_ANSWER_MS);
  }

  const state = (): Record<string, unknown> => ({
    clone: intent.clone,
    epoch: intent.epoch,
    pid: process.pid,
    ready,
    mission_id: envelope?.mission_id ?? null,
    paused: pausedBy.size > 0,
    last_event_seq: outbox.lastSeq(),
    ...heart.snapshot(),
  });

  const methods: ControlMethods = {
    hello: () => ({ ok: true, result: state() }),
    status: () => ({ ok: true, result: state() }),
    dispatch(params) {
      const next = params["envelope"];
      if (!isEnvelope(next))
        return { ok: false, code: "bad_request", message: "no envelope with a mission_id" };
      if (envelope?.mission_id === next.mission_id) return { ok: true, result: { started: false } };
      if (envelope !== null)
        return { ok: false, code: "busy", message: `already has mission ${envelope.mission_id}` };
      if (!ready) return { ok: false, code: "not_ready", message: "round trip and checks are not done" };
      if (phase !== "standby") return { ok: false, code: "ending", message: "the instance is ending" };
      startMission(next);
      return { ok: true, result: { started: true } };
    },
    pause: () =>
      setPaused("operator", true) && (pausedBy.size === 0 || applyPause())
        ? { ok: true, result: state() }
        : {
            ok: false,
            code: "not_frozen",
            message: "some processes of the agent still ran after the last look",
          },
    tell(params) {
      const message = messageOf(params);
      if (message === null)
        return { ok: false, code: "bad_request", message: "a message has an id, a sender and a text" };
      const said = messages.tell(message, (line) => agent?.say(line) ?? "closed");
      if (said === "repeated") return { ok: true, result: { told: false } };
      if (said === "closed")
        return { ok: false, code: "no_agent", message: "no agent runs that listens to its input" };
      if (said === "full")
        return { ok: false, code: "input_full", message: "the agent does not read what it was told" };
      transcript.note(`${message.from} says: ${message.text}`);
      run?.onTold(message.from);
      return { ok: true, result: { told: true } };
    },
    resume() {
      if (pausedBy.has("operator")) run?.onResumed();
      pausedBy.delete("operator");
      // Applied even if we know of no pause: the driver may have made one without us.
      applyPause();
      return { ok: true, result: state() };
    },
    revive: (params) => revive(params["again"] === true),
    configure(params) {
      if (typeof params["callback_url"] === "string") callbackUrl = params["callback_url"];
      if (typeof params["heartbeat_interval_ms"] === "number")
        heart.setInterval(params["heartbeat_interval_ms"]);
      delivery.hint();
      heart.beatNow();
      return { ok: true, result: state() };
    },
    stop(params) {
      end("asked to stop", {
        cancelGraceMs: numberOr(params["cancel_grace_ms"], 0),
        cancelBusyGraceMs: numberOr(params["cancel_busy_grace_ms"], 0),
        stdinGraceMs: numberOr(params["stdin_grace_ms"], DEFAULT_GRACES.stdinGraceMs),
        termGraceMs: numberOr(params["term_grace_ms"], DEFAULT_GRACES.termGraceMs),
      });
      return { ok: true, result: state() };
    },
    pull_outbox(params) {
      delivery.hint();
      return {
        ok: true,
        result: { events: outbox.after(numberOr(params["after_seq"], 0), PULL_EVENTS_MAX) },
      };
    },
  };

  return { methods, prepare: () => void prepare(), end };
}

function isEnvelope(value: unknown): value is MissionEnvelope {
  return isRecord(value) && typeof value["mission_id"] === "string" && typeof value["trace_id"] === "string";
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : otherwise;
}
