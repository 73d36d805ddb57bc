/** How many decisions a second: in memory, and on the disk before anybody is told. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../src/adapters/store/sqlite/store.ts";
import { decide } from "../src/core/clone/decide.ts";
import { createCalendar } from "../src/core/model/calendar.ts";
import { type CloneState, initialState } from "../src/core/model/clone-state.ts";
import type { CloneEvent } from "../src/core/model/event.ts";
import { MINUTE_MS } from "../src/core/model/time.ts";
import { GENESIS_HASH, isOfClone } from "../src/core/record/chain.ts";
import { type KeptState, stateWrite } from "../src/core/record/state-writes.ts";
import { silentLog } from "../src/ports/log.ts";
import type { Batch, Store } from "../src/ports/store.ts";
import { openRecorder } from "../src/reconciler/record/recorder.ts";
import { createDice } from "../test/simulation/dice.ts";
import { createHost } from "../test/simulation/host.ts";
import { foundFleet } from "../test/simulation/people.ts";
import { CALM, pickTroubles } from "../test/simulation/swarm.ts";
import { playSteps, settle } from "../test/simulation/timeline.ts";
import { beginStretch } from "../test/simulation/weather.ts";
import { createWorld } from "../test/simulation/world.ts";
import { rightToAct } from "../test/support/right.ts";
import { type Bench, measure, medianOf, timed } from "./measure.ts";

/** Kept, as the recorder keeps its own. */
const CALENDAR = createCalendar();

/** Fleets whose lives are taken: a storm each, and the quiet after it. */
const SEEDS = 6;
const CLONES = 8;
const STORM_MS = 30 * MINUTE_MS;
const QUIET_MS = 60 * MINUTE_MS;
const RHYTHM = {
  realLoop: false,
  tickMs: 1_000,
  listMs: 5_000,
  pollMs: 20_000,
  publishMs: 5_000,
  calmTimes: 1,
} as const;
/** Each life is led so often in memory: long enough for a compiled program, and to outlast the clock's grain. */
const TURNS = 7;

/** One clone's events, as they were recorded. */
export type Life = readonly { readonly event: CloneEvent; readonly at: number }[];

export const benchDecisions: Bench = async ({ directory, log }) => {
  const lives: Life[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) lives.push(...(await livesOf(`decisions ${seed}`)));
  const events = lives.reduce((sum, life) => sum + life.length, 0);
  const types = new Set(lives.flatMap((life) => life.map(({ event }) => event.type))).size;
  log(`${events} events of ${types} types in ${lives.length} lives`);

  const decideMs = await medianOf(TURNS, () => lives.forEach(lead));
  const texts = lives.flatMap((life) => life.map(({ event }) => event));
  const jsonMs = await medianOf(TURNS, () => texts.forEach(roundTrip));

  const durable = await record(lives, join(directory, "factory.db"));
  const bare = await insert(durable.transactions, join(directory, "bare.db"));
  const anEvent = `${Math.round(durable.bytes / events)} bytes an event`;
  const pages = [durable, bare].map(({ fileBytes }) =>
    fileBytes === null ? "unknown" : Math.round(fileBytes / events),
  );
  const inFiles = ` (in whole pages of the files ${pages.join(" against ")})`;
  log(`${durable.transactions.length} transactions, ${anEvent}${inFiles}`);
  const perSecond = (ms: number): { value: number; unit: string } => ({
    value: (events * 1_000) / ms,
    unit: "/s",
  });
  return [
    measure({
      bench: "decisions",
      what: "decisions in memory, the events of simulated fleets in storm and quiet",
      ours: perSecond(decideMs),
      peer: { what: "JSON.stringify and JSON.parse of the same events", ...perSecond(jsonMs) },
    }),
    measure({
      bench: "decisions",
      what: `decisions on the disk, ${lives.length} clones at once, one event each under way`,
      ours: perSecond(durable.ms),
      peer: { what: "bare SQLite inserts of the same bytes in the same transactions", ...perSecond(bare.ms) },
      note: `${anEvent}${inFiles}, ${(events / durable.transactions.length).toFixed(1)} events a transaction`,
    }),
  ];
};

