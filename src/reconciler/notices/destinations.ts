/** The destinations of notices as the controller knows them: what was declared, how it goes with each, what they hold up. */
import { canonicalJson, sha256Hex } from "../../core/model/digest.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import type { Destination, OutboxRow } from "../../core/model/notice.ts";
import type { Instant } from "../../core/model/time.ts";
import { type Circuit, CLOSED } from "../../core/notify/circuit.ts";
import { type Happening, noticesOf } from "../../core/notify/notices.ts";
import { headsOf } from "../../core/notify/queue.ts";
import { NO_CHANGE, type OutboxChange, rowsFor } from "../../core/notify/route.ts";
import type { DestinationView } from "../../core/status/callbacks.ts";
import type { Notifier } from "../../ports/notifier.ts";
import type { Recorder } from "../record/recorder.ts";

export interface Delivery {
  circuit: Circuit;
  failingSince: Instant | null;
  goodNewsAt: Instant | null;
  crowded: boolean;
  /** Keys of rows that are under way. */
  readonly underWay: Set<string>;
  opened: { readonly digest: string; readonly notifier: Notifier } | null;
}

export interface Destinations {
  /** What `fleet.yaml` says, or said when it could last be read; null when it never was. */
  declared(): readonly Destination[] | null;
  of(destination: string): Delivery;
  /** The oldest waiting rows by destination; worked out anew only when rows have changed. */
  heads(): ReadonlyMap<string, readonly OutboxRow[]>;
  waiting(destination: string): number;
  isGone(destination: Destination): boolean;
  views(): readonly DestinationView[];
}

export function createDestinations(
  recorder: Recorder,
  declaredNow: () => readonly Destination[] | null,
): Destinations {
  const registry = new Map<string, Delivery>();
  let heads: ReadonlyMap<string, readonly OutboxRow[]> | null = null;
  let counts: ReadonlyMap<string, Count> = new Map();
  recorder.onOutbox(() => {
    heads = null;
  });

  function look(): ReadonlyMap<string, readonly OutboxRow[]> {
    if (heads === null) {
      heads = Map.groupBy(headsOf(recorder.outbox.values()), (row) => row.destination);
      counts = countRows(recorder.outbox.values());
    }
    return heads;
  }

  const declared = (): readonly Destination[] | null => knownDestinations(recorder.fleet, declaredNow());
  const isGone = (destination: Destination): boolean =>
    recorder.fleet.destinations.gone[destination.name] === digestOf(destination);

  function of(destination: string): Delivery {
    let delivery = registry.get(destination);
    if (delivery === undefined) {
      delivery = {
        circuit: CLOSED,
        failingSince: null,
        goodNewsAt: null,
        crowded: false,
        underWay: new Set(),
        opened: null,
      };
      registry.set(destination, delivery);
    }
    return delivery;
  }

  function viewOf(destination: Destination): DestinationView {
    const { name, type } = destination;
    const delivery = of(name);
    const count = counts.get(name);
    const failing = delivery.failingSince !== null && recorder.fleet.destinations.down[name] !== undefined;
    const state =
      type === "issue" ? "not_connected" : isGone(destination) ? "gone" : failing ? "failing" : "ok";
    return {
      name,
      type,
      state,
      failingSince: delivery.failingSince,
      waiting: count?.waiting ?? 0,
      dead: count?.dead ?? 0,
      backlog: delivery.crowded,
      lastProblem: count?.lastProblem ?? null,
    };
  }

  return {
    declared,
    of,
    heads: look,
    waiting(destination) {
      look();
      return counts.get(destination)?.waiting ?? 0;
    },
    isGone,
    views() {
      look();
      return (declared() ?? []).map(viewOf);
    },
  };
}

/** What people are told of an event, as rows for the transaction that records it. */
export function noticesInto(
  fleet: () => FleetState,
  declaredNow: () => readonly Destination[] | null,
): (happening: Happening, outbox: ReadonlyMap<string, OutboxRow>) => OutboxChange {
  return (happening, outbox) => {
    const notices = noticesOf(happening);
    if (notices.length === 0) return NO_CHANGE;
    const destinations = knownDestinations(fleet(), declaredNow()) ?? [];
    const changes = notices.map((notice) => rowsFor(notice, destinations, outbox.values()));
    return {
      put: changes.flatMap(({ put }) => put),
      removed: changes.flatMap(({ removed }) => removed),
    };
  };
}

export function digestOf(destination: Destination): string {
  return sha256Hex(canonicalJson(destination));
}

/** The last word of `fleet.yaml`, so that nothing goes untold while it cannot be read. */
function knownDestinations(
  fleet: FleetState,
  declared: readonly Destination[] | null,
): readonly Destination[] | null {
  return declared ?? fleet.destinations.declared;
}

interface Count {
  waiting: number;
  dead: number;
  lastProblem: string | null;
}

function countRows(rows: Iterable<OutboxRow>): ReadonlyMap<string, Count> {
  const counts = new Map<string, Count>();
  for (const row of rows) {
    const count = counts.get(row.destination) ?? { waiting: 0, dead: 0, lastProblem: null };
    if (row.dead === null) count.waiting += 1;
    else count.dead += 1;
    count.lastProblem = row.lastProblem ?? count.lastProblem;
    counts.set(row.destination, count);
  }
  return counts;
}
