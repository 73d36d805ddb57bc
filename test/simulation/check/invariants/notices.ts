/** What people are to be told reaches them: nothing is dropped, nothing is two things, nothing overtakes. */

import { actorText } from "../../../../src/core/model/actor.ts";
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../../src/core/model/event.ts";
import { type Incident, SEVERITIES, type Severity } from "../../../../src/core/model/incident.ts";
import type { Destination, NoticeKind, OutboxRow } from "../../../../src/core/model/notice.ts";
import { sameValue } from "../../../../src/core/model/same.ts";
import { type Fact, FINE, type Finding, found, type Invariant } from "../fact.ts";

/** Something that people must hear of, worked out apart from how notices are. */
interface Due {
  readonly clone: string;
  readonly seq: number;
  readonly kinds: readonly NoticeKind[];
  /** At least; a less serious one may be left out by a destination. */
  readonly severity: Severity;
  /** A part of the notice's subject or text. */
  readonly says: string;
}

/**
 * Whatever must be told is written, in the transaction that records it, for every destination that wants it; and what
 * is written leaves the record only when the receiver has it. An alert about a way may be overtaken by a newer one.
 */
const noticesKept: Invariant = {
  name: "notices-kept",
  ofOneRecord: true,
  promise:
    "every incident, question, kill and closure is delivered, waits or is a dead letter, for everybody who wants it",
  facts: ["committed", "recorded", "repository", "told"],
  watch() {
    const known = new Map<string, OutboxRow>();
    const taken = new Set<string>();
    let steady: ReadonlyMap<string, Destination> | null = null;
    let due: Due[] = [];

    function lost(row: OutboxRow): boolean {
      return row.notice.kind !== "alert" && !taken.has(row.id);
    }

    function committed({
      put,
      removed,
    }: {
      put: readonly OutboxRow[];
      removed: readonly string[];
    }): Finding[] {
      const findings: Finding[] = [];
      for (const one of due)
        for (const destination of steady?.values() ?? [])
          if (
            wants(destination, one) &&
            !put.some((row) => row.destination === destination.name && tells(row, one))
          )
            findings.push(...found(one.clone, one.seq, `${destination.name} is not told: ${one.says}`));
      for (const id of removed) {
        const row = known.get(id);
        known.delete(id);
        if (row !== undefined && lost(row))
          findings.push(
            ...found(row.notice.clone, null, `${id} is dropped and ${row.destination} never took it`),
          );
      }
      for (const row of put) known.set(row.id, row);
      return findings;
    }

    return {
      on(fact) {
        if (fact.type === "repository" && fact.ok) steady = stillThere(steady, fact.wanted.destinations);
        if (fact.type === "told" && fact.taken) taken.add(rowId(fact));
        if (fact.type === "recorded" && steady !== null && !fact.ignored)
          due.push(...dueFrom(fact.before, fact.after, fact.event));
        if (fact.type !== "committed") return FINE;
        const findings = fact.outbox === undefined ? FINE : committed(fact.outbox);
        due = [];
        return findings;
      },
      at({ outbox }) {
        if (outbox === null) return FINE;
        const stored = new Set(outbox.map(({ id }) => id));
        const gone = [...known.values()].filter((row) => !stored.has(row.id) && lost(row));
        return gone.flatMap((row) =>
          found(row.notice.clone, null, `${row.id} is neither delivered nor in the record`),
        );
      },
    };
  },
};

/** A receiver tells a repeat by the id: it must never mean two things. */
const oneBody: Invariant = {
  name: "one-body-per-id",
  promise: "a notice is the same on every attempt and at every destination",
  facts: ["committed", "told"],
  watch() {
    const bodies = new Map<string, OutboxRow["notice"]>();
    function same(notice: OutboxRow["notice"]): readonly Finding[] {
      const first = bodies.get(notice.id);
      if (first === undefined) bodies.set(notice.id, notice);
      return first === undefined || sameValue(first, notice)
        ? FINE
        : found(
            notice.clone,
            null,
            `${notice.id} says "${notice.subject}: ${notice.what}" and said "${first.subject}: ${first.what}"`,
          );
    }
    return {
      on(fact) {
        if (fact.type === "told") return same(fact.notice);
        if (fact.type !== "committed" || fact.outbox === undefined) return FINE;
        return fact.outbox.put.flatMap(({ notice }) => same(notice));
      },
    };
  },
};

