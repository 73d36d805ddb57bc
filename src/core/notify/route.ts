/** Which notice goes where, and what of it when too much waits already. */
import { SEVERITIES, type Severity } from "../model/incident.ts";
import type { Destination, Notice, NoticeKind, OutboxRow } from "../model/notice.ts";

export interface OutboxChange {
  /** New rows, and rows as they are now. */
  readonly put: readonly OutboxRow[];
  /** Rows that were delivered, or whose newer one takes their place. */
  readonly removed: readonly string[];
}

export const NO_CHANGE: OutboxChange = { put: [], removed: [] };

/** Rows of one destination from which on alerts of one topic take each other's place, and `CallbackBacklog` is said. */
export const HIGH_WATER_ROWS = 500;
/** `CallbackBacklog` is taken back when no more than this wait. */
export const LOW_WATER_ROWS = 250;

/** Each of these matters by itself, however many wait. */
const NEVER_COALESCED: ReadonlySet<NoticeKind> = new Set([
  "incident",
  "approval",
  "decision",
  "kill",
  "closure",
]);

export function takes(destination: Destination, notice: Notice): boolean {
  return (
    destination.type !== "issue" &&
    destination.events.includes(notice.kind) &&
    rankOf(notice.severity) >= rankOf(destination.minSeverity)
  );
}

/** The rows that bring a notice to everybody who wants it. */
export function rowsFor(
  notice: Notice,
  destinations: readonly Destination[],
  waiting: Iterable<OutboxRow>,
): OutboxChange {
  const to = destinations.filter((destination) => takes(destination, notice));
  if (to.length === 0) return NO_CHANGE;
  const put = to.map((destination) => newRow(notice, destination.name));
  if (notice.topic === null || NEVER_COALESCED.has(notice.kind)) return { put, removed: [] };
  return { put, removed: overtaken(notice, new Set(to.map(({ name }) => name)), waiting) };
}

export function newRow(notice: Notice, destination: string): OutboxRow {
  return {
    id: `${notice.id}/${destination}`,
    destination,
    key: notice.missionId ?? notice.clone ?? "fleet",
    notice,
    createdAt: notice.at,
    attempts: 0,
    lastAttemptAt: null,
    nextAttemptAt: notice.at,
    waitAsked: false,
    lastProblem: null,
    dead: null,
  };
}

/** Older notices of the topic, at destinations where so much waits that nobody will miss them. */
function overtaken(notice: Notice, to: ReadonlySet<string>, waiting: Iterable<OutboxRow>): string[] {
  const counts = new Map<string, number>();
  const older: OutboxRow[] = [];
  for (const row of waiting) {
    if (row.dead !== null || !to.has(row.destination)) continue;
    counts.set(row.destination, (counts.get(row.destination) ?? 0) + 1);
    if (row.notice.topic === notice.topic && row.attempts === 0 && row.notice.kind === notice.kind)
      older.push(row);
  }
  return older.filter((row) => (counts.get(row.destination) ?? 0) >= HIGH_WATER_ROWS).map((row) => row.id);
}

function rankOf(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}
