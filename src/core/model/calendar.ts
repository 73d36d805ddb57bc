/** What a calendar says: when a cron expression comes round, and which day it is, each in a time zone. */
import { Cron } from "croner";
import { DAY_MS, type Instant } from "./time.ts";

/** A cron expression of five fields, read in the time of an IANA zone. */
export interface Recurrence {
  readonly cron: string;
  readonly timezone: string;
}

export interface Day {
  /** `2026-11-23` */
  readonly date: string;
  /** The midnight after it: it lasts for 23, 24 or 25 hours. */
  readonly endsAt: Instant;
}

/** Two rounds with nothing between them. */
export interface Rounds {
  /** The newest one that is not after the moment that was asked about; null: there was none. */
  readonly last: Instant | null;
  /** The first one after it; null: it never comes round again. */
  readonly next: Instant | null;
}

/**
 * Reading an expression and walking a calendar cost a hundred times what the rest of a tick does. An answer
 * depends on the question alone, so a calendar that is kept and asked again only answers sooner: it belongs to
 * whoever asks at every tick, and a question that is asked once makes one of its own.
 */
export interface Calendar {
  /** Throws for what is no expression, or no zone. */
  roundsAt(recurrence: Recurrence, now: Instant): Rounds;
  dayAt(timezone: string, now: Instant): Day;
}

export function createCalendar(): Calendar {
  const expressions = new Map<string, Expression>();
  const days = new Map<string, Day & { readonly from: Instant }>();

  function roundsAt({ cron, timezone }: Recurrence, now: Instant): Rounds {
    const key = `${timezone} ${cron}`;
    let known = expressions.get(key);
    if (known === undefined) {
      known = { cron: new Cron(cron, { timezone, paused: true }), rounds: [] };
      forgetOldest(expressions, EXPRESSIONS_MAX);
      expressions.set(key, known);
    }
    return roundsOf(known, now);
  }

  function dayAt(timezone: string, now: Instant): Day {
    const known = days.get(timezone);
    if (known !== undefined && known.from <= now && now < known.endsAt) return known;
    const date = new Intl.DateTimeFormat("en-CA", {
      timeZone: timezone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    }).format(now);
    const endsAt = roundsAt({ cron: MIDNIGHT, timezone }, now).next ?? now + DAY_MS;
    forgetOldest(days, ZONES_MAX);
    const day = { date, from: now, endsAt };
    days.set(timezone, day);
    return day;
  }

  return { roundsAt, dayAt };
}

/** Read once, with what was answered last. */
interface Expression {
  readonly cron: Cron;
  readonly rounds: Rounds[];
}

const MIDNIGHT = "0 0 * * *";
/** More expressions than a fleet has windows and drills; beyond, the oldest is read again. */
const EXPRESSIONS_MAX = 1_024;
/** Of one expression: a window asks about now, drills about the last one of each target. */
const ROUNDS_MAX = 16;
/** Zones in use at once; a fleet has few. */
const ZONES_MAX = 64;

function roundsOf({ cron, rounds }: Expression, now: Instant): Rounds {
  for (const known of rounds) {
    if ((known.last === null || known.last <= now) && (known.next === null || now < known.next)) return known;
  }
  const found: Rounds = {
    // A round at this very moment is the last one and not the next one.
    last: cron.previousRuns(1, new Date(now + 1))[0]?.getTime() ?? null,
    next: cron.nextRun(new Date(now))?.getTime() ?? null,
  };
  if (rounds.unshift(found) > ROUNDS_MAX) rounds.pop();
  return found;
}

function forgetOldest(known: Map<string, unknown>, most: number): void {
  for (const oldest of known.keys()) {
    if (known.size < most) return;
    known.delete(oldest);
  }
}
