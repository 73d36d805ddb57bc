/** Where the controller runs: it is started, dies, is started again, and is never there twice. */

import { ABOUT } from "../../src/about.ts";
import { asFactoryError, FactoryError } from "../../src/core/model/error.ts";
import { MINUTE_MS } from "../../src/core/model/time.ts";
import type { SteadyClock } from "../../src/ports/clock.ts";
import { silentLog } from "../../src/ports/log.ts";
import { type Controller, createController } from "../../src/reconciler/controller.ts";
import { createLoopHandlers, LOOP_KEYS, type LoopKey } from "../../src/reconciler/loop/handlers.ts";
import { createLagMeter } from "../../src/reconciler/loop/lag.ts";
import { startLoop } from "../../src/reconciler/loop/loop.ts";
import { createFakeProposals } from "../support/fake/index.ts";
import type { MemoryStore } from "../support/memory-store/store.ts";
import { KEY, OPERATOR_TOKEN } from "./courier.ts";
import type { Rhythm } from "./course.ts";
import { simulatedDrills } from "./drills.ts";
import { createLife, type Life } from "./life.ts";
import { DRIVER_NAME } from "./machine.ts";
import {
  simulatedInCoreLane,
  simulatedJudge,
  simulatedPlace,
  simulatedSecrets,
  simulatedTraces,
  simulatedWorkspaces,
  troubledStatusBranch,
  watchedSource,
  watchedStore,
} from "./ports.ts";
import type { World } from "./world.ts";

export interface Host {
  readonly controller: Controller | null;
  /** The machine's clock, for whoever runs on it. */
  clockOf(own: Life): SteadyClock;
  /** Starts a controller unless one lives; a second one is refused the record. */
  boot(): Promise<void>;
  crash(): void;
  /** Lets it die in the middle of what it does next. */
  crashSoon(): void;
  /** Stops it for so long, as a debugger, a full machine or a suspended one does. The record stays its own meanwhile. */
  freeze(forMs: number): void;
  /**
   * Another controller takes the record over. This one stands still for so long and then goes on, or does not stand
   * still at all: either way it decides on until it hears that its right to act is lost.
   */
  takeOver(forMs: number): void;
  /** Whatever is frozen goes on. */
  thaw(): void;
}

const BOOT_RETRY_MS = 2_000;
/** Less than the shortest silence that means anything. */
const LAG_MS_MAX = 5_000;
export const FLUSH_MS = 5 * MINUTE_MS;

