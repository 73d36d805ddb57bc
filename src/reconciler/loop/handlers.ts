/** What is done for each key of the loop, and when it is looked at again. */
import { SECOND_MS } from "../../core/model/time.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import type { Controller } from "../controller.ts";
import { type Answer, DONE } from "./answer.ts";
import type { Handler } from "./queue.ts";

/**
 * `source`: the repository is looked at. `fleet`: what lives is listed, and what is desired is planned and recorded.
 * `publish`: the status branch. `notices`: what people are to be told. `drills`: the next drill that is due.
 *
 * What is done for one clone (its effects) is keyed by clone in `effects/dispatch.ts`.
 */
export const LOOP_KEYS = ["source", "fleet", "publish", "notices", "drills"] as const;
/** What a controller begins with; the first look at the repository wakes the others. */
export const FIRST_KEYS = ["source", "notices", "drills"] as const satisfies readonly LoopKey[];
export type LoopKey = (typeof LOOP_KEYS)[number];

/** How often what has no better time of its own is asked whether something is due. */
export const TICK_MS = 250;
/** Between two listings of what lives when nothing else happened: finds what died without a word. */
export const LIST_MS = 2 * SECOND_MS;
/** After a reconciliation the fleet rests so many times as long as it took: where something happens all the time, a fifth of the time goes into listings. */
const FLEET_REST = 4;
const FLEET_REST_MS_MIN = 10;
const FLEET_REST_MS_MAX = TICK_MS;
/** So that many controllers do not ask the forge in step. */
const POLL_JITTER = 0.05;

/** The parts of a controller that the loop works with. */
export type LoopSteps = Pick<
  Controller,
  "poll" | "reconcile" | "publish" | "touch" | "flushMs" | "deliverNotices" | "makeDrills"
>;

export function createLoopHandlers(
  steps: LoopSteps,
  parts: {
    readonly clock: SteadyClock;
    readonly random: Pick<Random, "fraction">;
    /** Between two looks at the repository, when it is not poked. */
    readonly pollMs: number;
    readonly wake: (key: LoopKey) => void;
  },
): Handler<LoopKey> {
  const { clock, random, wake } = parts;
  /** Nothing is compared or published before the repository was looked at once. */
  let looked = false;
  let flushedAt = clock.monotonic();
  const againIn = (ms: number): Answer => ({ type: "again", at: clock.monotonic() + ms });

  const handlers: Readonly<Record<LoopKey, (signal: AbortSignal) => Promise<Answer>>> = {
    async source(signal) {
      try {
        await steps.poll(signal);
      } finally {
        if (!looked) {
          looked = true;
          wake("fleet");
          wake("publish");
        }
      }
      return againIn(parts.pollMs * (1 + POLL_JITTER * (2 * random.fraction() - 1)));
    },
    async fleet(signal) {
      if (!looked) return DONE;
      const again = againIn(LIST_MS);
      await steps.reconcile(signal);
      return again;
    },
    async publish(signal) {
      if (!looked) return DONE;
      if (clock.monotonic() - flushedAt >= steps.flushMs()) {
        steps.touch();
        flushedAt = clock.monotonic();
      }
      await steps.publish(signal);
      return againIn(TICK_MS);
    },
    async notices() {
      steps.deliverNotices();
      return againIn(TICK_MS);
    },
    async drills() {
      steps.makeDrills();
      return againIn(TICK_MS);
    },
  };
  return (key, { signal }) => handlers[key](signal);
}

/** How long a key rests after a turn that took so long. */
export function restMsOf(key: LoopKey, tookMs: number): number {
  if (key !== "fleet") return 0;
  return Math.min(Math.max(FLEET_REST_MS_MIN, tookMs * FLEET_REST), FLEET_REST_MS_MAX);
}
