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
import { fingerprint } from "./workspace-watch.ts";

export interface Heart {
  /** The controller answered something, here or elsewhere. */
  reached(): void;
  /** Looks for changes in this folder from now on; they are progress. */
  watch(workspace: string): void;
  setInterval(ms: number): void;
  beatNow(): void;
  /** Within this time of the last beat at the latest, and no sooner: there is something new to say. */
  beatSoon(ms: number): void;
  snapshot(): Readonly<Record<string, unknown>>;
  stop(): void;
}

/** A controller that asks for more would be told the same thing again. */
const INTERVAL_MS_MIN = 50;
/** Looking at the workspace costs more than beating. */
const LOOK_INTERVAL_MS_MIN = 5_000;
const ORPHAN_CHECK_MS_MIN = 50;
/** A timer that is this late was not merely kept waiting by other work. */
const AWAY_MS = 2_000;

export function startHeart(options: {
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
}): Heart {
  let seq = 0;
  let intervalMs = Math.max(INTERVAL_MS_MIN, options.intervalMs);
  let reachedAt = performance.now();
  /** The newest beat that did not get through. */
  let missedAt = reachedAt;
  let watched: string | null = null;
  let lastPrint: number | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let sending = false;
  let sentAt = Number.NEGATIVE_INFINITY;
  let soon: { readonly timer: NodeJS.Timeout; readonly at: number } | null = null;
  let timer = setInterval(tick, intervalMs);
  let orphanCheckAt = performance.now() + ORPHAN_CHECK_MS_MIN;
  let orphanTimer = setTimeout(checkOrphaned, ORPHAN_CHECK_MS_MIN);
  tick();

  function tick(): void {
    void send();
    void look();
  }

  async function send(): Promise<void> {
    if (sending) return; // The last one still waits for its answer; this one would say the same.
    sending = true;
    sentAt = performance.now();
    try {
      seq += 1;
      const heartbeat = compose();
      options.onBeat(heartbeat);
      const answer = await call({
        method: "POST",
        url: options.callbackUrl(),
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
      const verdict = meaningOf(answer.status);
      if (verdict === "gone") options.onFenced();
      if (verdict === "done") {
        reachedAt = performance.now();
        options.onReached();
      } else {
        missedAt = performance.now();
      }
    } catch {
      // Not reached; the orphan policy has its own clock.
      missedAt = performance.now();
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

  function compose(): WireHeartbeat {
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

  /** For how long it was tried in vain: a heart that stands still tries nothing, and is not the way's fault. */
  function unreachedMs(): number {
    return Math.max(0, Math.round((sending ? performance.now() : missedAt) - reachedAt));
  }

  async function look(): Promise<void> {
    const now = performance.now();
    if (watched === null || now - lookedAt < LOOK_INTERVAL_MS_MIN) return;
    lookedAt = now;
    const print = await fingerprint(watched);
    if (lastPrint !== null && print !== lastPrint) options.clocks.onProgress();
    lastPrint = print;
  }

  function checkOrphaned(): void {
    // While we were stopped ourselves nobody could have reached us: that silence is ours.
    const lateMs = performance.now() - orphanCheckAt;
    if (lateMs >= AWAY_MS) reachedAt = Math.min(performance.now(), reachedAt + lateMs);
    const limit = options.orphanAfterMs();
    const silentMs = performance.now() - reachedAt;
    if (silentMs >= limit) options.onOrphaned();
    const next = Math.max(
      ORPHAN_CHECK_MS_MIN,
      silentMs >= limit ? intervalMs : Math.min(limit - silentMs, intervalMs),
    );
    orphanCheckAt = performance.now() + next;
    orphanTimer = setTimeout(checkOrphaned, next);
  }

  return {
    reached() {
      reachedAt = performance.now();
      options.onReached();
    },
    watch(workspace) {
      watched = workspace;
    },
    setInterval(ms) {
      clearInterval(timer);
      intervalMs = Math.max(INTERVAL_MS_MIN, ms);
      timer = setInterval(tick, intervalMs);
    },
    beatNow: () => tick(),
    beatSoon,
    snapshot: () => ({ ...compose(), unreached_ms: unreachedMs() }),
    stop() {
      clearInterval(timer);
      clearTimeout(orphanTimer);
      if (soon !== null) clearTimeout(soon.timer);
    },
  };
}
