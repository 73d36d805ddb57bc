/**
 * The one budget of a credential: who may ask when, so that what is urgent never waits for what is not, and the forge has
 * no cause to turn us away.
 *
 * Limits as GitHub publishes them: 5,000 requests an hour (more for some), 100 at once, 900 points a minute (one for a
 * reading, five for what makes content), 80 a minute and 500 an hour that make content, a second between two of those. Ours lie below, each urgency further below than the one before it.
 */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../core/model/time.ts";
import type { SteadyClock } from "../../../ports/clock.ts";
import { type ForgeBudget, ForgeLimited, URGENCIES, type Urgency } from "../../../ports/forge.ts";
import type { LimitAnswer } from "./errors.ts";

export interface Asked {
  readonly urgency: Urgency;
  /** Makes or changes something. */
  readonly writes: boolean;
}

export interface RequestBudget {
  /** Waits for its turn; the answer gives the turn back. Rejects `ForgeLimited` at once when it would wait for longer than `WAIT_MS_MAX`. */
  take(asked: Asked, signal: AbortSignal): Promise<() => void>;
  /** What an answer says about what is left. */
  note(headers: Readonly<Record<string, string | number | undefined>>): void;
  /** The forge turned us away: nobody asks before that is over. */
  limited(answer: LimitAnswer): void;
  state(): ForgeBudget;
}

/** At the same time. */
const RUNNING_MAX = 4;
/** Whoever would wait for longer is told when to come back, instead of holding up what else it could do. */
const WAIT_MS_MAX = 20 * SECOND_MS;
const WRITE_GAP_MS = SECOND_MS;
const WRITES_PER_MINUTE: Readonly<Record<Urgency, number>> = { stop: 75, ask: 70, check: 55, comment: 45 };
const WRITES_PER_HOUR: Readonly<Record<Urgency, number>> = { stop: 480, ask: 460, check: 400, comment: 350 };
/** An answer that nothing has changed costs no request of the hour, but its point. */
const POINTS_PER_MINUTE: Readonly<Record<Urgency, number>> = {
  stop: 850,
  ask: 800,
  check: 700,
  comment: 600,
};
const READ_POINTS = 1;
const WRITE_POINTS = 5;
/** Part of the hour's requests that is left to those that are more urgent. */
const RESERVED: Readonly<Record<Urgency, number>> = { stop: 0, ask: 0.02, check: 0.1, comment: 0.2 };
/** Where a secondary limit does not say how long: doubled each time in a row. */
const SECONDARY_MS = MINUTE_MS;
const SECONDARY_MS_MAX = 15 * MINUTE_MS;

interface Waiter extends Asked {
  readonly order: number;
}

