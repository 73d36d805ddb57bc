/** A shim without a process: the same life as a real one's, in virtual time. */

import type { MissionEnvelope } from "../../src/api/envelope.ts";
import type { WireEvent, WireEventType } from "../../src/api/event.ts";
import type { WireHeartbeat } from "../../src/api/heartbeat.ts";
import type { Probed } from "../../src/core/model/liveness.ts";
import type { AgentMessage, ShimSettings } from "../../src/ports/driver.ts";
import { createActor } from "./actor.ts";
import { isOdd, lengthen, type Script, writeScript } from "./agent.ts";
import { type Courier, createCourier } from "./courier.ts";
import { holdLimits } from "./held-limits.ts";
import type { Body } from "./machine.ts";
import { createMeters } from "./meters.ts";
import type { World } from "./world.ts";

export interface Shim {
  dispatch(envelope: MissionEnvelope): void;
  configure(settings: ShimSettings): void;
  /** Answers whether that changed anything. */
  pause(paused: boolean): boolean;
  /** Lets its agent come to the end of its turn first, for no longer than this; whether it is frozen already. */
  pauseAfterTurn(graceMs: number): { readonly frozen: boolean; readonly beat: number };
  tell(message: AgentMessage): void;
  /** Asks the agent to end; it may not listen. */
  ask(): void;
  /** How long the ladder takes from this rung on. */
  endsAfterMs(enter: string): number;
  /** Stops the shim or its agent, as a signal from outside does. */
  stopProcess(which: "shim" | "agent"): void;
  /** Its provider refuses it, and has told everybody of the account for how long. */
  limit(): void;
  /** Continues a stopped shim; whether it was. */
  wake(): boolean;
  /** Whether there was something to bring back. */
  revive(again: boolean): boolean;
  probe(): Probed;
  /** The process is gone. */
  vanish(): void;
  readonly working: boolean;
  readonly paused: boolean;
}

const CALLBACK_RETRY_MS = 5_000;
const FENCED_END_MS = 3_000;
/** A wait that is hardly longer than the one that is known is no news; as the real shim has it. */
const THROTTLE_NEWS_MS = 1_000;

