/**
 * Rate limits of the agents' providers (429): a phase, never a crash, and a matter of the whole account.
 *
 * Who says that it is limited is held until its provider's time is over, frozen in place. Every other clone of
 * the same account that is not at work is held from starting meanwhile. Then they are let go one after the
 * other, `RAMP_MS` apart, so that they do not run into the same limit together.
 *
 * The account is the one that the clone's file declares. What an agent calls it in its line is text: it must
 * not be able to stop the clones of others.
 */

import { SUPERVISOR } from "../../model/actor.ts";
import { doubledMs } from "../../model/backoff.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Hold } from "../../model/hold.ts";
import { fractionOf } from "../../model/jitter.ts";
import type { Report } from "../../model/report.ts";
import type { Throttle } from "../../model/throttle.ts";
import { HOUR_MS, type Instant, iso, MINUTE_MS, SECOND_MS } from "../../model/time.ts";
import { TEXT_MAX } from "../limits.ts";
import { type Step, stay, withHold } from "../step.ts";
import { DEFAULT_RESTART } from "./restart.ts";

/** After the account is free again: one clone, then one more each time this has passed. */
export const RAMP_MS = 250;
/** No provider's quota lasts longer; an agent that says so is wrong. */
const WAIT_MAX_MS = 24 * HOUR_MS;
/** The least wait, doubled with every limit in a row, so that `retry_after_ms: 0` is no loop that costs money. */
const WAIT_MIN_MS = 1 * SECOND_MS;
const WAIT_FLOOR_MAX_MS = 5 * MINUTE_MS;
/** Jitter is only ever added: a part of the wait, and at most this. */
const JITTER_PART = 0.2;
const JITTER_MAX_MS = 30 * SECOND_MS;
/** Exits under a limit, in a row, that are not counted as failures. Beyond them something else is wrong as well. */
export const THROTTLED_IN_A_ROW_MAX = 20;

/** The account of a clone; one that declares none shares its limit with nobody. */
export function accountOf(state: CloneState): string {
  return state.spec?.agent.account ?? `clone ${state.name}`;
}

/** The agent says that it is limited: it is held, and its own wait begins. */
export function onThrottled(state: CloneState, report: Report, at: Instant): Step {
  const { mission, instance } = state;
  if (mission === null || mission.terminal !== null || instance === null) return stay(state);
  const before = state.throttle;
  const stableMs = (state.spec?.restart ?? DEFAULT_RESTART).stableAfterMs;
  const times = before !== null && at - before.until < stableMs ? before.times + 1 : 1;
  const asked = report.detail["retry_after_ms"];
  const floorMs = doubledMs(WAIT_MIN_MS, times - 1, WAIT_FLOOR_MAX_MS);
  const plainMs = Math.min(Math.max(typeof asked === "number" ? asked : 0, floorMs), WAIT_MAX_MS);
  const jitterMs = Math.min(plainMs * JITTER_PART, JITTER_MAX_MS);
  const waitMs = Math.round(plainMs + jitterMs * fractionOf(`${state.name}/${instance.epoch}/${report.seq}`));
  const throttle: Throttle = { since: at, until: at + waitMs, waitMs, times };
  const said = report.detail["account"];
  const name = typeof said === "string" && said !== "" ? ` (the agent calls it ${said})` : "";
  const message = `${accountOf(state)}${name} is rate limited; the agent waits until ${iso(throttle.until)}`;
  return stay(withHold({ ...state, throttle }, holdOf(message.slice(0, TEXT_MAX), at, throttle.until)));
}

/** Whether an exit at this moment belongs to a limit and is no failure. */
export function isExcused(state: CloneState, report: Report, at: Instant): boolean {
  const { throttle } = state;
  if (throttle === null || throttle.times > THROTTLED_IN_A_ROW_MAX) return false;
  return report.detail["throttled"] === true || isWaiting(throttle, at);
}

/** Admitted again, by us or by a person. */
export function admitted(state: CloneState, at: Instant): CloneState {
  return { ...state, admittedAt: at };
}

