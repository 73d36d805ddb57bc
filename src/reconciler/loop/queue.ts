/** Work by key: one worker for each, woken by what happens and by time. */
import { doubledMs } from "../../core/model/backoff.ts";
import { asFactoryError, FactoryError } from "../../core/model/error.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { createDueList } from "./due-list.ts";

/** What a handler makes of its key. Times are of the steady clock: a wall clock that is set moves no wait. */
export type Answer =
  /** Nothing more to do until the key is woken. */
  | { readonly type: "done" }
  /** Look again at that time, or sooner when the key is woken. */
  | { readonly type: "again"; readonly at: number }
  /** Did not succeed; the disposition of the error says what comes next. */
  | { readonly type: "failed"; readonly error: FactoryError }
  /** There is nothing left of this key: it is forgotten with its failures and its rest. What woke it meanwhile begins it anew. */
  | { readonly type: "over" };

export const DONE: Answer = { type: "done" };
export const OVER: Answer = { type: "over" };

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

/** After the first failure; doubled with every further one of the same key, jittered, forgotten on success. */
const RETRY_MS = 500;
const RETRY_MAX_MS = 30 * SECOND_MS;
/** Part of a wait that is left to dice, so that keys which failed together do not come back together. */
const JITTER = 0.2;
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
  let pumping = false;
  let alarm: { readonly at: number; readonly abort: AbortController } | null = null;
  /** A wait that ended was long enough, whatever the clock says a moment later. */
  let reached = Number.NEGATIVE_INFINITY;
  let idlers: (() => void)[] = [];

  const nowMs = (): number => Math.max(clock.monotonic(), reached);

  function wake(key: Key): void {
    if (closing.signal.aborted) return;
    const item = items.get(key) ?? created(key);
    if (item.running !== null) item.woken = true;
    else schedule(key, Math.max(nowMs(), item.restUntil));
  }

  function created(key: Key): Item {
    if (items.size >= keysMax)
      throw new FactoryError("queue/full", "crash", `${items.size} keys wait, and ${key} is one too many`);
    const item: Item = { running: null, woken: false, failures: 0, restUntil: Number.NEGATIVE_INFINITY };
    items.set(key, item);
    return item;
  }

  /** A key that waits already keeps the sooner of the two times. */
  function schedule(key: Key, at: number): void {
    due.put(key, at);
    pumpSoon();
  }

  /** Never within the caller's own step: what woke the key may not be finished. */
  function pumpSoon(): void {
    if (pumping) return;
    pumping = true;
    void Promise.resolve().then(() => {
      pumping = false;
      pump();
    });
  }

  function pump(): void {
    if (!closing.signal.aborted) {
      const now = nowMs();
      for (let key = due.take(now); key !== null; key = due.take(now)) {
        const item = items.get(key);
        if (item !== undefined) begin(key, item, now);
      }
      setAlarm();
    }
    tellIdlers();
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
    item.restUntil = nowMs() + (parts.restMs?.(key, clock.monotonic() - began) ?? 0);
    if (!closing.signal.aborted) settle(key, item, answer);
  }

  function settle(key: Key, item: Item, answer: Answer): void {
    if (answer.type === "failed") item.failures += 1;
    else item.failures = 0;
    if (answer.type === "over") {
      items.delete(key);
      if (item.woken) wake(key);
      return;
    }
    const at = item.woken ? item.restUntil : nextTurn(key, item, answer);
    if (at !== null) schedule(key, Math.max(at, item.restUntil));
    // A key that rests is remembered until its rest is over; every other one that has nothing to do is not.
    else if (item.restUntil <= nowMs() && item.failures === 0) items.delete(key);
  }

  /** Null: only when it is woken. */
  function nextTurn(key: Key, item: Item, answer: Exclude<Answer, { type: "over" }>): number | null {
    if (answer.type === "done") return null;
    if (answer.type === "again") return answer.at;
    const { error } = answer;
    if (error.disposition !== "wait") parts.onFailure?.(key, error);
    switch (error.disposition) {
      case "stall":
      case "crash":
        return null;
      case "yield":
        item.failures = 0;
        return nowMs() + jittered(RETRY_MS);
      case "wait":
      case "retry":
        return (
          nowMs() + jittered(doubledMs(RETRY_MS, item.failures - 1, parts.retryMaxMs?.(key) ?? RETRY_MAX_MS))
        );
    }
  }

  function jittered(ms: number): number {
    return ms * (1 - JITTER * (parts.random?.fraction() ?? 0));
  }

  /** One timer for whatever is due first. */
  function setAlarm(): void {
    const at = due.first();
    if (alarm !== null && alarm.at === at) return;
    alarm?.abort.abort();
    alarm = null;
    if (at === null) return;
    const set = { at, abort: new AbortController() };
    alarm = set;
    clock.sleep(Math.max(0, at - nowMs()), set.abort.signal).then(
      () => {
        reached = Math.max(reached, at);
        if (alarm === set) alarm = null;
        pumpSoon();
      },
      () => {},
    );
  }

  function tellIdlers(): void {
    if (turns.size > 0 || pumping || (due.first() !== null && !closing.signal.aborted)) return;
    for (const told of idlers) told();
    idlers = [];
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
      alarm?.abort.abort();
      await Promise.all(turns);
    },
  };
}
