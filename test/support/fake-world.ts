/** The fake driver on a clock that runs as fast as anybody asks. */

import type { WireEvent } from "../../src/api/event.ts";
import type { WireHeartbeat } from "../../src/api/heartbeat.ts";
import type { InstanceHandle } from "../../src/core/model/instance.ts";
import type { Driver } from "../../src/ports/driver.ts";
import type { Random } from "../../src/ports/random.ts";
import type { Behaviour, DriverWorld } from "../contract/driver.ts";
import { createFakeDriver, type FakeDriver } from "./fake-driver/driver.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

const COMMANDS: Readonly<Record<Behaviour, readonly [string, ...string[]]>> = {
  works: ["fake", "works", "progress=500ms"],
  "ignores-cancel": ["fake", "ignores-cancel", "progress=500ms"],
  "ignores-sigterm": ["fake", "ignores-sigterm", "progress=500ms"],
  succeeds: ["fake", "succeeds", "after=2s", "progress=500ms"],
  crashes: ["fake", "crashes", "after=2s", "code=7"],
  blocked: ["fake", "blocked", "after=1s"],
};

const STEPS_MAX = 100_000;

export interface FakeWorld extends DriverWorld {
  readonly fake: FakeDriver;
  readonly clock: VirtualClock;
  /** The status with which the controller answers; null is a network error. */
  answer: (event: WireEvent) => number | null;
}

export function createFakeWorld(): FakeWorld {
  const clock = createVirtualClock();
  const events: WireEvent[] = [];
  const heartbeats: WireHeartbeat[] = [];
  let refuses = false;
  const fake = createFakeDriver({
    clock,
    random: seededRandom(7),
    callback: {
      async onEvent(_token, event) {
        const status = refuses ? null : world.answer(event);
        if (status === null) throw new Error("network");
        if (status === 200 && !events.some((one) => one.idempotency_key === event.idempotency_key))
          events.push(event);
        return { status };
      },
      async onHeartbeat(_token, heartbeat) {
        if (refuses) throw new Error("network");
        heartbeats.push(heartbeat);
        return { status: 200 };
      },
    },
  });
  const driven = drive(fake);

  /** Time passes while somebody waits for the driver, and only then. */
  async function pass<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = (): void => {
      settled = true;
    };
    promise.then(done, done);
    for (let steps = 0; !settled && steps < STEPS_MAX; steps += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!settled) await clock.step();
    }
    return promise;
  }

  function drive(driver: Driver): Driver {
    return {
      ...driver,
      start: (request, signal) => pass(driver.start(request, signal)),
      stop: (handle, ladder, signal) => pass(driver.stop(handle, ladder, signal)),
    };
  }

  const world: FakeWorld = {
    fake,
    clock,
    driver: driven,
    answer: () => 200,
    again: () => driven,
    request: (clone, behaviour) => ({
      clone,
      workspace: fake.workspaces.refOf(clone),
      agent: { adapter: "command", command: COMMANDS[behaviour], env: {}, accept: "on_start" },
      healthChecks: [{ name: "shell", run: ["true"], timeoutMs: 1_000 }],
      orphanPolicy: { action: "continue", afterMs: 3_600_000 },
      isolation: "group",
      token: "token",
      secrets: new Map(),
      callbackUrl: "http://127.0.0.1/v1/events",
      heartbeatIntervalMs: 1_000,
    }),
    write: async (clone, path, content) => fake.workspaces.write(clone, path, content),
    link: async (clone, path) => fake.workspaces.link(clone, path),
    events: () => events,
    heartbeats: () => heartbeats,
    async until(look, what) {
      for (let steps = 0; steps < STEPS_MAX; steps += 1) {
        const found = await look();
        if (found) return found as NonNullable<typeof found>;
        if (!(await clock.step())) throw new Error(`time stands still and ${what} was not reached`);
      }
      throw new Error(`${what} was not reached`);
    },
    lateStart(request) {
      // An hour is late enough: nothing else of the suite lets that much time pass.
      const late = { ...request, agent: { ...request.agent, command: ["fake", "works", "by=1h"] as const } };
      const answer = fake.start(late, new AbortController().signal);
      answer.catch(() => {});
      return { answer: Promise.resolve().then(() => pass(answer)), release() {} };
    },
    refuseAll(next) {
      refuses = next;
    },
    killShim: (handle: InstanceHandle) => fake.faults.killShim(handle),
    stopProcess: (handle, which) => fake.faults.stopProcess(handle, which),
    killAgent: (handle: InstanceHandle) => fake.faults.killAgent(handle),
    close: () => Promise.resolve(),
  };
  return world;
}

/** The same dice for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const nonce = (): string =>
    Array.from({ length: 32 }, () => Math.floor(fraction() * 16).toString(16)).join("");
  return { fraction, nonce };
}
