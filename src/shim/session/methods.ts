/** What a driver may ask of a shim; documented in `specs/shim-control-v1.md`. */
import type { MissionEnvelope } from "../../api/envelope.ts";
import { isRecord } from "../../instance/files.ts";
import { limitsFromWire } from "../../instance/held-limits.ts";
import type { ShimOutbox } from "../../instance/outbox.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { Graces } from "../agents/ending.ts";
import type { Delivery } from "../callback/deliver.ts";
import type { AgentRunner } from "./agent-runner.ts";
import type { ControlMethods, ControlResult } from "./control.ts";
import { gracesOf, numberOr } from "./graces.ts";
import type { Heart } from "./heartbeat.ts";
import type { Life } from "./life.ts";
import type { LimitWatch } from "./limit-watch.ts";
import { type Messages, messageOf } from "./messages.ts";
import type { Pauses } from "./pauses.ts";

const PULL_EVENTS_MAX = 500;

export function createMethods(parts: {
  readonly life: Life;
  readonly pauses: Pauses;
  readonly runner: AgentRunner;
  readonly outbox: ShimOutbox;
  readonly delivery: Delivery;
  readonly heart: Heart;
  readonly messages: Messages;
  readonly limits: LimitWatch;
  readonly transcript: Transcript;
  readonly end: (reason: string, graces: Graces) => void;
}): ControlMethods {
  const { life, pauses, outbox, delivery, heart } = parts;

  const state = (): Record<string, unknown> => ({
    clone: life.intent.clone,
    epoch: life.intent.epoch,
    pid: process.pid,
    ready: life.ready,
    mission_id: life.envelope?.mission_id ?? null,
    paused: pauses.by().length > 0,
    grace_left_ms: pauses.graceLeftMs(),
    last_event_seq: outbox.lastSeq(),
    ...heart.snapshot(),
  });
  const done = (): ControlResult => ({ ok: true, result: state() });

  return {
    hello: done,
    status: done,
    dispatch(params) {
      const next = params["envelope"];
      if (!isEnvelope(next)) return refused("bad_request", "no envelope with a mission_id");
      const { envelope } = life;
      if (envelope?.mission_id === next.mission_id) return { ok: true, result: { started: false } };
      if (envelope !== null) return refused("busy", `already has mission ${envelope.mission_id}`);
      if (!life.ready) return refused("not_ready", "round trip and checks are not done");
      if (life.phase !== "standby") return refused("ending", "the instance is ending");
      parts.runner.startMission(next);
      return { ok: true, result: { started: true } };
    },
    pause: (params) =>
      pauses.ask(numberOr(params["grace_ms"], 0))
        ? done()
        : refused("not_frozen", "some processes of the agent still ran after the last look"),
    tell(params) {
      const message = messageOf(params);
      if (message === null) return refused("bad_request", "a message has an id, a sender and a text");
      const said = parts.messages.tell(message, (line) => life.agent?.say(line) ?? "closed");
      if (said === "repeated") return { ok: true, result: { told: false } };
      if (said === "closed") return refused("no_agent", "no agent runs that listens to its input");
      if (said === "full") return refused("input_full", "the agent does not read what it was told");
      parts.transcript.note(`${message.from} says: ${message.text}`);
      life.run?.onMessageDelivered(message.from);
      return { ok: true, result: { told: true } };
    },
    resume() {
      if (pauses.takeBack()) life.run?.onResumed();
      return done();
    },
    revive: (params) => parts.runner.revive(params["again"] === true),
    configure(params) {
      if (typeof params["callback_url"] === "string") life.callbackUrl = params["callback_url"];
      if (typeof params["heartbeat_interval_ms"] === "number")
        heart.setInterval(params["heartbeat_interval_ms"]);
      if (params["limits"] !== undefined && !parts.limits.hold(limitsFromWire(params["limits"])))
        return refused("bad_request", "the limits are not whole, or another mission's");
      delivery.hint();
      heart.beatNow();
      return done();
    },
    stop(params) {
      parts.end("asked to stop", gracesOf(params));
      return done();
    },
    pull_outbox(params) {
      delivery.hint();
      const events = outbox.after(numberOr(params["after_seq"], 0), PULL_EVENTS_MAX);
      return { ok: true, result: { events } };
    },
  };
}

function refused(code: string, message: string): ControlResult {
  return { ok: false, code, message };
}

function isEnvelope(value: unknown): value is MissionEnvelope {
  return isRecord(value) && typeof value["mission_id"] === "string" && typeof value["trace_id"] === "string";
}
