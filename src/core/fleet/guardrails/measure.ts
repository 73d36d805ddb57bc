import type { CloneState, ClosedMission } from "../../model/clone-state.ts";
import { SEVERITIES } from "../../model/incident.ts";
import type { Instant } from "../../model/time.ts";

/** How the newest closed missions went, all lanes together. Null where too little is known to judge. */
export interface Measures {
  /** Closed missions that were looked at, at most the window. */
  readonly missions: number;
  /** Accepted, of those that were accepted, rejected or could not be judged. */
  readonly successPercent: number | null;
  /** Incidents of severity high or critical per ten missions. */
  readonly highIncidentsPerTen: number | null;
  /** 95th percentile from dispatch to `mission.accepted`. */
  readonly acceptedP95Ms: number | null;
  readonly interventionsPerMission: number | null;
}

/**
 * Part of the window that has to be filled before anything is judged: one
 * failure of a new fleet's first mission is not a trend.
 */
const FILLED_MIN = 0.5;

/** The newest `window` missions that were closed from `since` on, newest first. */
export function newestClosed(
  states: Iterable<CloneState>,
  window: number,
  since: Instant,
): readonly ClosedMission[] {
  const all: ClosedMission[] = [];
  for (const { past } of states) {
    for (const closed of past) if (closed.closedAt >= since) all.push(closed);
  }
  return all.sort((a, b) => b.closedAt - a.closedAt || (a.missionId < b.missionId ? -1 : 1)).slice(0, window);
}

/** `closed`: the missions of the window. Numbers of people and outcomes that nobody judged count for neither side. */
export function measure(closed: readonly ClosedMission[], window: number): Measures {
  if (closed.length < Math.max(1, Math.ceil(window * FILLED_MIN))) {
    return {
      missions: closed.length,
      successPercent: null,
      highIncidentsPerTen: null,
      acceptedP95Ms: null,
      interventionsPerMission: null,
    };
  }
  const judged = closed.filter(({ outcome }) => outcome !== "ignored" && outcome !== "pending");
  const accepted = judged.filter(({ outcome }) => outcome === "accepted").length;
  const high = closed.flatMap(({ incidents }) =>
    incidents.filter(({ severity }) => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf("high")),
  ).length;
  const latencies = closed
    .map(({ scorecard }) => scorecard.latency.accepted_ms)
    .filter((ms): ms is number => ms !== null);
  const interventions = closed.reduce(
    (sum, { scorecard }) => sum + scorecard.maintainability.interventions,
    0,
  );
  return {
    missions: closed.length,
    successPercent: judged.length === 0 ? null : Math.round((accepted / judged.length) * 1000) / 10,
    highIncidentsPerTen: Math.round((high / closed.length) * 100) / 10,
    acceptedP95Ms: percentile(latencies, 0.95),
    interventionsPerMission: Math.round((interventions / closed.length) * 100) / 100,
  };
}

/** Nearest rank: a value that was really measured. */
export function percentile(values: readonly number[], part: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? null;
}
