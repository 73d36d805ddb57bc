/** What wakes which key, and the timers that nothing may hold up. */
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { Controller } from "../controller.ts";
import { createComplaints } from "./complaints.ts";
import { createLoopHandlers, FIRST_KEYS, LIST_MS, type LoopKey, restMsOf, TICK_MS } from "./handlers.ts";
import { createLagMeter } from "./lag.ts";
import { createWorkQueue } from "./queue.ts";

export interface LoopOptions {
  /** Between two looks at the repository, when nobody pokes. */
  readonly pollMs: number;
  /** End by itself when every mission is closed and published. */
  readonly untilClosed: boolean;
  /** One look and one pass, then wait for what they began to settle, publish, and end. */
  readonly once: boolean;
}

export interface LoopParts {
  readonly clock: SteadyClock;
  readonly random: Random;
  readonly log: Log;
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

/** As the log calls what is done for a key. */
const WORK: Readonly<Record<LoopKey, string>> = {
  source: "looking at the repository",
  fleet: "reconciling the fleet",
  publish: "publishing",
  notices: "delivering notices",
  drills: "making drills",
};

/**
 * The controller's heartbeat. Each key of the queue has its own worker, so that a forge which hangs holds up
 * nothing but the key that asked it. Supervision, the kill switch and the right to act are no keys: each
 * has a timer of its own, and neither a driver, nor git, nor the record holds it up.
 */
export function startLoop(controller: Controller, parts: LoopParts, options: LoopOptions): Loop {
  const { clock, random } = parts;
  const stopping = new AbortController();
  const { signal } = stopping;
  const complain = createComplaints(parts);
  let lost: Error | null = null;

  /** A record that was lost is not begun anew: nobody would know of what runs. Nor do two act on one record. */
  function endIfLost(): void {
    lost ??= controller.mustEnd();
    if (lost !== null) stopping.abort();
  }

  /** Who is asked to do something and end does not wait for another installation to end. */
  function endIfElsewhere(): void {
    lost ??= controller.heldElsewhere();
    if (lost !== null) stopping.abort();
  }

  async function guarded(what: string, work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) complain(what, error);
    }
  }

  async function every(ms: number, what: string, work: () => unknown): Promise<void> {
    while (!signal.aborted) {
      await guarded(what, work);
      await clock.sleep(ms, signal).catch(() => {});
    }
  }

  const lag = createLagMeter(clock);
  const timers = (): readonly Promise<void>[] => [
    every(TICK_MS, "supervision", async () => {
      await controller.supervise(lag.readMs);
      if (options.untilClosed && controller.atRest()) stopping.abort();
      if (options.untilClosed) endIfElsewhere();
    }),
    every(TICK_MS, "the kill switch", () => controller.obeySwitch()),
    // A lease that lies far away may take its time to answer.
    every(TICK_MS, "prolonging the right to act", async () => {
      await controller.keepRight(signal);
      endIfLost();
    }),
    lag.run(TICK_MS, signal),
  ];

  const handle = createLoopHandlers(controller, {
    clock,
    random,
    pollMs: options.pollMs,
    wake: (key) => queue.wake(key),
  });
  const queue = createWorkQueue<LoopKey>({
    clock,
    random,
    restMs: restMsOf,
    retryMaxMs: (key) => (key === "source" ? options.pollMs : LIST_MS),
    handle: (key, turn) => handle(key, turn).finally(endIfLost),
    onFailure: (key, error) => {
      if (!signal.aborted) complain(WORK[key], error);
    },
  });

  async function runForever(): Promise<void> {
    controller.onWake((key) => queue.wake(key));
    signal.addEventListener("abort", () => void queue.close(), { once: true });
    for (const key of FIRST_KEYS) queue.wake(key);
    await Promise.all(timers());
    await queue.close();
  }

  async function runOnce(): Promise<void> {
    await guarded(WORK.source, () => controller.poll(signal));
    await guarded(WORK.notices, () => controller.deliverNotices());
    await guarded(WORK.drills, () => controller.makeDrills());
    await guarded("supervision", () => controller.supervise(() => 0));
    await guarded("the kill switch", () => controller.obeySwitch());
    await guarded(WORK.fleet, () => controller.reconcile(signal));
    for (let waits = 0; waits < RIGHT_WAITS_MAX && controller.waitsForRight() && !signal.aborted; waits++) {
      await clock.sleep(RIGHT_WAIT_MS, signal).catch(() => {});
      await guarded(WORK.fleet, () => controller.reconcile(signal));
    }
    endIfLost();
    endIfElsewhere();
    if (signal.aborted) return;
    await Promise.race([controller.settled(), clock.sleep(ONCE_SETTLE_MS, signal).catch(() => {})]);
    await guarded(WORK.fleet, () => controller.reconcile(signal));
    for (let tries = 0; tries < PUBLISH_TRIES_MAX && !signal.aborted; tries++) {
      const at = controller.publishDueAt();
      if (at === null) break;
      await clock.sleep(Math.max(0, at - clock.now()), signal).catch(() => {});
      await guarded(WORK.publish, () => controller.publish(signal));
    }
    endIfLost();
    stopping.abort();
  }

  return {
    done: (options.once ? runOnce() : runForever()).then(() => {
      if (lost !== null) throw lost;
    }),
    poke: () => queue.wake("source"),
    stop: () => stopping.abort(),
  };
}

/** With `--once`: effects that take longer are left to the next controller. */
const ONCE_SETTLE_MS = 5 * MINUTE_MS;
/** With `--once`: a push waits for its turn for a minute and some seconds at most. */
const RIGHT_WAIT_MS = 1 * SECOND_MS;
const RIGHT_WAITS_MAX = 90;
/** With `--once`: publications that are tried before it ends without. */
const PUBLISH_TRIES_MAX = 5;
