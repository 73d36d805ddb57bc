/** Who is told of things: where notices go, and what they answer. */
import type { Destination } from "../../src/core/model/notice.ts";
import { NOTICE_KINDS } from "../../src/core/model/notice.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/core/model/time.ts";
import { meaningOf, retryAfter } from "../../src/core/notify/schedule.ts";
import type { Delivery, Notifier } from "../../src/ports/notifier.ts";
import type { Dice } from "./dice.ts";
import type { World } from "./world.ts";

/** How a receiver is for a while. */
export interface Mood {
  /** What it answers; 0: nobody listens, or nobody answers. */
  readonly status: 0 | 500 | 429 | 400 | 410;
  /** What its `Retry-After` says, in seconds. */
  readonly afterSeconds: number | null;
}

/** Fleets that tell nobody are as good as others. */
const TELLS_CHANCE = 0.6;
/** As the adapters do. */
const TIMEOUT_MS = 15 * SECOND_MS;

const HOOK: Destination = {
  name: "hook",
  type: "webhook",
  url: "https://hook.example/hook",
  secret: null,
  events: NOTICE_KINDS,
  minSeverity: "low",
};

/** One more, which comes and goes with the commits of a storm. */
const GUEST: Destination = { ...HOOK, name: "guest", url: "https://guest.example/hook" };

export function pickDestinations(dice: Dice): readonly Destination[] {
  if (!dice.chance(TELLS_CHANCE)) return [];
  const picky = NOTICE_KINDS.filter((kind) => kind === "incident" || dice.chance(0.5));
  const minSeverity = dice.pick(["low", "medium", "high"] as const);
  const chat: Destination = {
    name: "chat",
    type: "slack",
    url: "https://chat.example/hook",
    secret: null,
    events: picky,
    minSeverity,
  };
  const log: Destination = { name: "log", type: "log", events: NOTICE_KINDS, minSeverity: "low" };
  const issue: Destination = { ...log, name: "issue", type: "issue" };
  return [HOOK, chat, log, issue].filter(({ name }) => name === HOOK.name || dice.chance(0.5));
}

export function toggled(destinations: readonly Destination[]): readonly Destination[] {
  if (destinations.length === 0) return destinations;
  const others = destinations.filter(({ name }) => name !== GUEST.name);
  return others.length < destinations.length ? others : [...others, GUEST];
}

/** One receiver falls into a mood, for seconds or for longer than any wait of ours. */
export function disturbReceiver(world: World, dice: Dice): void {
  const remote = world.repository.destinations.filter(({ type }) => type === "webhook" || type === "slack");
  if (remote.length === 0) return;
  const { name } = dice.pick(remote);
  const status = dice.pick([0, 0, 500, 500, 429, 429, 400, 410] as const);
  const asks = (status === 429 || status === 500) && dice.chance(0.7);
  const mood: Mood = { status, afterSeconds: asks ? dice.between(0, 2 * (HOUR_MS / SECOND_MS)) : null };
  const forMs = dice.chance(0.3)
    ? dice.between(10 * MINUTE_MS, 30 * MINUTE_MS)
    : dice.between(5_000, 5 * MINUTE_MS);
  world.story.tell(`receiver ${name}: ${status === 0 ? "is away" : `answers ${status}`} for ${forMs} ms`);
  world.receivers.set(name, mood);
  world.timeline.after(forMs, () => {
    if (world.receivers.get(name) === mood) world.receivers.delete(name);
  });
}

/** Tells the checker what the receiver really got. */
export function simulatedNotifier(world: World, destination: Destination): Notifier {
  const { name } = destination;
  const dice = world.dice.fork(`receiver ${name}`);
  const remote = destination.type === "webhook" || destination.type === "slack";
  return {
    async deliver(notice, signal) {
      const tell = (taken: boolean, gone = false): void =>
        world.tell({ type: "told", destination: name, notice, taken, gone });
      try {
        await world.delay(remote ? dice.between(5, 900) : 1, signal);
        const mood = remote ? world.receivers.get(name) : undefined;
        if (mood?.status === 0) return await nobody(world, dice, signal);
        if (mood !== undefined) {
          tell(false, mood.status === 410);
          return answered(mood, world.now());
        }
        if (remote && world.strikes(dice, "receiverTrouble")) {
          const lost = dice.chance(0.5);
          tell(lost);
          if (!lost) return answered({ status: 500, afterSeconds: null }, world.now());
          world.story.tell(`receiver ${name}: takes ${notice.id}, its answer is lost`);
          return await nobody(world, dice, signal);
        }
        tell(true);
        if (remote) await world.delay(dice.between(5, 300), signal);
        return { type: "delivered" };
      } catch {
        return { type: "retry", message: "given up" };
      }
    },
  };
}

async function nobody(world: World, dice: Dice, signal: AbortSignal): Promise<Delivery> {
  if (dice.chance(0.5)) return { type: "retry", message: "ECONNREFUSED" };
  await world.delay(TIMEOUT_MS, signal);
  return { type: "retry", message: `no answer within ${TIMEOUT_MS / SECOND_MS} s` };
}

function answered({ status, afterSeconds }: Mood, now: number): Delivery {
  const message = `answered ${status}`;
  const meaning = meaningOf(status);
  if (meaning === "done") return { type: "delivered" };
  if (meaning !== "retry") return { type: meaning, message };
  const afterMs = retryAfter(afterSeconds === null ? undefined : String(afterSeconds), now);
  return { type: "retry", message, ...(afterMs === null ? {} : { afterMs }) };
}
