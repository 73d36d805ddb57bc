/**
 * One instance of the fake world: a shim and an agent that are nothing but waits on
 * the given clock. It numbers, keeps and delivers its events as a real shim does, heartbeats included.
 */

import type { MissionEnvelope } from "../../../src/api/envelope.ts";
import type { WireEvent } from "../../../src/api/event.ts";
import type { WireHeartbeat } from "../../../src/api/heartbeat.ts";
import type { RefusedReport } from "../../../src/core/model/callback.ts";
import type { Probed } from "../../../src/core/model/liveness.ts";
import { iso } from "../../../src/core/model/time.ts";
import { meaningOf, waitAfterFailure } from "../../../src/core/notify/schedule.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { AgentMessage, ShimSettings, StartRequest } from "../../../src/ports/driver.ts";
import type { Random } from "../../../src/ports/random.ts";
import type { FakeScript } from "./script.ts";

/** How an instance reaches its controller. A rejection is a network error; the status is that of HTTP. */
export interface FakeCallback {
  onEvent(token: string, event: WireEvent): Promise<{ readonly status: number }>;
  onHeartbeat(token: string, heartbeat: WireHeartbeat): Promise<{ readonly status: number }>;
  /** The round trip of gate 3.5; without it the callback is always reachable. */
  onCheck?(token: string): Promise<{ readonly status: number }>;
}

export interface InstanceOptions {
  readonly request: StartRequest;
  readonly script: FakeScript;
  readonly clock: Clock;
  readonly random: Random;
  readonly callback: FakeCallback;
  readonly onEnd: (how: string) => void;
}

export interface FakeInstance {
  readonly outbox: readonly WireEvent[];
  /** Reports that the controller refused for good. */
  readonly deadLetters: readonly RefusedReport[];
  readonly transcript: readonly string[];
  readonly alive: () => boolean;
  /** The claim was won. */
  begin(): void;
  dispatch(envelope: MissionEnvelope): "started" | "repeated" | "not_ready" | "busy";
  configure(settings: ShimSettings): void;
  setPaused(paused: boolean): void;
  /** False when no agent runs. The same message again says nothing. */
  tell(message: AgentMessage): boolean;
  /** The agent leaves; the shim records it and stays. */
  endAgent(code: number | null, signal: string | null): void;
  hasAgent(): boolean;
  /** Stops the shim or the agent as a signal from outside does. */
  stopProcess(which: "shim" | "agent"): void;
  /** Continues a stopped shim; false when it was not. */
  wake(): boolean;
  /** What was done, or null where a real shim refuses. */
  revive(again: boolean): string | null;
  probe(): Probed;
  /** Shim and agent are gone from one moment to the next; what is recorded stays readable. */
  die(how: string): void;
}

const LOOPING = "shell ls was done 4 times in a row with the same result";
const CALLBACK_RETRY_MS = 1_000;