export function createRequestBudget(clock: SteadyClock): RequestBudget {
  const waiting = new Set<Waiter>();
  /** When the writes of the last hour began, oldest first. */
  let writes: number[] = [];
  /** Of the last minute, oldest first. */
  let spent: { readonly at: number; readonly points: number }[] = [];
  let order = 0;
  let running = 0;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let turnedAway = 0;
  let left: { readonly remaining: number; readonly limit: number; readonly resetAt: number } | null = null;
  let changed = new AbortController();

  function tell(): void {
    changed.abort();
    changed = new AbortController();
  }

  /** Not before this, by the steady clock. */
  function earliest({ urgency, writes: isWrite }: Asked, now: number): number {
    let at = Math.max(now, pausedUntil);
    if (left !== null && left.resetAt > now && left.remaining <= left.limit * RESERVED[urgency])
      at = Math.max(at, left.resetAt);
    at = Math.max(at, roomForPoints(POINTS_PER_MINUTE[urgency] - pointsOf(isWrite), now));
    if (!isWrite) return at;
    writes = writes.filter((begun) => begun > now - HOUR_MS);
    const nth = (count: number): number => writes.at(-count) ?? Number.NEGATIVE_INFINITY;
    return Math.max(
      at,
      nth(1) + WRITE_GAP_MS,
      nth(WRITES_PER_MINUTE[urgency]) + MINUTE_MS,
      nth(WRITES_PER_HOUR[urgency]) + HOUR_MS,
    );
  }

  /** When no more points than these are left of the last minute. */
  function roomForPoints(most: number, now: number): number {
    spent = spent.filter(({ at }) => at > now - MINUTE_MS);
    let sum = spent.reduce((all, { points }) => all + points, 0);
    let at = now;
    for (const oldest of spent) {
      if (sum <= most) break;
      sum -= oldest.points;
      at = oldest.at + MINUTE_MS;
    }
    return at;
  }

  /** Somebody else could go now, and goes first. */
  function isOvertaken(me: Waiter, now: number): boolean {
    for (const other of waiting) if (goesBefore(other, me) && earliest(other, now) <= now) return true;
    return false;
  }

  function limitedUntil(at: number): ForgeLimited {
    const until = clock.now() + (at - clock.monotonic());
    const seconds = Math.ceil((at - clock.monotonic()) / SECOND_MS);
    return new ForgeLimited(
      `the forge's limits leave no room for this; it is tried again in ${seconds} s`,
      until,
    );
  }

  return {
    async take(asked, signal) {
      order += 1;
      const me: Waiter = { ...asked, order };
      waiting.add(me);
      try {
        for (;;) {
          signal.throwIfAborted();
          const now = clock.monotonic();
          const at = earliest(me, now);
          if (at - now > WAIT_MS_MAX) throw limitedUntil(at);
          if (at <= now && running < RUNNING_MAX && !isOvertaken(me, now)) break;
          await clock
            .sleep(Math.max(1, at > now ? at - now : WAIT_MS_MAX), AbortSignal.any([signal, changed.signal]))
            .catch(() => {});
        }
      } finally {
        waiting.delete(me);
        tell();
      }
      running += 1;
      if (me.writes) writes.push(clock.monotonic());
      spent.push({ at: clock.monotonic(), points: pointsOf(me.writes) });
      let given = false;
      return () => {
        if (given) return;
        given = true;
        running -= 1;
        tell();
      };
    },

    note(headers) {
      const resource = headers["x-ratelimit-resource"];
      const remaining = numberIn(headers["x-ratelimit-remaining"]);
      const limit = numberIn(headers["x-ratelimit-limit"]);
      const reset = numberIn(headers["x-ratelimit-reset"]);
      turnedAway = 0;
      if (remaining === null || limit === null || reset === null) return;
      if (resource !== undefined && resource !== "core") return;
      const resetAt = clock.monotonic() + (reset * SECOND_MS - serverNow(headers["date"], clock));
      left = { remaining, limit, resetAt };
      tell();
    },

    limited({ retryAfterMs }) {
      const waitMs = retryAfterMs ?? Math.min(SECONDARY_MS * 2 ** turnedAway, SECONDARY_MS_MAX);
      turnedAway += 1;
      pausedUntil = Math.max(pausedUntil, clock.monotonic() + waitMs);
      tell();
    },

    state() {
      const mono = clock.monotonic();
      return {
        remaining: left?.remaining ?? null,
        limit: left?.limit ?? null,
        pausedUntil: pausedUntil > mono ? clock.now() + (pausedUntil - mono) : null,
      };
    },
  };
}

function pointsOf(isWrite: boolean): number {
  return isWrite ? WRITE_POINTS : READ_POINTS;
}

function goesBefore(other: Waiter, me: Waiter): boolean {
  const [theirs, mine] = [URGENCIES.indexOf(other.urgency), URGENCIES.indexOf(me.urgency)];
  return theirs < mine || (theirs === mine && other.order < me.order);
}

/** The reset is an instant of the forge's clock, which need not be ours. */
function serverNow(date: string | number | undefined, clock: SteadyClock): number {
  const told = typeof date === "string" ? Date.parse(date) : Number.NaN;
  return Number.isNaN(told) ? clock.now() : told;
}

function numberIn(value: string | number | undefined): number | null {
  const number = value === undefined || value === "" ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : null;
}
