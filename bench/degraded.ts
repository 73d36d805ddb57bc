/** How long after its deadline a silent instance is on record as degraded, for a fleet that falls silent together. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { openSqliteStore } from "../src/adapters/store/sqlite/store.ts";
import { systemClock } from "../src/adapters/system/clock.ts";
import { degradedAfterMs } from "../src/core/clone/health/liveness.ts";
import { SECOND_MS } from "../src/core/model/time.ts";
import { silentLog } from "../src/ports/log.ts";
import { createWatching } from "../src/reconciler/loop/absence.ts";
import { createLagMeter } from "../src/reconciler/loop/lag.ts";
import { createProber } from "../src/reconciler/loop/probing.ts";
import { superviseOnce } from "../src/reconciler/loop/supervise.ts";
import { openRecorder, type Recorder } from "../src/reconciler/record/recorder.ts";
import { rightToAct } from "../test/support/right.ts";
import { bringUp } from "../test/support/running.ts";
import { type Bench, measure, median, quantile } from "./measure.ts";

const INSTANCES = 1_000;
const INTERVAL_SECONDS = 5;
/** The rhythm of `reconciler/loop/loop.ts`. */
const TICK_MS = 250;
const P99_MS = 1_000;
/** Last heartbeats are spread over one interval, as those of a fleet are. */
const STEP_MS = 20;
const WAIT_MS_MAX = 60_000;

export const benchDegraded: Bench = async ({ directory, log }) => {
  const clock = systemClock();
  const store = await openSqliteStore({ file: join(directory, "factory.db") });
  const recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  try {
    await Promise.all(
      Array.from({ length: INSTANCES }, (_, index) =>
        bringUp(recorder, clone(index), { mission: `mute-${index}`, heartbeatSeconds: INTERVAL_SECONDS }),
      ),
    );
    const done = new AbortController();
    const late = new Map<string, number>();
    const deadlines = new Map<string, number>();
    recorder.onChange(({ before, after, at }) => {
      if (before.instance?.health === "degraded" || after.instance?.health !== "degraded") return;
      late.set(after.name, at - (deadlines.get(after.name) ?? at));
    });
    const supervising = supervise(recorder, { clock, signal: done.signal });
    await lastHeartbeats(recorder, deadlines);
    for (let waited = 0; late.size < INSTANCES && waited < WAIT_MS_MAX; waited += TICK_MS)
      await sleep(TICK_MS);
    done.abort();
    await supervising;
    const ours = [...late.values()];
    const bare = await bareTimers(join(directory, "bare.db"));
    const p99 = quantile(ours, 0.99);
    log(
      `degraded: ${ours.length} of ${INSTANCES}, p50 ${median(ours)} ms, p99 ${p99} ms; bare p99 ${quantile(bare, 0.99)} ms`,
    );
    return [
      measure({
        bench: "degraded",
        what: `deadline to \`degraded\` on the disk, ${INSTANCES.toLocaleString("en-US")} instances fall silent, p99`,
        ours: { value: p99, unit: "ms" },
        peer: { what: "a timer each, one durable insert", value: quantile(bare, 0.99), unit: "ms" },
        target: { text: "< 1 s, all of them", met: p99 <= P99_MS && ours.length === INSTANCES },
        note: `p50 ${Math.round(median(ours))} ms; time is asked every ${TICK_MS} ms`,
      }),
    ];
  } finally {
    await store.close();
  }
};

/** What the loop does, without the rest of it. */
async function supervise(
  recorder: Recorder,
  parts: { clock: ReturnType<typeof systemClock>; signal: AbortSignal },
): Promise<void> {
  const { clock, signal } = parts;
  const watching = createWatching(clock);
  const prober = createProber({ drivers: new Map(), clock, log: silentLog });
  const lag = createLagMeter(clock);
  const metering = lag.run(TICK_MS, signal);
  while (!signal.aborted) {
    watching.begin(lag.readMs);
    await superviseOnce({ recorder, watching, prober, policy: null });
    await clock.sleep(TICK_MS, signal).catch(() => {});
  }
  await metering;
}

const clone = (index: number): string => `factory_mute-${index}_20261123`;

/** One each, spread over an interval; then nobody says anything any more. */
async function lastHeartbeats(recorder: Recorder, deadlines: Map<string, number>): Promise<void> {
  const intervalMs = INTERVAL_SECONDS * SECOND_MS;
  const perStep = Math.ceil((INSTANCES * STEP_MS) / intervalMs);
  for (let index = 0; index < INSTANCES; index += perStep) {
    const names = Array.from({ length: Math.min(perStep, INSTANCES - index) }, (_, offset) =>
      clone(index + offset),
    );
    await Promise.all(
      names.map(async (name) => {
        const receivedAt = Date.now();
        deadlines.set(name, receivedAt + degradedAfterMs(intervalMs));
        await recorder.putSignal({ receivedAt, heartbeat: heartbeat(name) });
      }),
    );
    await sleep(STEP_MS);
  }
}

function heartbeat(name: string): Parameters<Recorder["putSignal"]>[0]["heartbeat"] {
  return {
    missionId: null,
    clone: name,
    epoch: 1,
    seq: 1,
    lastEventSeq: 2,
    phase: "running",
    lastEventAgeMs: 0,
    lastProgressAgeMs: 0,
    openToolCalls: [],
    usage: { llmCalls: null, costMicros: null, activeMs: 0 },
  };
}

/** The least that anybody could do: a timer per deadline, and a row on the disk when it fires. */
async function bareTimers(file: string): Promise<number[]> {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE late (name TEXT, at INTEGER)");
  const insert = db.prepare("INSERT INTO late VALUES (?, ?)");
  const spreadMs = INTERVAL_SECONDS * SECOND_MS;
  const late = await Promise.all(
    Array.from({ length: INSTANCES }, async (_, index) => {
      const afterMs = (index * spreadMs) / INSTANCES;
      const deadline = performance.now() + afterMs;
      await sleep(afterMs);
      insert.run(clone(index), Date.now());
      return performance.now() - deadline;
    }),
  );
  db.close();
  return late;
}
