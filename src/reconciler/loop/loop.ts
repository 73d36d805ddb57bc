import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { Controller } from "../controller.ts";
import { createLagMeter } from "./lag.ts";

export interface LoopOptions {
  /** Between two looks at the repository, when nobody pokes; each is jittered by `POLL_JITTER`. */
  readonly pollMs: number;
  /** End by itself when every mission is closed and published. */
  readonly untilClosed: boolean;
  /** One look and one pass, then wait for what they began to settle, publish, and end. */
  readonly once: boolean;
}

export interface Loop {
  /**
   * Resolves when the loop has ended in order; rejects with `record/lost` when there is nothing that it may run on,
   * and with `lease/lost` when another controller acts on the record.
   */
  readonly done: Promise<void>;
  /** Look at the repository now. */
  poke(): void;
  stop(): void;
}

/** How often time is asked what has fallen due. */
const TICK_MS = 250;
/** Between two listings of what lives when nothing else happened: finds what died without a word. */
const LIST_MS = 2 * SECOND_MS;
/** After a pass the loop rests so many times as long as it took: where something happens all the time, a fifth of the time goes into passes. */
const PASS_REST = 4;
const PASS_REST_MS_MIN = 10;
const PASS_REST_MS_MAX = TICK_MS;
/** So that many controllers do not ask the forge in step. */
const POLL_JITTER = 0.05;
const COMPLAIN_AGAIN_MS = MINUTE_MS;

/**
 * The controller's heartbeat: asks what is due, lists what lives, looks at the
 * repository, publishes. Each of these runs on its own, so that a forge which hangs
 * holds up neither supervision nor a kill.
 */
export function startLoop(
  controller: Controller,
  parts: { clock: SteadyClock; random: Random; log: Log },
  options: LoopOptions,
): Loop {
  const { clock, log } = parts;
  const lag = createLagMeter(clock);
  const stopping = new AbortController();
  const { signal } = stopping;
  let poked = false;
  let wakePoll: AbortController = new AbortController();
  let wakePass: AbortController = new AbortController();
  controller.onDirty(() => wakePass.abort());
  let looked = false;
  const complaints = new Map<string, { readonly message: string; readonly at: number }>();
  let lost: Error | null = null;

  async function guarded(name: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted && isNews(name, String(error)))
        log.error(`${name} failed`, {
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
    }
  }

  /** What fails in the same way four times a second is said once in a while. */
  function isNews(name: string, message: string): boolean {
    const last = complaints.get(name);
    const now = clock.monotonic();
    if (last?.message === message && now - last.at < COMPLAIN_AGAIN_MS) return false;
    complaints.set(name, { message, at: now });
    return true;
  }

  /** A record that was lost is not begun anew: nobody would know of what runs. Nor do two act on one record. */
  function endIfLost(): void {
    lost ??= controller.mustEnd();
    if (lost !== null) stopping.abort();
  }

  /** Apart from everything: a lease that lies far away may take its time to answer. */
  async function keepRightForever(): Promise<void> {
    while (!signal.aborted) {
      await guarded("prolonging the right to act", () => controller.keepRight(signal));
      endIfLost();
      await clock.sleep(TICK_MS, signal).catch(() => {});
    }
  }

  async function superviseForever(): Promise<void> {
    while (!signal.aborted) {
      await guarded("supervision", () => controller.supervise(lag.readMs));
      if (options.untilClosed && controller.atRest()) stopping.abort();
      await clock.sleep(TICK_MS, signal).catch(() => {});
    }
  }

  /** Apart from everything: neither a driver, nor git, nor the record holds up the kill switch. */
  async function obeyForever(): Promise<void> {
    while (!signal.aborted) {
      await guarded("the kill switch", async () => controller.obeySwitch());
      await clock.sleep(TICK_MS, signal).catch(() => {});
    }
  }

  /** Apart from supervision: a driver whose listing hangs must not hold up deadlines. */
  async function passForever(): Promise<void> {
    let listedAt = 0;
    while (!signal.aborted) {
      const now = clock.now();
      const begun = clock.monotonic();
      const woken = new AbortController();
      wakePass = woken;
      if (looked && (controller.takeDirty() || Math.abs(now - listedAt) >= LIST_MS)) {
        listedAt = now;
        await guarded("a pass", () => controller.reconcile(signal));
        endIfLost();
        const restMs = Math.max(PASS_REST_MS_MIN, (clock.monotonic() - begun) * PASS_REST);
        await clock.sleep(Math.min(restMs, PASS_REST_MS_MAX), signal).catch(() => {});
      }
      // What happened since it began is acted upon now, not at the next tick.
      await clock.sleep(TICK_MS, AbortSignal.any([signal, woken.signal])).catch(() => {});
    }
  }

  async function lookForever(): Promise<void> {
    while (!signal.aborted) {
      poked = false;
      await guarded("looking at the repository", () => controller.poll(signal));
      if (!looked) wakePass.abort();
      looked = true;
      if (poked) continue;
      wakePoll = new AbortController();
      const jittered = options.pollMs * (1 + POLL_JITTER * (2 * parts.random.fraction() - 1));
      await clock.sleep(jittered, AbortSignal.any([signal, wakePoll.signal])).catch(() => {});
    }
  }

  async function publishForever(): Promise<void> {
    let flushedAt = clock.now();
    while (!signal.aborted) {
      if (Math.abs(clock.now() - flushedAt) >= controller.flushMs()) {
        controller.touch();
        flushedAt = clock.now();
      }
      if (looked) await guarded("publishing", () => controller.publish(signal));
      await clock.sleep(TICK_MS, signal).catch(() => {});
    }
  }

  async function runOnce(): Promise<void> {
    await guarded("looking at the repository", () => controller.poll(signal));
    await guarded("supervision", () => controller.supervise(() => 0));
    await guarded("the kill switch", async () => controller.obeySwitch());
    await guarded("a pass", () => controller.reconcile(signal));
    endIfLost();
    if (signal.aborted) return;
    await Promise.race([controller.settled(), clock.sleep(ONCE_SETTLE_MS, signal).catch(() => {})]);
    await guarded("a pass", () => controller.reconcile(signal));
    for (let tries = 0; tries < PUBLISH_TRIES_MAX && !signal.aborted; tries++) {
      const at = controller.publishDueAt();
      if (at === null) break;
      await clock.sleep(Math.max(0, at - clock.now()), signal).catch(() => {});
      await guarded("publishing", () => controller.publish(signal));
    }
    endIfLost();
    stopping.abort();
  }

  const running = options.once
    ? runOnce()
    : Promise.all([
        superviseForever(),
        obeyForever(),
        keepRightForever(),
        passForever(),
        lookForever(),
        publishForever(),
        lag.run(TICK_MS, signal),
      ]);
  return {
    done: Promise.resolve(running).then(() => {
      if (lost !== null) throw lost;
    }),
    poke() {
      poked = true;
      wakePoll.abort();
    },
    stop: () => stopping.abort(),
  };
}

/** With `--once`: effects that take longer are left to the next controller. */
const ONCE_SETTLE_MS = 5 * MINUTE_MS;
/** With `--once`: publications that are tried before it ends without. */
const PUBLISH_TRIES_MAX = 5;