/** What a simulated fleet records: as mixed as life is, and the same every time. */
export async function livesOf(seed: string): Promise<readonly Life[]> {
  const world = createWorld(seed, CALM, { long: true, invariant: "none" });
  const host = createHost(world, RHYTHM);
  foundFleet(world, CLONES);
  const stretches = [
    { forMs: STORM_MS, troubles: pickTroubles(createDice(seed)) },
    { forMs: QUIET_MS, troubles: null },
  ];
  for (const [index, stretch] of stretches.entries()) {
    beginStretch(world, host, stretch);
    if (index === 0) await host.boot();
    const endMs = world.timeline.elapsedMs + stretch.forMs;
    await settle();
    await playSteps(() => {
      const next = world.timeline.nextAtMs();
      if (next === null || next > endMs) return false;
      world.timeline.step();
      return true;
    });
  }
  const events = await world.store.events({ limit: Number.MAX_SAFE_INTEGER });
  return [...Map.groupBy(events.filter(isOfClone), ({ clone }) => clone).values()];
}

export function lead(life: Life): CloneState {
  let state = initialState("factory_bench_20261123", life[0]?.at ?? 0);
  for (const { event, at } of life) state = decide(state, event, at, CALENDAR).state;
  return state;
}

function roundTrip(event: CloneEvent): CloneEvent {
  return JSON.parse(JSON.stringify(event)) as CloneEvent;
}

interface Written {
  readonly ms: number;
  /** Log and database together, as the kernel counted them; null where it does not. */
  readonly fileBytes: number | null;
}

/** Every clone records its next event when the one before it is on the disk, as its effects and reports do. */
async function record(
  lives: readonly Life[],
  file: string,
): Promise<
  Written & {
    readonly bytes: number;
    readonly transactions: readonly (readonly string[])[];
  }
> {
  const store = await openSqliteStore({ file });
  const transactions: string[][] = [];
  const rowsOf = createRowCounter();
  const watched: Store = {
    ...store,
    async commit(batch) {
      const answer = await store.commit(batch);
      transactions.push(rowsOf(batch));
      return answer;
    },
  };
  // Of the lives that are led at once the latest: no clone sees time go back.
  let at = 0;
  const clock = { now: () => at, sleep: async () => {} };
  const recorder = await openRecorder({ store: watched, clock, log: silentLog, right: rightToAct() });
  const before = writtenBytes();
  const ms = await timed(() =>
    Promise.all(
      lives.map(async (life, index) => {
        for (const one of life) {
          at = Math.max(at, one.at);
          await recorder.write(`factory_bench-${index}_20261123`, () => ({ events: [one.event] }));
        }
      }),
    ),
  );
  await store.close();
  const fileBytes = writtenSince(before);
  const bytes = transactions.flat().reduce((sum, row) => sum + Buffer.byteLength(row), 0);
  return { ms, bytes, fileBytes, transactions };
}

/** What of a batch is written, row by row: events with their hashes, and of a state a snapshot or what changed, as the store decides it. */
function createRowCounter(): (batch: Batch) => string[] {
  const kept = new Map<string, KeptState>();
  return ({ at, events, states, effects, settled }) => [
    ...events.map((event) => JSON.stringify({ at, ...event, prevHash: GENESIS_HASH, hash: GENESIS_HASH })),
    ...states.map((state) => {
      const write = stateWrite(kept.get(state.name) ?? null, state);
      kept.set(state.name, write.kept);
      return `${state.name} ${state.version} ${write.text}`;
    }),
    ...[...effects, ...settled].map((row) => JSON.stringify(row)),
  ];
}

/** Everything that this process has written by now; null where the kernel does not say. */
function writtenBytes(): number | null {
  try {
    const found = /^wchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "latin1"));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

function writtenSince(before: number | null): number | null {
  const now = writtenBytes();
  return before === null || now === null ? null : now - before;
}

/** The least that a durable record costs: the bytes, and one flush for each transaction. */
async function insert(transactions: readonly (readonly string[])[], file: string): Promise<Written> {
  const db = new DatabaseSync(file);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bytes (row TEXT)");
  const statement = db.prepare("INSERT INTO bytes VALUES (?)");
  const before = writtenBytes();
  const ms = await timed(() => {
    for (const rows of transactions) {
      db.exec("BEGIN IMMEDIATE");
      for (const row of rows) statement.run(row);
      db.exec("COMMIT");
    }
  });
  db.close();
  return { ms, fileBytes: writtenSince(before) };
}
