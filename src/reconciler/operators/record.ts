/** What is on record: events, the effect ledger, transcripts. */

import { JOURNAL_EVENTS_DEFAULT } from "../../api/operations/record.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { OperationHandlers } from "../../ports/control-plane.ts";
import type { Driver } from "../../ports/driver.ts";
import type { EventQuery, Store } from "../../ports/store.ts";

/** Reading a transcript through a driver. */
const LOGS_MS_MAX = 30 * SECOND_MS;

export interface RecordParts {
  readonly store: Store;
  readonly drivers: ReadonlyMap<string, Driver>;
  lane(name: string): CloneState | null;
}

export function recordViews(parts: RecordParts): Pick<OperationHandlers, "events" | "actions" | "logs"> {
  const { store } = parts;
  return {
    events: async (asked) => ({ events: await store.events(eventQuery(asked)) }),
    async actions({ name, limit }) {
      const missionId = missionIdOf(parts.lane(name), name);
      return missionId === undefined ? null : { actions: await store.actions({ missionId, limit }) };
    },
    async logs({ name, bytes }) {
      const clone = parts.lane(name)?.name;
      const text = clone === undefined ? null : await newestTranscript(parts.drivers, clone, bytes);
      return text === null ? null : { text };
    },
  };
}

function eventQuery(asked: Parameters<OperationHandlers["events"]>[0]): EventQuery {
  const { clone, of, missionId, afterSeq, last, limit } = asked;
  return {
    ...(clone === undefined ? {} : { clone }),
    ...(of === undefined ? {} : { clone: null }),
    ...(missionId === undefined ? {} : { missionId }),
    ...(afterSeq === undefined ? {} : { afterSeq }),
    ...(last === undefined ? {} : { last }),
    // Asked for the newest 500, nobody means the newest 100 of them.
    limit: limit ?? last ?? JOURNAL_EVENTS_DEFAULT,
  };
}

/** The mission under way when the lane or that mission is named, else the newest closed one of that name. */
function missionIdOf(lane: CloneState | null, name: string): string | undefined {
  if (lane === null) return undefined;
  const { mission, past } = lane;
  if (mission !== null && (mission.name === name || lane.name === name)) return mission.missionId;
  return past.findLast((closed) => closed.name === name || lane.name === name)?.missionId;
}

async function newestTranscript(
  drivers: ReadonlyMap<string, Driver>,
  clone: string,
  bytesMax: number,
): Promise<string | null> {
  const signal = AbortSignal.timeout(LOGS_MS_MAX);
  for (const driver of drivers.values()) {
    const { instances } = await driver.list(signal);
    const newest = instances
      .filter(({ handle }) => handle.clone === clone)
      .sort((a, b) => b.handle.epoch - a.handle.epoch)[0];
    if (newest !== undefined) return driver.transcript(newest.handle, bytesMax, signal);
  }
  return null;
}