export function createHost(world: World, rhythm: Rhythm): Host {
  const dice = world.dice.fork("host");
  let life: Life | null = null;
  let controller: Controller | null = null;

  const steady: SteadyClock = {
    now: world.now,
    monotonic: () => world.timeline.elapsedMs,
    sleep: (ms, signal) => world.delay(ms, signal),
  };

  function onDeath(own: Life, how: string): void {
    if (own !== life) {
      world.story.tell(`controller: one whose record was taken over ends ${how}`);
      return;
    }
    world.story.tell(`controller: dies ${how}`);
    life = null;
    controller = null;
    world.plane = null;
    world.timeline.after(dice.between(10, 20_000), () => void boot());
  }

  /** `beside`: the record is shared with somebody who stands still and has it open. */
  async function boot(beside = false): Promise<void> {
    const own = createLife((how) => onDeath(own, how));
    let store: MemoryStore;
    try {
      store = openStore(world, own, beside);
    } catch (error) {
      world.story.tell(`rival: refused with ${asFactoryError(error).code}`);
      return;
    }
    life = own;
    world.tell({ type: "booted" });
    // Half of the time it is somewhere else when it comes back.
    if (dice.chance(0.5)) world.address = `http://127.0.0.1:${dice.between(7_000, 7_009)}/v1/events`;
    world.story.tell(`controller: starts at ${world.address}`);
    try {
      const driver = own.seen(world.machine.driverFor(own));
      const made = await createController({
        program: ABOUT,
        store: own.seen(watchedStore(world, store)),
        lease: own.seen(store.lease),
        holder: "simulated",
        leasePlace: simulatedPlace(world),
        source: own.seen(watchedSource(world, world.origin.restart())),
        statusBranch: own.seen(troubledStatusBranch(world)),
        drivers: new Map([[DRIVER_NAME, { ...driver, workspaces: own.seen(simulatedWorkspaces(world)) }]]),
        secrets: own.seen(simulatedSecrets(world)),
        inCore: own.seen(simulatedInCoreLane(world)),
        proposals: own.seen(createFakeProposals()),
        judge: own.seen(simulatedJudge(world)),
        killSwitch: world.killSwitch,
        drills: own.seen(simulatedDrills(world, own)),
        traces: own.seen(simulatedTraces(world)),
        notifiers: (destination) => own.seen(world.notifiers(destination)),
        clock: own.seen(steady),
        log: silentLog,
        documents: world.documents,
        installation: "simulated",
        repository: "simulated",
        key: KEY,
        operatorToken: OPERATOR_TOKEN,
      });
      controller = made;
      made.listenAt({ socket: world.address, network: world.address });
      world.plane = own.offered(made.controlPlane);
      made.resume();
      if (rhythm.realLoop) {
        const loop = startLoop(
          watchedLooks(made, own),
          {
            clock: own.seen(steady),
            random: { nonce: () => dice.hex(32), fraction: dice.fraction },
            log: silentLog,
          },
          { pollMs: rhythm.pollMs, untilClosed: false, once: false },
        );
        void loop.done.then(
          () => own.kill(),
          () => own.kill(),
        );
      } else runSteps(made, own);
    } catch (error) {
      world.story.tell(`controller: did not come up: ${String(error)}`);
      if (own.alive) world.timeline.after(BOOT_RETRY_MS, () => own.kill());
    }
  }

  /** Tells the checker of every look that came to its end while this controller was the one. */
  function watchedLooks(made: Controller, own: Life): Controller {
    return {
      ...made,
      async supervise(readLagMs) {
        const found = await made.supervise(readLagMs);
        if (own.alive && own === life && !own.frozen) world.tell({ type: "looked", now: world.now() });
        return found;
      },
    };
  }

  function thaw(own: Life): void {
    if (!own.alive || !own.frozen) return;
    world.story.tell("controller: goes on");
    own.thaw();
  }

  /** The timers and keys of `reconciler/loop/loop.ts` with other waits and in any order: what they rely on must be true for all. */
  function runSteps(made: Controller, own: Life): void {
    const clock = own.seen(steady);
    const looking = watchedLooks(made, own);
    const never = new AbortController().signal;
    const guard = (work: Promise<unknown>): Promise<unknown> =>
      work.catch((error: unknown) =>
        world.story.tell(
          `controller: a step failed: ${error instanceof Error ? error.message : String(error)}`,
        ),
      );
    const woken = new Set<LoopKey>(LOOP_KEYS);
    const wake = (key: LoopKey): void => void woken.add(key);
    made.onWake(wake);
    const handle = createLoopHandlers(made, { clock, random: dice, pollMs: rhythm.pollMs, wake });
    const take = async (key: LoopKey): Promise<void> => {
      woken.delete(key);
      await guard(handle(key, { signal: never, now: clock.monotonic() }));
      // As the loop does: a record that was lost is not begun anew.
      if (made.mustEnd() !== null) own.kill();
    };
    const forever = async (waitMs: () => number, work: () => Promise<void>): Promise<never> => {
      for (;;) {
        await work();
        const times = world.calmSinceMs < world.timeline.elapsedMs ? rhythm.calmTimes : 1;
        await clock.sleep(waitMs() * times);
      }
    };
    const lag = createLagMeter(clock);
    // Not with the others: a clock that was set must be told from silence, whatever the rhythm.
    void lag.run(Math.max(rhythm.tickMs, Math.min(rhythm.publishMs, LAG_MS_MAX)), never);
    let listedAt = Number.NEGATIVE_INFINITY;
    let reconciling = false;
    /** Beside everything else, and one at a time: a listing that takes long holds up neither supervision nor a kill. */
    const reconcile = async (): Promise<void> => {
      const now = clock.monotonic();
      if (reconciling || (!woken.has("fleet") && now - listedAt < rhythm.listMs)) return;
      reconciling = true;
      listedAt = now;
      await take("fleet");
      reconciling = false;
    };
    void forever(
      () => dice.between(1, 2 * rhythm.tickMs),
      async () => {
        made.obeySwitch();
        await guard(made.keepRight(never));
        const steps = [
          () => guard(looking.supervise(lag.readMs)),
          () => void reconcile(),
          () => take("notices"),
          () => take("drills"),
        ];
        for (const step of dice.shuffled(steps)) await step();
      },
    );
    void forever(
      () => dice.between(1, 2 * rhythm.pollMs),
      () => take("source"),
    );
    void forever(
      () => dice.between(1, 2 * rhythm.publishMs),
      () => take("publish"),
    );
  }

  return {
    clockOf: (own) => own.seen(steady),
    get controller() {
      return controller;
    },
    boot: () => boot(),
    takeOver(forMs) {
      const own = life;
      if (own === null || own.frozen || world.recordLost || world.restoring) return;
      // A file has one controller: what takes it over finds it free.
      if (world.onDisk) {
        own.kill();
        return;
      }
      const stands = world.dice.fork(`takeover ${world.timeline.elapsedMs}`).chance(0.5);
      world.story.tell(
        `controller: ${stands ? `stands still for ${forMs} ms` : "goes on"}, and another one takes over`,
      );
      if (stands) own.freeze();
      life = null;
      controller = null;
      world.plane = null;
      world.timeline.after(forMs, () => thaw(own));
      void boot(true);
    },
    crash: () => life?.kill(),
    freeze(forMs) {
      const own = life;
      if (own === null || own.frozen) return;
      world.story.tell(`controller: is frozen for ${forMs} ms`);
      own.freeze();
      world.timeline.after(forMs, () => thaw(own));
    },
    thaw() {
      if (life !== null) thaw(life);
    },
    crashSoon: () => life?.dieAfter(dice.between(1, 40), dice.pick(["before", "after"] as const)),
  };
}

/** The lock of the record, as the file of a real store has it: whoever lives holds it. One that is shared has none. */
function openStore(world: World, own: Life, beside: boolean): MemoryStore {
  if (beside) {
    world.holder = own;
    world.store = world.store.share();
    return world.store;
  }
  if (world.holder?.alive === true)
    throw new FactoryError("store/locked", "stall", "another controller holds the record");
  world.holder = own;
  world.store = world.store.reopen();
  return world.store;
}