/** What happened first is heard first. Dead letters are passed by, and one that is sent again comes when it comes. */
const inOrder: Invariant = {
  name: "notices-in-order",
  ofOneRecord: true,
  promise: "a destination hears of one mission in the order in which it happened",
  facts: ["committed", "told"],
  watch() {
    const lanes = new Map<string, Map<string, { dead: boolean; free: boolean }>>();
    return {
      on(fact) {
        if (fact.type === "committed") {
          for (const row of fact.outbox?.put ?? []) {
            const lane = entry(lanes, laneOf(row));
            const before = lane.get(row.id);
            const free = before?.free === true || (before?.dead === true && row.dead === null);
            lane.set(row.id, { dead: row.dead !== null, free });
          }
          for (const id of fact.outbox?.removed ?? []) for (const lane of lanes.values()) lane.delete(id);
          return FINE;
        }
        if (fact.type !== "told" || !fact.taken) return FINE;
        const { notice, destination } = fact;
        const id = rowId(fact);
        const lane = lanes.get(laneOf({ destination, key: notice.missionId ?? notice.clone ?? "fleet" }));
        const own = lane?.get(id);
        // A request of a controller that died may come after the answer that ended it.
        if (lane === undefined || own === undefined || own.free) return FINE;
        own.free = true;
        for (const [other, { dead, free }] of lane) {
          if (other === id) return FINE;
          if (!dead && !free) return found(notice.clone, null, `${destination} gets ${id} before ${other}`);
        }
        return FINE;
      },
    };
  },
};

/** When everything was calm for long and people have sent dead letters again, nothing waits. */
const allArrive: Invariant = {
  name: "notices-arrive",
  promise: "in calm everything that can be delivered is delivered",
  facts: [],
  watch() {
    return {
      at({ unfinished, outbox }) {
        if (unfinished === null) return FINE;
        return (outbox ?? []).flatMap((row) =>
          row.dead === null
            ? found(
                row.notice.clone,
                null,
                `${row.id} still waits after ${row.attempts} attempts: ${row.lastProblem}`,
              )
            : FINE,
        );
      },
    };
  },
};

function rowId({ notice, destination }: Extract<Fact, { type: "told" }>): string {
  return `${notice.id}/${destination}`;
}

function laneOf({ destination, key }: Pick<OutboxRow, "destination" | "key">): string {
  return `${destination}\n${key}`;
}

function entry<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const known = map.get(key) ?? new Map<string, V>();
  map.set(key, known);
  return known;
}

/** Those that every revision since the beginning has named alike: whichever of them is in force, they are told. */
function stillThere(
  before: ReadonlyMap<string, Destination> | null,
  now: readonly Destination[] | null,
): ReadonlyMap<string, Destination> | null {
  if (now === null) return before;
  return new Map(
    now
      .filter((one) => one.type !== "issue" && (before === null || sameValue(before.get(one.name), one)))
      .map((one) => [one.name, one]),
  );
}

function wants({ events, minSeverity }: Destination, { kinds, severity }: Due): boolean {
  return (
    kinds.every((kind) => events.includes(kind)) &&
    SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(minSeverity)
  );
}

function tells({ notice }: OutboxRow, { clone, kinds, says }: Due): boolean {
  return (
    notice.clone === clone &&
    kinds.includes(notice.kind) &&
    (notice.what.includes(says) || notice.subject.includes(says))
  );
}

/** Of a text, what survives that every line of a notice is bounded. */
const TEXT_CHARS_SURE = 400;

function dueFrom(
  before: CloneState,
  after: CloneState,
  { clone, seq, event }: { clone: string; seq: number; event: CloneEvent },
): readonly Due[] {
  const due: Due[] = [];
  const add = (kinds: readonly NoticeKind[], severity: Severity, says: string): void =>
    void due.push({ clone, seq, kinds, severity, says: says.slice(0, TEXT_CHARS_SURE) });
  for (const { class: kind, severity, message } of newIncidents(before, after))
    if (!TOLD_OTHERWISE.has(kind)) add(["incident"], severity, message);
  if (before.requests !== after.requests)
    for (const { id, kind, severity, summary } of after.requests)
      if (!before.requests.some((known) => known.id === id))
        add([kind === "approval" ? "approval" : "decision"], severity, summary);
  const closed = after.past.at(-1);
  if (closed !== undefined && !before.past.some(({ missionId }) => missionId === closed.missionId))
    add(["closure"], "low", `${closed.name}: closed, ${closed.outcome}`);
  const ends = before.mission !== null && before.mission.terminal === null && after.mission?.terminal != null;
  if (event.type === "kill.requested" && ends) add(["kill"], "medium", `killed by ${actorText(event.by)}`);
  return due;
}

/** As kills, or as alerts about the way on which they come. */
const TOLD_OTHERWISE: ReadonlySet<string> = new Set([
  "killed",
  "callback_gap",
  "callback_down",
  "missed_callback",
]);

function newIncidents({ mission: old }: CloneState, { mission }: CloneState): readonly Incident[] {
  if (mission === null || old?.missionId !== mission.missionId || old.incidents === mission.incidents)
    return [];
  const known = new Set(old.incidents.map(({ id }) => id));
  return mission.incidents.filter(({ id }) => !known.has(id));
}

export const NOTICE_INVARIANTS: readonly Invariant[] = [noticesKept, oneBody, inOrder, allArrive];