/**
 * What rate limits mean for the fleet now: who is held with its account, and who may go on. At most one of
 * an account is let go per call, the one that has waited longest first, so a late call lets nobody pile up.
 */
export function dueThrottles(
  states: ReadonlyMap<string, CloneState>,
  now: Instant,
): ReadonlyMap<string, CloneEvent> {
  const accounts = accountsOf(states, now);
  const events = new Map<string, CloneEvent>();
  for (const [name, { until, justAdmitted, members, held }] of accounts) {
    if (until !== null && now < until) {
      for (const state of members)
        if (isKeptFromStarting(state)) events.set(state.name, heldBy(name, until, now));
      continue;
    }
    const first = held.sort((a, b) => waitedSince(a) - waitedSince(b) || (a.name < b.name ? -1 : 1))[0];
    if (first !== undefined && !justAdmitted) events.set(first.name, RELEASED);
  }
  return events;
}

/** Until when the account of a clone is limited; null when it is free. What is only being planned has to ask as well. */
export function limitsNow(
  states: ReadonlyMap<string, CloneState>,
  now: Instant,
): (state: CloneState) => Instant | null {
  const accounts = accountsOf(states, now);
  return (state) => {
    const until = accounts.get(accountOf(state))?.until ?? null;
    return until !== null && now < until ? until : null;
  };
}

interface Account {
  /** When its last limit ends; null when it has none. */
  until: Instant | null;
  /** Somebody was let go less than `RAMP_MS` ago. */
  justAdmitted: boolean;
  readonly members: CloneState[];
  readonly held: CloneState[];
}

function accountsOf(states: ReadonlyMap<string, CloneState>, now: Instant): ReadonlyMap<string, Account> {
  const accounts = new Map<string, Account>();
  for (const state of states.values()) {
    const isHeld = state.holds.some((hold) => hold.kind === "throttle");
    if (state.throttle === null && !isHeld && state.spec?.agent.account === undefined) continue;
    const name = accountOf(state);
    const account = accounts.get(name) ?? { until: null, justAdmitted: false, members: [], held: [] };
    accounts.set(name, account);
    account.members.push(state);
    if (isHeld) account.held.push(state);
    // Each by itself: after the clock was put back the latest of them is not the last one.
    if (state.admittedAt !== null && Math.abs(now - state.admittedAt) < RAMP_MS) account.justAdmitted = true;
    if (state.throttle !== null && isWaiting(state.throttle, now))
      account.until = latest(account.until, state.throttle.until);
  }
  return accounts;
}

/** Over, or further away than it ever was: the clock was put back. */
function isWaiting({ until, waitMs }: Throttle, now: Instant): boolean {
  return until > now && until - now <= waitMs;
}

/** It has something to do and no body yet. */
function isKeptFromStarting({ mission, instance, holds, withdrawn }: CloneState): boolean {
  const wants = mission !== null && mission.terminal === null && !withdrawn;
  return wants && instance === null && !holds.some((hold) => hold.kind === "throttle");
}

function heldBy(account: string, until: Instant, now: Instant): CloneEvent {
  const message = `${account} is rate limited; nothing of it is started until ${iso(until)}`;
  return { type: "hold.placed", by: SUPERVISOR, hold: holdOf(message, now, until) };
}

const RELEASED: CloneEvent = {
  type: "hold.released",
  kind: "throttle",
  owner: "*",
  by: SUPERVISOR,
  reason: "the rate limit is over, and it is its turn",
};

function holdOf(message: string, since: Instant, until: Instant): Hold {
  const named = {
    kind: "throttle",
    owner: "supervisor",
    reason: "RateLimited",
    clearBy: "supervisor",
  } as const;
  return { ...named, since, message, until };
}

function waitedSince(state: CloneState): Instant {
  return state.holds.find((hold) => hold.kind === "throttle")?.since ?? 0;
}

function latest(a: Instant | null, b: Instant | null): Instant | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
