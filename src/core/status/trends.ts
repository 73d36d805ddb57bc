import { percentile } from "../fleet/guardrails/measure.ts";
import type { CloneState, ClosedMission } from "../model/clone-state.ts";
import type { Outcome } from "../model/mission.ts";
import type { Instant } from "../model/time.ts";

/** Scorecards of one stretch of time, all together. Null: nothing that says anything. */
export interface Period {
  readonly from: Instant;
  readonly to: Instant;
  readonly missions: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Accepted, of those that were accepted, rejected or could not be judged. */
  readonly successPercent: number | null;
  readonly acceptedP50Ms: number | null;
  readonly acceptedP95Ms: number | null;
  readonly totalP50Ms: number | null;
  /** Of the time from declared to closed, how much was spent waiting for people. */
  readonly waitingPercent: number | null;
  readonly incidentsPerMission: number | null;
  readonly incidentsByClass: Readonly<Record<string, number>>;
  readonly timeToDetectMs: number | null;
  readonly timeToEndMs: number | null;
  readonly interventionsPerMission: number | null;
  readonly restartsPerMission: number | null;
  /** Of the missions whose cost is known. */
  readonly costUsd: number | null;
  readonly costKnown: number;
  /** Known cost of all, by accepted missions: failures are part of the price. */
  readonly costPerAcceptedUsd: number | null;
}

/** A stretch of time beside the one of the same length before it. */
export interface Trends {
  readonly now: Period;
  readonly before: Period;
  /** The newest first: what the numbers are made of; at most `ROWS_MAX`. */
  readonly missions: readonly TrendRow[];
}

export interface TrendRow {
  readonly mission: string;
  readonly run: number;
  readonly outcome: Outcome;
  readonly closedAt: Instant;
  readonly criteriaMet: number;
  readonly criteriaTotal: number;
  readonly totalMs: number | null;
  readonly incidents: number;
  readonly interventions: number;
  readonly costUsd: number | null;
}

const ROWS_MAX = 200;

/** Over the closed missions that are on record (the newest of each lane). */
export function trendsOf(states: Iterable<CloneState>, since: Instant, now: Instant): Trends {
  const span = Math.max(1, now - since);
  const all = [...states].flatMap(({ past }) => past);
  const within = (from: Instant, to: Instant): ClosedMission[] =>
    all.filter(({ closedAt }) => closedAt >= from && closedAt < to);
  // What was closed at this very moment counts.
  const current = within(since, now + 1);
  return {
    now: periodOf(current, since, now),
    before: periodOf(within(since - span, since), since - span, since),
    missions: [...current]
      .sort((a, b) => b.closedAt - a.closedAt || (a.missionId < b.missionId ? -1 : 1))
      .slice(0, ROWS_MAX)
      .map((closed) => ({
        mission: closed.name,
        run: closed.run,
        outcome: closed.outcome,
        closedAt: closed.closedAt,
        criteriaMet: closed.scorecard.quality.criteria_met,
        criteriaTotal: closed.scorecard.quality.criteria_total,
        totalMs: closed.scorecard.latency.total_ms,
        incidents: closed.scorecard.incidents.total,
        interventions: closed.scorecard.maintainability.interventions,
        costUsd: closed.scorecard.economics.cost_usd,
      })),
  };
}

function periodOf(closed: readonly ClosedMission[], from: Instant, to: Instant): Period {
  const cards = closed.map(({ scorecard }) => scorecard);
  const outcomes: Partial<Record<Outcome, number>> = {};
  for (const { outcome } of closed) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  const judged = closed.length - (outcomes.ignored ?? 0) - (outcomes.pending ?? 0);
  const accepted = outcomes.accepted ?? 0;
  const totals = known(cards.map(({ latency }) => latency.total_ms));
  const acceptedMs = known(cards.map(({ latency }) => latency.accepted_ms));
  const waiting = sum(cards.map(({ latency }) => latency.waiting_for_people_ms));
  const incidents = closed.flatMap((mission) => mission.incidents);
  const costs = known(cards.map(({ economics }) => economics.cost_usd));
  const each = (values: readonly number[]): number | null =>
    closed.length === 0 ? null : round(sum(values) / closed.length, 2);
  return {
    from,
    to,
    missions: closed.length,
    outcomes,
    successPercent: judged === 0 ? null : round((accepted / judged) * 100, 1),
    acceptedP50Ms: percentile(acceptedMs, 0.5),
    acceptedP95Ms: percentile(acceptedMs, 0.95),
    totalP50Ms: percentile(totals, 0.5),
    waitingPercent: sum(totals) === 0 ? null : round((waiting / sum(totals)) * 100, 1),
    incidentsPerMission: each(cards.map((card) => card.incidents.total)),
    incidentsByClass: countBy(incidents.map((incident) => incident.class)),
    timeToDetectMs: mean(incidents.map(({ at, startedAt }) => at - startedAt)),
    timeToEndMs: mean(incidents.map(({ at, endedAt }) => (endedAt ?? at) - at)),
    interventionsPerMission: each(cards.map(({ maintainability }) => maintainability.interventions)),
    restartsPerMission: each(cards.map(({ maintainability }) => maintainability.restarts)),
    costUsd: costs.length === 0 ? null : round(sum(costs), 6),
    costKnown: costs.length,
    costPerAcceptedUsd: costs.length === 0 || accepted === 0 ? null : round(sum(costs) / accepted, 6),
  };
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value): value is number => value !== null);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.round(sum(values) / values.length);
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
