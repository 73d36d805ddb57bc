/**
 * One started shim held in reserve, so that a start need not wait for a Node to come up: intent and claim are made as ever, by a
 * process that has its modules loaded. See `instance/reserve.ts` for what it is and is not.
 *
 * It is no instance: nothing on the disk names it, nothing is found by its marker, and it ends when its input does, which
 * is when this process ends, however that comes about.
 */
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../../core/model/error.ts";
import { createCgroup } from "../../../instance/containment.ts";
import type { LaunchSettings } from "../../../instance/launch-settings.ts";
import { fitsReserve, type LaunchOrder, RESERVE_MARKER, reserveArgument } from "../../../instance/reserve.ts";
import { signalChild } from "../../../instance/signal-child.ts";
import { type Start, startProgram } from "../../../instance/start-program.ts";
import type { Log } from "../../../ports/log.ts";
import type { Instance, Layout } from "./layout.ts";
import { shimEnvironment } from "./shim-program.ts";

export interface ShimReserve {
  /** Gives the launch to the shim in reserve, which then claims the epoch; null when there is none, or it could not be that instance's. */
  handOver(instance: Instance, settings: LaunchSettings): ChildProcess | null;
  /** What was handed over has claimed. */
  worked(): void;
  /** What was handed over did not claim: it is ended, and counts against the reserve. */
  failed(shim: ChildProcess, why: string): Promise<void>;
  /** Ends what is held; nothing is held any more. */
  close(): void;
}

/**
 * The next one is started when nothing was launched for so long: it would take the processor from the one that comes up. Where many
 * are started at once, each of them needs a Node of its own, and one that finds none in reserve begins the next at once.
 */
const REFILL_AFTER_MS = 1_000;
/** Until the next try where nothing was left to start one with. */
const SHORTAGE_MS = 10_000;
/** In a row. Whatever it is, it will not get better, and each one costs the time of a start. */
const FAILURES_MAX = 3;
/** For a process that was sent SIGKILL. */
const END_MS = 2_000;
const LOOK_MS = 2;

export function createShimReserve(parts: {
  readonly layout: Layout;
  readonly command: () => Promise<readonly [string, ...string[]]>;
  readonly log: Log;
  readonly refillAfterMs?: number;
}): ShimReserve {
  const { layout, log, refillAfterMs = REFILL_AFTER_MS } = parts;
  let held: ChildProcess | null = null;
  let closed = false;
  let failures = 0;
  let timer: NodeJS.Timeout | null = null;

  function refillLater(afterMs: number): void {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      void refill().catch((error: unknown) => {
        // What a shim is started with could not be found out; the next start says more.
        countFailure(messageOf(error));
        refillLater(SHORTAGE_MS);
      });
    }, afterMs);
    timer.unref();
  }

  async function refill(): Promise<void> {
    const command = await parts.command();
    if (closed || held !== null || failures >= FAILURES_MAX) return;
    const { child: shim, failure } = spawnReserve(layout, command);
    if (shim === null) {
      // What is short now may not be later, and counts against nobody.
      const { shortage, message } = await failure;
      if (shortage === null) countFailure(message);
      return refillLater(shortage === null ? refillAfterMs : SHORTAGE_MS);
    }
    held = shim;
    shim.once("exit", () => {
      if (held !== shim) return;
      held = null;
      countFailure(`it ended by itself (${shim.signalCode ?? shim.exitCode})`);
      refillLater(refillAfterMs);
    });
  }

  function countFailure(why: string): void {
    failures += 1;
    if (failures < FAILURES_MAX) return;
    log.warn("no shim is held in reserve any more: starts take as long as a Node takes to come up", { why });
  }

  refillLater(0);
  return {
    handOver(instance, settings) {
      const shim = held;
      const { directory, intent } = instance;
      const { nonce } = intent;
      refillLater(shim === null ? 0 : refillAfterMs);
      if (shim === null || !fitsReserve(layout.directory, { directory, nonce })) return null;
      held = null;
      const { cgroup } = intent.containment;
      if (cgroup !== null) createCgroup(cgroup);
      shim.stdin?.end(orderText(instance, settings));
      return shim;
    },
    worked() {
      failures = 0;
    },
    async failed(shim, why) {
      countFailure(why);
      signalChild(shim, "SIGKILL");
      const deadline = performance.now() + END_MS;
      while (shim.exitCode === null && shim.signalCode === null && performance.now() < deadline)
        await sleep(LOOK_MS);
    },
    close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      held?.stdin?.destroy();
      held = null;
    },
  };
}

export function orderText({ directory, intent }: Instance, settings: LaunchSettings): string {
  return JSON.stringify({ version: 1, directory, nonce: intent.nonce, settings } satisfies LaunchOrder);
}

/** As a shim of an instance is started, but for what is not known yet: see `becomeInstance`. */
export function spawnReserve(layout: Layout, [program, ...args]: readonly [string, ...string[]]): Start {
  const start = startProgram(program, [...args, reserveArgument(layout.directory)], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: shimEnvironment(layout, RESERVE_MARKER),
  });
  start.child?.stdin?.on("error", () => {}); // It went away; its exit says more.
  start.child?.unref();
  return start;
}
