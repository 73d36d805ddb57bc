/**
 * Tells the controller, once per interval, that the instance lives and how it
 * does, and notices when the controller is not there to hear it. Heartbeats do not go through
 * the outbox: a lost one is made good by the next.
 */

import type { WireHeartbeat } from "../../api/heartbeat.ts";
import { meaningOf } from "../../core/notify/schedule.ts";
import type { Intent } from "../../instance/claim.ts";
import { call } from "../callback/http.ts";
import type { Clocks } from "./clocks.ts";
import { watchForOrphans } from "./orphan-watch.ts";
import { createWorkspaceWatch } from "./workspace-watch.ts";

export interface Heart {
  /** The controller answered something, here or elsewhere. */
  reached(): void;
  /** Looks for changes in this folder from now on; they are progress. */
  watch(workspace: string): void;
  setInterval(ms: number): void;
  intervalMs(): number;
  beatNow(): void;
  /** Within this time of the last beat at the latest, and no sooner: there is something new to say. */
  beatSoon(ms: number): void;
  snapshot(): Readonly<Record<string, unknown>>;
  stop(): void;
}

/** A controller that asks for more would be told the same thing again. */
const INTERVAL_MS_MIN = 50;

export interface HeartOptions {
  readonly intent: Intent;
  readonly token: string;
  readonly intervalMs: number;
  readonly callbackUrl: () => string;
  readonly clocks: Clocks;
  readonly lastEventSeq: () => number;
  readonly facts: () => { readonly phase: WireHeartbeat["phase"]; readonly missionId: string | null };
  /** The process clock. */
  readonly process: () => NonNullable<WireHeartbeat["process"]> | null;
  readonly onReached: () => void;
  readonly onFenced: () => void;
  /** Every beat, delivered or not. */
  readonly onBeat: (beat: WireHeartbeat) => void;
  readonly orphanAfterMs: () => number;
  /** Called at every check while it lasts. */
  readonly onOrphaned: () => void;
}

export function startHeart(options: HeartOptions): Heart {
  let intervalMs = Math.max(INTERVAL_MS_MIN, options.intervalMs);
  const controller = watchForOrphans({ ...options, intervalMs: () => intervalMs });
  const workspace = createWorkspaceWatch(options.clocks.onProgress);
  const compose = composer(options);
  let sending = false;
  let sentAt = Number.NEGATIVE_INFINITY;
  let soon: { readonly timer: NodeJS.Timeout; readonly at: number } | null = null;
  let timer = setInterval(tick, intervalMs);
  tick();

  function tick(): void {
    void send();
    void workspace.look();
  }

  async function send(): Promise<void> {
    if (sending) return; // The last one still waits for its answer; this one would say the same.
    sending = true;
    sentAt = performance.now();
    try {
      const heartbeat = compose.next();
      options.onBeat(heartbeat);
      const verdict = meaningOf(await post(heartbeat, options));
      if (verdict === "gone") options.onFenced();
      if (verdict === "done") {
        controller.reached();
        options.onReached();
      } else {
        controller.missed();
      }
    } catch {
      // Not reached; the orphan policy has its own clock.
      controller.missed();
    } finally {
      sending = false;
    }
  }

  function beatSoon(ms: number): void {
    const now = performance.now();
    // While one waits for its answer, which may take long, the question is put again later and not at once.
    const at = sending ? now + ms : Math.max(now, sentAt + ms);
    if (soon !== null && soon.at <= at) return;
    if (soon !== null) clearTimeout(soon.timer);
    const timer = setTimeout(() => {
      soon = null;
      // The one that waits for its answer was composed before: it does not say this.
      if (sending) beatSoon(ms);
      else void send();
    }, at - now);
    soon = { timer, at };
  }

  /** For how long it was tried in vain: a heart that stands still tries nothing, and says nothing of the callback. */
  function unreachedMs(): number {
    const triedAt = sending ? performance.now() : controller.missedAt;
    return Math.max(0, Math.round(triedAt - controller.reachedAt));
  }

  return {
    reached() {
      controller.reached();
      options.onReached();
    },
    watch: workspace.watch,
    setInterval(ms) {
      clearInterval(timer);
      intervalMs = Math.max(INTERVAL_MS_MIN, ms);
      timer = setInterval(tick, intervalMs);
    },
    intervalMs: () => intervalMs,
    beatNow: () => tick(),
    beatSoon,
    snapshot: () => ({ ...compose.last(), unreached_ms: unreachedMs() }),
    stop() {
      clearInterval(timer);
      controller.stop();
      if (soon !== null) clearTimeout(soon.timer);
    },
  };
}

/** Heartbeats of one instance, numbered from 1. */
function composer(options: HeartOptions): { next(): WireHeartbeat; last(): WireHeartbeat } {
  let seq = 0;
  function last(): WireHeartbeat {
    const { phase, missionId } = options.facts();
    return {
      event_type: "clone.heartbeat",
      mission_id: missionId,
      vp_id: options.intent.clone,
      vp_runtime_id: options.intent.nonce,
      epoch: options.intent.epoch,
      seq,
      last_event_seq: options.lastEventSeq(),
      phase,
      ...options.clocks.heartbeatPart(),
      process: options.process(),
      ...(options.clocks.throttledMs() === 0 ? {} : { throttled_ms: options.clocks.throttledMs() }),
    };
  }
  return {
    next() {
      seq += 1;
      return last();
    },
    last,
  };
}

/** Answers the status. Rejects when nobody was reached. */
async function post(heartbeat: WireHeartbeat, options: HeartOptions): Promise<number> {
  const answer = await call({
    method: "POST",
    callbackUrl: options.callbackUrl(),
    resource: "events",
    token: options.token,
    contentType: "application/cloudevents+json",
    body: JSON.stringify({
      specversion: "1.0",
      id: `${heartbeat.vp_id}/${heartbeat.epoch}/heartbeat/${heartbeat.seq}`,
      source: `/clones/${heartbeat.vp_id}/${heartbeat.epoch}`,
      type: heartbeat.event_type,
      time: new Date().toISOString(),
      datacontenttype: "application/json",
      data: heartbeat,
    }),
  });
  return answer.status;
}
