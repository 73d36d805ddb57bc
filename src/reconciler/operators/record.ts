/** What is on record: events, the effect ledger, transcripts, outputs. */

import { JOURNAL_EVENTS_DEFAULT } from "../../api/operations/record.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import { type OutputsView, type OutputView, outputsOf } from "../../core/status/outputs.ts";
import type { OperationHandlers } from "../../ports/control-plane.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Judge } from "../../ports/judge.ts";
import type { EventQuery, Store } from "../../ports/store.ts";
import type { OutputPublisher } from "../publish/outputs.ts";
import type { Recorder } from "../record/recorder.ts";

/** Reading a transcript through a driver. */
const LOGS_MS_MAX = 30 * SECOND_MS;

export interface RecordParts {
  readonly store: Store;
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly judge: Pick<Judge, "readKept">;
  readonly recorder: Pick<Recorder, "states">;
  readonly publishedOutputs: Pick<OutputPublisher, "placesOf">;
  lane(name: string): CloneState | null;
}

export function recordViews(
  parts: RecordParts,
): Pick<OperationHandlers, "events" | "actions" | "logs" | "outputs" | "output"> {
  const { store, judge } = parts;
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
    async outputs({ name, run = null }) {
      const seen = outputsOf({ name, run }, parts.recorder.states);
      return seen === null ? null : withPlaces(await withLosses(seen, judge), parts.publishedOutputs);
    },
    async output({ name, run, path, from, count }) {
      const seen = outputsOf({ name, run }, parts.recorder.states);
      // Only what is on record, by the name that is on record.
      const output = seen?.outputs.find((one) => one.path === path && one.state === "kept");
      if (seen === null || output?.bytes == null || output.sha256 === null) return null;
      const part = await judge.readKept(seen.missionId, { path, from, count });
      if (part === null) return null;
      const { bytes, sha256 } = output;
      return { bytes, sha256, content: Buffer.from(part).toString("base64") };
    },
  };
}

/** A disk may have been lost since. A copy that has another length is none; its digest is looked at by who fetches it. */
async function withLosses(seen: OutputsView, judge: RecordParts["judge"]): Promise<OutputsView> {
  const outputs: OutputView[] = [];
  for (const output of seen.outputs) {
    const { path, bytes, state } = output;
    const stands = state !== "kept" || (await isThere(judge, { missionId: seen.missionId, path, bytes }));
    outputs.push(stands ? output : { ...output, state: "lost" });
  }
  return { ...seen, outputs };
}

function withPlaces(seen: OutputsView, published: RecordParts["publishedOutputs"]): OutputsView {
  const places = published.placesOf(seen.missionId);
  const outputs = seen.outputs.map((output) => ({
    ...output,
    statusPath: places?.get(output.path)?.path ?? null,
  }));
  return { ...seen, outputs };
}

async function isThere(
  judge: RecordParts["judge"],
  { missionId, path, bytes }: { missionId: string; path: string; bytes: number | null },
): Promise<boolean> {
  if (bytes === null) return false;
  const last = await judge.readKept(missionId, { path, from: Math.max(0, bytes - 1), count: 2 });
  return last !== null && last.byteLength === Math.min(bytes, 1);
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