export function startShim(
  world: World,
  body: Body,
  on: {
    readonly onAgent: () => void;
    readonly onEnd: (why: string) => void;
    /** It froze its agent by itself: at the end of its turn, or of its grace. */
    readonly onFrozen: () => void;
    readonly isFenced: () => boolean;
  },
): Shim {
  const dice = world.dice.fork(`shim ${body.clone}/${body.epoch}`);
  const drawn = writeScript(dice, world.troubles);
  const script: Script = {
    ...(world.long && !world.shape.manyRuns ? lengthen(drawn, dice) : drawn),
    ...world.cast.get(body.clone),
  };
  if (script.kind !== "completes") world.count(isOdd(script.kind) ? "oddities" : "misbehaviour");
  const courier: Courier = createCourier(world, body, { dice, onFenced });
  const actor = createActor(world, body, {
    dice: world.dice.fork(`actor ${body.clone}/${body.epoch}`),
    ask: (work) => courier.ask(work),
    agentLater,
  });
  let gone = false;
  let phase: WireHeartbeat["phase"] = "standby";
  let paused = false;
  /** Until when its agent may come to the end of its turn; null: nobody asked it to. */
  let graceUntilMs: number | null = null;
  /** Its own limits make it stand still, since then. */
  let limitedSinceMs: number | null = null;
  /** Nobody is reached, and its policy is to stand still meanwhile. */
  let deserted = false;
  let envelope: MissionEnvelope | null = null;
  let intervalMs = body.request.heartbeatIntervalMs;
  let eventAtMs = world.timeline.elapsedMs;
  let beats = 0;
  let stopBeating = (): void => {};
  const meters = createMeters(world, body, { liar: script.kind === "lies" });
  let steps = 0;
  let progressAtMs = world.timeline.elapsedMs;
  let agentAtMs = 0;
  let pausedAtMs = 0;
  const told = new Set<string>();
  /** It has said that it is done. */
  let ended = false;
  /** Work that fell due while the agent was frozen. */
  let frozen: (() => void)[] = [];
  /** By a signal from outside, and what fell due meanwhile. */
  let shimStopped = false;
  let agentStopped = false;
  let limitedUntilMs = 0;
  let postponed: (() => void)[] = [];
  /** Time in which the agent ran. */
  let activeMs = 0;
  let activeSinceMs: number | null = null;

  world.story.tell(`shim ${body.clone}/${body.epoch}: ${script.kind}`);
  roundTrip();
  beat();

  /** In a part of the fleets the real watch of a shim over its limits takes part. */
  const limits = world.holdsLimits
    ? holdLimits(world.timeline, {
        missionId: () => envelope?.mission_id ?? null,
        works: () => phase === "running" && !gone && !ended && !shimStopped,
        used: () => ({ activeMs: active(), llmCalls: meters.llmCalls(), costUsd: meters.costUsd() }),
        freeze(reached) {
          if (reached === (limitedSinceMs !== null)) return;
          limitedSinceMs = reached ? world.timeline.elapsedMs : null;
          world.story.tell(
            `shim ${body.clone}/${body.epoch}: ${reached ? "stands still at" : "is below"} a limit`,
          );
          meter();
          thaw();
        },
        frozenMs: () => (limitedSinceMs === null ? 0 : world.timeline.elapsedMs - limitedSinceMs),
        report,
        end: () => later(0, () => exit(143)),
      })
    : null;
  limits?.hold(body.request.limits ?? null);

  function later(ms: number, work: () => void): void {
    world.timeline.after(ms, () => {
      if (gone) return;
      if (shimStopped) postponed.push(work);
      else work();
    });
  }

  /** Keeps the agent's own time. */
  function meter(): void {
    const nowMs = world.timeline.elapsedMs;
    if (activeSinceMs !== null) activeMs += nowMs - activeSinceMs;
    const works = (phase === "running" || phase === "starting") && !rests();
    activeSinceMs = works ? nowMs : null;
  }

  /** Its agent does nothing, whatever it wants. */
  function rests(): boolean {
    return stands() || agentStopped || throttledMs() > 0;
  }

  /** Somebody wants it to stand still. */
  function stands(): boolean {
    return paused || deserted || limitedSinceMs !== null;
  }

  /** The end of its turn, or of its grace, whichever is first. */
  function freezeAfterTurn(): void {
    if (graceUntilMs === null || paused) return;
    graceUntilMs = null;
    if (setPaused(true)) on.onFrozen();
  }

  function setPaused(next: boolean): boolean {
    if (paused === next) return false;
    paused = next;
    if (paused) pausedAtMs = world.timeline.elapsedMs;
    else progressAtMs += world.timeline.elapsedMs - pausedAtMs;
    meter();
    thaw();
    return true;
  }

  /** What the file says that becomes of an agent whose controller does not answer. */
  function obeyOrphanPolicy(): void {
    const { action, afterMs } = body.request.orphanPolicy;
    const alone = phase === "running" && courier.silentMs() >= afterMs;
    if (alone && action === "terminate") exit(143);
    if (deserted === (alone && action === "pause")) return;
    deserted = !deserted;
    world.story.tell(
      `shim ${body.clone}/${body.epoch}: ${deserted ? "is deserted and stands still" : "goes on"}`,
    );
    meter();
    thaw();
  }

  /** Work of the agent: it rests while it is frozen and is over with it. */
  function agentLater(ms: number, work: () => void): void {
    later(ms, () => {
      if (phase !== "running" && phase !== "starting") return;
      if (rests()) frozen.push(work);
      else work();
    });
  }

  function throttledMs(): number {
    return Math.max(0, limitedUntilMs - world.timeline.elapsedMs);
  }

  function active(): number {
    meter();
    return activeMs;
  }

  function report(type: WireEventType, detail: Record<string, unknown> = {}, summary = ""): void {
    const seq = body.outbox.length + 1;
    const event: WireEvent = {
      mission_id: envelope?.mission_id ?? null,
      vp_id: body.clone,
      vp_session_id: `${body.clone}/${body.epoch}`,
      vp_runtime_id: body.nonce,
      event_type: type,
      status: STATUS[type] ?? "running",
      summary,
      artifact_refs: type === "mission.completed" ? [{ path: "out.json" }] : [],
      usage: {
        runtime_minutes: active() / 60_000,
        llm_calls: meters.llmCalls(),
        estimated_cost_usd: meters.costUsd(),
      },
      trace_id: envelope?.trace_id ?? "1".repeat(32),
      idempotency_key: `${body.clone}/${body.epoch}/${seq}`,
      emitted_at: new Date(world.beginAt + world.timeline.elapsedMs).toISOString(),
      epoch: body.epoch,
      seq,
      detail,
    };
    body.outbox.push(event);
    eventAtMs = world.timeline.elapsedMs;
    world.tell({ type: "said", clone: body.clone, epoch: body.epoch, seq, report: type });
    courier.wake();
  }

  function roundTrip(): void {
    later(script.readyAfterMs, () => {
      if (script.kind === "never_ready") return;
      if (!courier.ping()) {
        later(CALLBACK_RETRY_MS, roundTrip);
        return;
      }
      const sick = script.kind === "unhealthy";
      report("instance.ready", {
        callback_ms: 3,
        checks: [
          {
            name: "disk",
            exit_code: sick ? 1 : 0,
            timed_out: false,
            duration_ms: 4,
            tail: sick ? "full" : "",
          },
        ],
        containment: "pidns",
      });
    });
  }

  function beat(): void {
    stopBeating();
    stopBeating = world.timeline.after(intervalMs, () => {
      if (!gone) beat();
    });
    if (script.kind === "spends_on" && paused) meters.use(1);
    const quiet =
      script.kind === "silent" &&
      phase === "running" &&
      world.timeline.elapsedMs - agentAtMs > script.endsAfterMs / 2;
    if (quiet || shimStopped) return;
    obeyOrphanPolicy();
    beats += 1;
    courier.beat(
      {
        event_type: "clone.heartbeat",
        mission_id: envelope?.mission_id ?? null,
        vp_id: body.clone,
        vp_runtime_id: body.nonce,
        epoch: body.epoch,
        seq: beats,
        last_event_seq: body.outbox.length,
        phase: shownPhase(),
        ...(throttledMs() === 0 ? {} : { throttled_ms: throttledMs() }),
        last_event_age_ms: world.timeline.elapsedMs - eventAtMs,
        last_progress_age_ms: world.timeline.elapsedMs - progressAtMs,
        open_tool_calls: [],
        usage: {
          llm_calls: meters.llmCalls(),
          estimated_cost_usd: meters.costUsd(),
          active_ms: active(),
        },
        process:
          agentAtMs === 0 || phase === "exited"
            ? null
            : {
                state: stands() || agentStopped ? "stopped" : "running",
                pid: 1,
                start_ticks: body.epoch,
                boot_id: "simulated",
                since_ms: 0,
              },
      },
      intervalMs,
    );
  }

  /** What its agent says of itself comes before what we did to it. */
  function shownPhase(): WireHeartbeat["phase"] {
    if (phase === "running" && throttledMs() > 0) return "throttled";
    return stands() ? "paused" : phase;
  }

  /** An agent whose provider refuses it waits for as long as it was told to, and does nothing meanwhile. */
  function throttle(): void {
    const leftMs = Math.max(0, world.providerFreeAtMs - world.timeline.elapsedMs);
    // Some providers do not say for how long.
    const saidMs = dice.chance(0.2) ? 0 : leftMs;
    if (throttledMs() > 0 && throttledMs() + THROTTLE_NEWS_MS > saidMs) return;
    limitedUntilMs = world.timeline.elapsedMs + saidMs;
    world.tell({ type: "limited", clone: body.clone, epoch: body.epoch, untilMs: limitedUntilMs });
    meter();
    later(saidMs, () => {
      meter();
      thaw();
    });
    report("agent.throttled", { retry_after_ms: saidMs });
    // Some do not bear it.
    if (dice.chance(0.3))
      later(dice.between(1, 2_000), () => {
        if (!paused && !agentStopped) exit(1);
      });
  }

  function begin(): void {
    // As the real one does before it starts its agent.
    if (on.isFenced()) {
      later(FENCED_END_MS, () => on.onEnd("its epoch is over"));
      return;
    }
    agentAtMs = world.timeline.elapsedMs;
    phase = "starting";
    meter();
    on.onAgent();
    if (script.kind === "never_accepts") return;
    agentLater(script.acceptAfterMs, () => {
      phase = "running";
      limits?.look();
      report("mission.accepted", { agent_pid: 1 });
      agentLater(script.progressEveryMs, script.kind === "loops" ? loop : step);
      const endsAfterMs = script.kind === "crashes_alike" ? 10 : script.endsAfterMs;
      if (script.kind !== "stuck" && script.kind !== "loops") agentLater(endsAfterMs, finish);
    });
  }

  function step(): void {
    agentLater(script.progressEveryMs, step);
    if (graceUntilMs !== null) later(0, freezeAfterTurn);
    if (script.kind === "stuck") return;
    if (world.timeline.elapsedMs < world.providerFreeAtMs) {
      throttle();
      return;
    }
    steps += 1;
    if (script.callsPerStep !== null) meters.use(script.callsPerStep);
    limits?.look();
    if (rests()) return;
    progressAtMs = world.timeline.elapsedMs;
    report("mission.progress", {}, `step ${steps}`);
    if (world.acts && envelope !== null && steps % 2 === 0) actor.act(envelope.mission_id, steps);
    if (steps === script.blocksAtStep) {
      for (let times = 1; times <= script.blocksTimes; times += 1)
        report("mission.blocked", { reason: `a question, asked ${times} times` }, "a question");
      agentLater(script.progressEveryMs / 2, () => report("mission.unblocked"));
    }
    if (script.kind === "lies") meters.lie();
    if (script.kind === "asks_again") {
      report("mission.blocked", { reason: "the same question" }, "the same question");
      agentLater(script.progressEveryMs / 3, () => report("mission.unblocked"));
    }
    if (script.kind === "floods_on")
      for (let more = 0; more < 20; more++) report("mission.progress", {}, `flood ${more}`);
    if (script.kind === "floods" && steps === 2)
      for (let more = 0; more < 60; more++) report("mission.progress", {}, `flood ${more}`);
  }

  /** Goes in circles until a person speaks. */
  function loop(): void {
    const evidence = "shell ls was done 4 times in a row with the same result";
    report("agent.loop", { pattern: "repeated_result", times: 4, evidence }, evidence);
  }

  function recover(): void {
    step();
    agentLater(script.endsAfterMs, finish);
  }

  function finish(): void {
    switch (script.kind) {
      case "fails":
        ended = true;
        report("mission.failed", { reason: "it cannot be done" }, "it cannot be done");
        agentLater(script.cancelMs ?? 2_000, () => exit(0));
        break;
      case "crashes":
      case "crashes_alike":
        exit(script.kind === "crashes" ? dice.between(1, 5) : 7);
        break;
      case "vanishes":
        on.onEnd("killed from outside");
        break;
      case "completes_twice":
        complete();
        agentLater(dice.between(1, 3_000), complete);
        agentLater(4_000, () => exit(0));
        break;
      case "completes_and_crashes":
        complete();
        agentLater(dice.between(0, 50), () => exit(1));
        break;
      default:
        complete();
        agentLater(script.cancelMs ?? 2_000, () => exit(0));
        break;
    }
  }

  function complete(): void {
    ended = true;
    if (envelope !== null) world.results.set(envelope.mission_id, script.result);
    report("mission.completed", { recommended_next_action: "judge" }, "done");
  }

  function exit(code: number): void {
    if (phase === "exited") return;
    limits?.stop();
    meter();
    phase = "exited";
    meter();
    report("instance.exited", {
      code,
      signal: null,
      signature: `exit:${code}`,
      stderr_tail: "",
      active_ms: active(),
      ...(world.timeline.elapsedMs < limitedUntilMs ? { throttled: true } : {}),
    });
  }

  /** What fell due while the agent was frozen is done now. */
  function thaw(): void {
    if (rests()) return;
    const due = frozen;
    frozen = [];
    for (const work of due) later(1, () => work());
  }

  /** The controller says that our epoch is over: the agent is ended, and we are. */
  function onFenced(): void {
    if (gone) return;
    world.story.tell(`shim ${body.clone}/${body.epoch}: told that its epoch is over`);
    later(FENCED_END_MS, () => on.onEnd("its epoch is over"));
  }

  return {
    dispatch(next) {
      envelope = next;
      later(dice.between(5, 200), begin);
    },
    configure(settings) {
      courier.moveTo(settings.callbackUrl);
      if (settings.limits != null) limits?.hold(settings.limits);
      if (intervalMs === settings.heartbeatIntervalMs) return;
      intervalMs = settings.heartbeatIntervalMs;
      beat();
    },
    tell({ id, from }) {
      if (told.has(id) || phase !== "running") return;
      told.add(id);
      if (script.kind === "loops") agentLater(script.progressEveryMs, from === "operator" ? recover : loop);
    },
    pause(next) {
      graceUntilMs = null;
      return setPaused(next);
    },
    pauseAfterTurn(graceMs) {
      if (paused || phase !== "running") {
        graceUntilMs = null;
        if (setPaused(true)) on.onFrozen();
        return { frozen: true, beat: beats };
      }
      const untilMs = world.timeline.elapsedMs + graceMs;
      // One that is under way never gets longer.
      if (graceUntilMs === null || untilMs < graceUntilMs) {
        graceUntilMs = untilMs;
        later(graceMs, () => {
          if (graceUntilMs !== null && world.timeline.elapsedMs >= graceUntilMs) freezeAfterTurn();
        });
      }
      return { frozen: false, beat: beats };
    },
    ask() {
      if (script.cancelMs !== null && phase === "running") later(script.cancelMs, () => exit(143));
    },
    endsAfterMs(enter) {
      if (enter === "now") return dice.between(1, 50);
      const stubborn = script.cancelMs === null ? 13_000 : script.cancelMs;
      return enter === "term" ? Math.min(stubborn, 10_000) : stubborn + 50;
    },
    stopProcess(which) {
      if (which === "shim") shimStopped = true;
      else if (phase === "running") agentStopped = true;
      courier.freeze(shimStopped);
      meter();
    },
    limit() {
      if (phase === "running" && !shimStopped && !paused && !agentStopped) throttle();
    },
    wake() {
      const was = shimStopped;
      shimStopped = false;
      courier.freeze(false);
      const due = postponed;
      postponed = [];
      for (const work of due) later(1, () => work());
      return was;
    },
    revive(again) {
      if (paused || shimStopped || phase === "exited" || agentAtMs === 0) return false;
      if (agentStopped || again) {
        agentStopped = false;
        meter();
        thaw();
      }
      beat();
      return true;
    },
    probe() {
      const shim = gone ? "gone" : shimStopped ? "stopped" : "running";
      const works = phase === "running" || phase === "starting";
      const agent = !works ? "none" : paused || agentStopped ? "stopped" : "running";
      return {
        shim,
        agent,
        answers: shim === "running",
        ...(shim === "running" ? { activeMs: active(), unreachedMs: courier.unreachedMs() } : {}),
        evidence: `its shim is ${shim}; its agent is ${agent}`,
      };
    },
    vanish() {
      gone = true;
      limits?.stop();
      courier.stop();
    },
    get working() {
      return phase === "running" || phase === "starting";
    },
    get paused() {
      return paused;
    },
  };
}

const STATUS: Partial<Record<WireEventType, WireEvent["status"]>> = {
  "instance.ready": "queued",
  "mission.blocked": "blocked",
  "mission.completed": "completed",
  "mission.failed": "failed",
  "instance.exited": "completed",
};
