/** Work by key: one worker for each, woken by what happens and by time. */
import { asFactoryError, FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { createAlarm } from "./alarm.ts";
import { type Answer, nextTurn } from "./answer.ts";
import { createDueList } from "./due-list.ts";

/** One turn of a key. */
export interface Turn {
  /** Aborts when the queue closes or the turn is interrupted. */
  readonly signal: AbortSignal;
  /** The steady time at which the turn was due or began, whichever is later. */
  readonly now: number;
}

/** A rejection is a failure of the disposition that its error has. */
export type Handler<Key extends string> = (key: Key, turn: Turn) => Promise<Answer>;

export interface WorkQueue<Key extends string> {
  /**
   * Wakes a key. One that waits is not put in twice, and goes on at once although it waited for a time or after a
   * failure; one that is being worked on is worked on once more afterwards.
   * Throws `queue/full` when `KEYS_MAX` others are in it.
   */
  wake(key: Key): void;
  /** Aborts the turn that is under way for a key, if there is one. */
  interrupt(key: Key, reason: Error): void;
  /** Resolves when no key is worked on and none waits, neither for its turn nor for a time. */
  idle(): Promise<void>;
  /** Begins nothing more, aborts what is under way and waits for its end. */
  close(): Promise<void>;
}

export interface WorkQueueParts<Key extends string> {
  readonly clock: SteadyClock;
  /** Dice for the jitter of waits after failures. Default: none. */
  readonly random?: Pick<Random, "fraction">;
  readonly handle: Handler<Key>;
  /** How long a key rests after a turn that took so long, although it is woken. Default: not at all. */
  readonly restMs?: (key: Key, tookMs: number) => number;
  /** Ceiling of the wait after failures of a key. Default `RETRY_MAX_MS`. */
  readonly retryMaxMs?: (key: Key) => number;
  /** Keys that may be in the queue. Default `KEYS_MAX`. */
  readonly keysMax?: number;
  /** Told of every failure except those that only wait for something. */
  readonly onFailure?: (key: Key, error: FactoryError) => void;
}

/** Ceiling of the wait after failures, where a key has none of its own. */
const RETRY_MAX_MS = 30 * SECOND_MS;
/** Ten times the clones that one record is made for. Keys are not dropped: what would be lost with them is not known here. */
const KEYS_MAX = 100_000;

interface Item {
  /** The turn that is under way. */
  running: AbortController | null;
  /** Woken while it was worked on. */
  woken: boolean;
  /** In a row. */
  failures: number;
  /** Not worked on again before. */
  restUntil: number;
}

/**
 * Every key has one worker at a time. Keys whose time has come go in the order in which it came, and none
 * waits for another: a handler that hangs holds up its own key alone.
 *
 * A failure is answered by its disposition: `retry` comes back after a wait; `wait`, too, and is no failure to be told
 * of; `yield` looks again soon and forgets earlier failures; `stall` and `crash` wait until the key is woken.
 */
export function createWorkQueue<Key extends string>(parts: WorkQueueParts<Key>): WorkQueue<Key> {
  const { clock, keysMax = KEYS_MAX } = parts;
  const items = new Map<Key, Item>();
  const due = createDueList<Key>();
  const turns = new Set<Promise<void>>();
  const closing = new AbortController();
  const alarm = createAlarm(clock, pumpSoon);
  let pumping = false;
  let idlers: (() => void)[] = [];

  function wake(key: Key): void {
    if (closing.signal.aborted) return;
    const item = items.get(key) ?? addTo(items, key, keysMax);
    if (item.running !== null) item.woken = true;
    else schedule(key, Math.max(alarm.now(), item.restUntil));
  }

  function schedule(key: Key, at: number): void {
    due.put(key, at);
    pumpSoon();
  }

  /** Never within the caller's own step: what woke the key may not be finished. */
  function pumpSoon(): void {
    if (pumping) return;
    pumping = true;
    void Promise.resolve().then(pump);
  }

  function pump(): void {
    pumping = false;
    const open = !closing.signal.aborted;
    const now = alarm.now();
    for (let key = open ? due.take(now) : null; key !== null; key = due.take(now)) {
      const item = items.get(key);
      if (item !== undefined) begin(key, item, now);
    }
    const next = open ? due.first() : null;
    alarm.set(next);
    if (turns.size > 0 || next !== null) return;
    for (const told of idlers) told();
    idlers = [];
  }

  function begin(key: Key, item: Item, now: number): void {
    item.running = new AbortController();
    item.woken = false;
    const signal = AbortSignal.any([item.running.signal, closing.signal]);
    const turn = work(key, item, { signal, now }).finally(() => {
      turns.delete(turn);
      pumpSoon();
    });
    turns.add(turn);
  }

  async function work(key: Key, item: Item, turn: Turn): Promise<void> {
    const began = clock.monotonic();
    let answer: Answer;
    try {
      answer = await parts.handle(key, turn);
    } catch (error) {
      answer = { type: "failed", error: asFactoryError(error) };
    }
    item.running = null;
    item.restUntil = alarm.now() + (parts.restMs?.(key, clock.monotonic() - began) ?? 0);
    if (!closing.signal.aborted) settle(key, item, answer);
  }

  function settle(key: Key, item: Item, answer: Answer): void {
    if (answer.type === "failed" && answer.error.disposition !== "wait") parts.onFailure?.(key, answer.error);
    const { at, failures } = nextTurn(answer, {
      now: alarm.now(),
      failures: item.failures,
      retryMaxMs: parts.retryMaxMs?.(key) ?? RETRY_MAX_MS,
      dice: () => parts.random?.fraction() ?? 0,
    });
    item.failures = failures;
    const forgotten =
      answer.type === "over" || (at === null && failures === 0 && item.restUntil <= alarm.now());
    if (forgotten) items.delete(key);
    if (item.woken) wake(key);
    else if (at !== null) schedule(key, Math.max(at, item.restUntil));
  }

  return {
    wake,
    interrupt: (key, reason) => items.get(key)?.running?.abort(reason),
    idle() {
      return new Promise((resolve) => {
        idlers.push(resolve);
        pumpSoon();
      });
    },
    async close() {
      closing.abort(new Error("the queue is closing"));
      alarm.set(null);
      await Promise.all(turns);
    },
  };
}

function addTo<Key extends string>(items: Map<Key, Item>, key: Key, keysMax: number): Item {
  if (items.size >= keysMax)
    throw new FactoryError("queue/full", "crash", `${items.size} keys wait, and ${key} is one too many`);
  const item: Item = { running: null, woken: false, failures: 0, restUntil: Number.NEGATIVE_INFINITY };
  items.set(key, item);
  return item;
}