export function createFakeInstance(options: InstanceOptions): FakeInstance {
  const { request, script, clock, random, callback } = options;
  const outbox: WireEvent[] = [];
  const deadLetters: RefusedReport[] = [];
  const transcript: string[] = [];
  const life = new AbortController();
  let settings: ShimSettings = request;
  let phase: WireHeartbeat["phase"] = "standby";
  let ready = false;
  let silent = false;
  let envelope: MissionEnvelope | null = null;
  let agent: AbortController | null = null;
  let acknowledged = 0;
  let heartbeats = 0;
  let delivering = false;
  let resting: AbortController | null = null;
  let activeMs = 0;
  let runningSince: number | null = null;
  let saidAt = clock.now();
  let reachedAt = clock.now();
  let missedAt = reachedAt;
  let progressAt = clock.now();
  let resume: (() => void) | null = null;
  let shimStopped = false;
  let agentStopped = false;
  let starts = 1;
  let paused = false;
  let pause = new AbortController();
  const told = new Set<string>();
  let hear: ((from: AgentMessage["from"]) => void) | null = null;

  const active = (): number => activeMs + (runningSince === null ? 0 : clock.now() - runningSince);

  function setRunning(running: boolean): void {
    if (running && runningSince === null) runningSince = clock.now();
    if (!running && runningSince !== null) {
      activeMs += clock.now() - runningSince;
      runningSince = null;
    }
  }

  function report(
    type: WireEvent["event_type"],
    more: Partial<Pick<WireEvent, "status" | "summary" | "detail">>,
  ): void {
    const seq = outbox.length + 1;
    saidAt = clock.now();
    if (type !== "instance.exited") progressAt = clock.now();
    outbox.push({
      mission_id: envelope?.mission_id ?? null,
      vp_id: request.clone,
      vp_session_id: `${request.clone}/${request.epoch}`,
      vp_runtime_id: request.nonce,
      event_type: type,
      status: more.status ?? "running",
      summary: more.summary ?? type,
      artifact_refs: [],
      usage: { runtime_minutes: active() / 60_000, llm_calls: null, estimated_cost_usd: null },
      trace_id: envelope?.trace_id ?? request.nonce,
      idempotency_key: `${request.clone}/${request.epoch}/${seq}`,
      emitted_at: iso(clock.now()),
      epoch: request.epoch,
      seq,
      detail: more.detail ?? {},
    });
    void deliver();
  }

  /** Waits, or answers false when the instance ended first. */
  async function wait(ms: number, signal: AbortSignal = life.signal): Promise<boolean> {
    if (signal.aborted) return false;
    try {
      await clock.sleep(ms, signal);
    } catch {
      return false;
    }
    return !signal.aborted;
  }

  async function deliver(): Promise<void> {
    if (delivering) return;
    delivering = true;
    let failures = 0;
    for (
      let event = outbox[acknowledged];
      event !== undefined && !life.signal.aborted;
      event = outbox[acknowledged]
    ) {
      const status = await attempt(callback.onEvent(request.token, event));
      const verdict = meaningOf(status);
      if (verdict === "gone") {
        die("fenced");
      } else if (verdict === "retry") {
        failures += 1;
        resting = new AbortController();
        await wait(
          waitAfterFailure(failures, random.fraction()),
          AbortSignal.any([life.signal, resting.signal]),
        );
      } else {
        failures = 0;
        if (verdict === "refused") deadLetters.push({ seq: event.seq, reportType: event.event_type, status });
        acknowledged = event.seq;
      }
    }
    delivering = false;
  }

  async function beat(): Promise<void> {
    while (await wait(settings.heartbeatIntervalMs)) {
      if (!silent && !shimStopped) await beatOnce();
    }
  }

  async function beatOnce(): Promise<void> {
    heartbeats += 1;
    const verdict = meaningOf(await attempt(callback.onHeartbeat(request.token, heartbeat())));
    if (verdict === "gone") die("fenced");
    if (verdict === "done") {
      reachedAt = clock.now();
      resting?.abort();
    } else {
      missedAt = clock.now();
    }
  }

  /** The agent works unless somebody wants it paused or has stopped it. */
  function applyPause(): void {
    const still = paused || agentStopped;
    if (still === pause.signal.aborted) return;
    if (agent !== null) setRunning(!still);
    if (still) {
      pause.abort();
    } else {
      pause = new AbortController();
      resume?.();
    }
  }

  const agentState = (): Probed["agent"] =>
    agent === null ? "none" : pause.signal.aborted ? "stopped" : "running";

  function heartbeat(): WireHeartbeat {
    return {
      event_type: "clone.heartbeat",
      mission_id: envelope?.mission_id ?? null,
      vp_id: request.clone,
      vp_runtime_id: request.nonce,
      epoch: request.epoch,
      seq: heartbeats,
      last_event_seq: outbox.length,
      phase: paused && agent !== null ? "paused" : phase,
      last_event_age_ms: clock.now() - saidAt,
      last_progress_age_ms: clock.now() - progressAt,
      open_tool_calls: [],
      usage: { llm_calls: null, estimated_cost_usd: null, active_ms: active() },
      process:
        agent === null
          ? null
          : {
              state: pause.signal.aborted ? "stopped" : "running",
              pid: 1,
              start_ticks: starts,
              boot_id: "imaginary",
              since_ms: 0,
            },
    };
  }

  async function prepare(): Promise<void> {
    if (script.readyAfterMs === null || !(await wait(script.readyAfterMs))) return;
    while (
      callback.onCheck !== undefined &&
      meaningOf(await attempt(callback.onCheck(request.token))) !== "done"
    ) {
      if (!(await wait(CALLBACK_RETRY_MS))) return;
    }
    ready = true;
    const checks = request.healthChecks.map((check) => ({
      name: check.name,
      exit_code: script.healthy ? 0 : 1,
      timed_out: false,
      duration_ms: 1,
      tail: script.healthy ? "" : "the script says unhealthy",
    }));
    report("instance.ready", { status: "queued", detail: { callback_ms: 1, checks, containment: "cgroup" } });
  }

  /** The agent's own time: stands still while it is paused. */
  async function work(ms: number, own: AbortSignal): Promise<boolean> {
    let left = ms;
    while (left > 0 || pause.signal.aborted) {
      if (own.aborted) return false;
      if (pause.signal.aborted) {
        await new Promise<void>((resolve) => {
          resume = resolve;
        });
        continue;
      }
      const begun = clock.now();
      await wait(left, AbortSignal.any([own, pause.signal]));
      left -= clock.now() - begun;
    }
    return !own.aborted;
  }

  async function runAgent(own: AbortSignal): Promise<void> {
    if (!script.accepts) return;
    phase = "running";
    report("mission.accepted", { summary: "accepted", detail: { agent_pid: 1 } });
    const endsAfterMs = script.endsAfterMs ?? Number.POSITIVE_INFINITY;
    const step = script.progressEveryMs ?? script.endsAfterMs;
    if (step === null) return;
    for (let done = 0; done < endsAfterMs; ) {
      const next = Math.min(step, endsAfterMs - done);
      if (!(await work(next, own))) return;
      done += next;
      if (done < endsAfterMs)
        report("mission.progress", { summary: `${Math.round(done / 1_000)} seconds of work` });
    }
    if (script.end.type === "blocked" && !(await blockedUntilTold(own))) return;
    if (script.end.type === "loops" && !(await loopsUntilTold(own))) return;
    finish();
  }

  /** Resolves with whoever speaks next. */
  function listen(): Promise<AgentMessage["from"]> {
    return new Promise((resolve) => {
      hear = resolve;
    });
  }

  /** Answers false when the agent ended first. */
  async function blockedUntilTold(own: AbortSignal): Promise<boolean> {
    const answer = listen();
    let answered = false;
    void answer.then(() => {
      answered = true;
    });
    for (let n = 1; n <= script.times && !answered; n += 1) {
      if (n > 1 && !(await work(script.endsAfterMs ?? 0, own))) return false;
      report("mission.blocked", {
        status: "blocked",
        summary: "blocked",
        detail: { reason: "the script says blocked" },
      });
    }
    await answer;
    report("mission.unblocked", { summary: "unblocked" });
    return await work(script.endsAfterMs ?? 0, own);
  }

  /** As a shim sees it: a pattern once, and again when it goes on after somebody has spoken. */
  async function loopsUntilTold(own: AbortSignal): Promise<boolean> {
    for (let from: AgentMessage["from"] = "supervisor"; from !== "operator"; ) {
      const answer = listen();
      report("agent.loop", {
        summary: LOOPING,
        detail: { pattern: "repeated_result", times: 4, evidence: LOOPING },
      });
      from = await answer;
      if (!(await work(script.endsAfterMs ?? 0, own))) return false;
    }
    return true;
  }

  function finish(): void {
    const { type, code } = script.end;
    if (type === "silence") silent = true;
    if (type === "completed" || type === "blocked" || type === "loops")
      report("mission.completed", { status: "completed", summary: "completed" });
    if (type === "failed")
      report("mission.failed", {
        status: "failed",
        summary: "failed",
        detail: { reason: "the script says failed" },
      });
    if (type !== "silence") endAgent(code, null);
  }

  function endAgent(code: number | null, signal: string | null): void {
    if (agent === null) return;
    setRunning(false);
    agent.abort();
    agent = null;
    resume?.();
    phase = "exited";
    report("instance.exited", {
      status: code === 0 ? "completed" : "failed",
      summary: signal === null ? `the agent ended with code ${code}` : `the agent ended by ${signal}`,
      detail: { code, signal, signature: `fake:${code}:${signal}`, stderr_tail: "", active_ms: active() },
    });
  }

  function die(how: string): void {
    if (life.signal.aborted) return;
    setRunning(false);
    agent?.abort();
    agent = null;
    resume?.();
    life.abort();
    options.onEnd(how);
  }

  return {
    outbox,
    deadLetters,
    transcript,
    alive: () => !life.signal.aborted,
    begin() {
      void beat();
      void prepare();
    },
    dispatch(next) {
      if (envelope?.mission_id === next.mission_id) return "repeated";
      if (envelope !== null) return "busy";
      if (!ready) return "not_ready";
      envelope = next;
      phase = "starting";
      agent = new AbortController();
      transcript.push(`works on ${next.mission_id}`);
      setRunning(!pause.signal.aborted);
      void runAgent(agent.signal);
      return "started";
    },
    configure(next) {
      settings = next;
      resting?.abort();
    },
    tell({ id, from }) {
      if (agent === null) return false;
      if (!told.has(id)) hear?.(from);
      told.add(id);
      return true;
    },
    setPaused(next) {
      paused = next;
      applyPause();
    },
    stopProcess(which) {
      if (which === "shim") shimStopped = true;
      else agentStopped = true;
      applyPause();
    },
    wake() {
      const was = shimStopped;
      shimStopped = false;
      return was;
    },
    revive(again) {
      if (agent === null || paused || shimStopped) return null;
      if (!agentStopped && !again) return "its agent runs";
      agentStopped = false;
      if (again) starts += 1;
      applyPause();
      void beatOnce();
      return again ? "its agent is started again in place" : "its agent was stopped and goes on in place";
    },
    probe() {
      const shim = life.signal.aborted ? "gone" : shimStopped ? "stopped" : "running";
      const answers = shim === "running";
      const found = agentState();
      const evidence = `its shim is ${shim}; its agent is ${found}`;
      const said = { activeMs: active(), unreachedMs: Math.max(0, missedAt - reachedAt) };
      return { shim, agent: found, answers, evidence, ...(answers ? said : {}) };
    },
    endAgent,
    hasAgent: () => agent !== null,
    die,
  };
}

/** 0 stands for no answer at all. */
async function attempt(call: Promise<{ readonly status: number }>): Promise<number> {
  try {
    return (await call).status;
  } catch {
    return 0;
  }
}
