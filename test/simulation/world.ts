import type { DrillResult } from "../../src/core/model/drill.ts";
import { FactoryError } from "../../src/core/model/error.ts";
import { createDocumentMemory, type DocumentMemory } from "../../src/documents/read-documents.ts";
import type { ControlPlane } from "../../src/ports/control-plane.ts";
import type { OpenNotifier } from "../../src/ports/notifier.ts";
import { createFakeKillSwitchFile, type FakeKillSwitchFile } from "../support/fake/kill-switch.ts";
import { createFakeSource, type FakeSource } from "../support/fake/source.ts";
import { createFakeStatusBranch, type FakeStatusBranch } from "../support/fake/status-branch.ts";
import { createMemoryStore, type MemoryStore } from "../support/memory-store/store.ts";
import type { Script } from "./agent.ts";
import { type Checker, createChecker, type ToldFact } from "./check/checker.ts";
import { INVARIANTS } from "./check/invariants.ts";
import { createDice, type Dice } from "./dice.ts";
import type { Disks } from "./disk-store.ts";
import type { Life } from "./life.ts";
import { createMachine, type Machine } from "./machine.ts";
import { type Mood, simulatedNotifier } from "./receivers.ts";
import { createRepository, type Repository } from "./repository.ts";
import { type FleetShape, PLAIN } from "./shape.ts";
import { createStory, type Story } from "./story.ts";
import type { TroubleName, Troubles } from "./swarm.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

/** In the other fleets what waits for people waits, and says so. */
const DILIGENT_CHANCE = 0.2;

/** An afternoon on which no clock is changed. */
const BEGIN_AT = Date.UTC(2026, 10, 23, 12, 0, 0);

/** Everything outside of the controller; it outlives every crash. */
export interface World {
  readonly seed: string;
  /** When it all begins, by the controller's clock. */
  readonly beginAt: number;
  /** What the fleet is like. */
  readonly shape: FleetShape;
  readonly dice: Dice;
  readonly timeline: Timeline;
  readonly story: Story;
  readonly checker: Checker;
  /** What may go wrong, and how likely it is. Calm sets it to nothing. */
  troubles: Troubles;
  /** Of the controller: nothing can be recorded, prepared or archived. */
  diskFull: boolean;
  /** Until then the provider of every agent refuses whoever asks it. */
  providerFreeAtMs: number;
  /** Storms that have begun. */
  storms: number;
  /** How often each trouble came true. */
  readonly injected: Map<TroubleName, number>;
  /** Missions of hours in a fleet that is looked after; otherwise of minutes. */
  readonly long: boolean;
  /** How far the controller's clock is from true time. */
  clockOffsetMs: number;
  readonly origin: FakeSource;
  readonly repository: Repository;
  /** Of the data directory; it outlives every controller. */
  readonly killSwitch: FakeKillSwitchFile;
  readonly statusBranch: FakeStatusBranch;
  /** The disk of the record; replaced by its successor at every start of a controller. */
  store: MemoryStore;
  /** The record lies in a real file, which one controller at a time has open. */
  readonly onDisk: boolean;
  /** An empty disk for a record. */
  readonly newStore: () => MemoryStore;
  /** Commands to the kill switch so far. */
  asks: number;
  /** Nobody has rebuilt the record since its disk was lost. */
  recordLost: boolean;
  /** Somebody is at it. */
  restoring: boolean;
  /** Since when nothing disturbs; infinitely far while something does. */
  calmSinceMs: number;
  /** When a mission was seen closed last, in calm. */
  closedAtMs: number;
  /** Whose the record is. */
  holder: Life | null;
  /** How many events of this disk the checker was told of. */
  recorded: number;
  /** When the newest of them was recorded. */
  recordedAtMs: number;
  readonly machine: Machine;
  /** What some controller of this world has parsed: a document says the same to the next one. */
  readonly documents: DocumentMemory;
  /** Who answers at the address at which the controller listens; null while it is down. */
  plane: ControlPlane | null;
  /** Where it listens. A controller that lost its port listens elsewhere. */
  address: string;
  /** Who is told of things, where the fleet declares anybody. */
  notifiers: OpenNotifier;
  /** How receivers of notices are at the moment, by destination; one that is well is not in it. */
  readonly receivers: Map<string, Mood>;
  /** What a judge would find, by mission id. */
  readonly results: Map<string, "good" | "bad">;
  /** What the judge keeps on the record's disk, by mission id. */
  readonly kept: Map<string, string>;
  /** Paths of the outputs that were ever pushed to the status branch. */
  readonly shownOutputs: Set<string>;
  /** Shims hold the limits of their missions by themselves, with the code of the real one. */
  readonly holdsLimits: boolean;
  /** Once it is calm people answer whatever waits for them. */
  readonly diligent: boolean;
  /** Whether agents do anything outside; stories about other things are told without. */
  acts: boolean;
  /** Results of drills, on the disk of the machine; oldest first. */
  drills: readonly DrillResult[];
  /** What agents did outside, `<mission>/<key>`, for whoever looks. */
  readonly done: Set<string>;
  /** What agents have claimed, `<mission>/<key>`, whatever they were answered. */
  readonly claimed: Set<string>;
  /** What the next agents of a clone are like, where somebody has decided that; by clone. */
  readonly cast: Map<string, Partial<Script>>;
  /** Whether this trouble happens on this occasion; counted. */
  strikes(dice: Dice, trouble: TroubleName): boolean;
  count(trouble: TroubleName): void;
  /** Tells the checker. */
  tell(fact: ToldFact): void;
  /** Waits for virtual time, or for the signal. */
  delay(ms: number, signal?: AbortSignal): Promise<void>;
  now(): number;
}

export function createWorld(
  seed: string,
  troubles: Troubles,
  options: {
    readonly invariant?: string | undefined;
    readonly long?: boolean;
    /** By default the plainest one. */
    readonly shape?: FleetShape;
    readonly beginAt?: number;
    readonly holdsLimits?: boolean;
    /** Real files instead of memory. */
    readonly disks?: Disks | undefined;
  } = {},
): World {
  const { invariant, shape = PLAIN, beginAt = BEGIN_AT, disks } = options;
  const newStore = disks?.newStore ?? (() => createMemoryStore({ freezes: true }));
  const dice = createDice(seed);
  const timeline = createTimeline();
  const story = createStory(() => timeline.elapsedMs);
  const checker = createChecker(
    invariant === undefined ? INVARIANTS : INVARIANTS.filter(({ name }) => name === invariant),
  );
  const origin = createFakeSource();
  const world: World = {
    seed,
    beginAt,
    shape,
    dice,
    timeline,
    story,
    checker,
    troubles,
    diskFull: false,
    providerFreeAtMs: 0,
    storms: 0,
    injected: new Map(),
    long: options.long ?? false,
    clockOffsetMs: 0,
    origin,
    repository: createRepository(origin, shape),
    killSwitch: createFakeKillSwitchFile(({ engaged }) => world.tell({ type: "switched", engaged })),
    statusBranch: createFakeStatusBranch(),
    store: newStore(),
    onDisk: disks !== undefined,
    newStore,
    asks: 0,
    recordLost: false,
    restoring: false,
    calmSinceMs: Number.POSITIVE_INFINITY,
    closedAtMs: 0,
    holder: null,
    recorded: 0,
    recordedAtMs: 0,
    get machine() {
      return machine;
    },
    plane: null,
    address: "http://127.0.0.1:7001/v1/events",
    documents: createDocumentMemory(),
    notifiers: (destination) => simulatedNotifier(world, destination),
    receivers: new Map(),
    results: new Map(),
    kept: new Map(),
    shownOutputs: new Set(),
    acts: false,
    holdsLimits: options.holdsLimits ?? false,
    diligent: dice.fork("diligence").chance(DILIGENT_CHANCE),
    drills: [],
    done: new Set(),
    claimed: new Set(),
    cast: new Map(),
    strikes(by, trouble) {
      const strikes = by.chance(world.troubles[trouble]);
      if (strikes) world.count(trouble);
      return strikes;
    },
    count: (trouble) => void world.injected.set(trouble, (world.injected.get(trouble) ?? 0) + 1),
    tell(fact) {
      const before = checker.violations.length;
      checker.take(fact, timeline.elapsedMs);
      for (const violation of checker.violations.slice(before)) {
        story.tell(`VIOLATION ${violation.invariant} ${violation.clone ?? ""}: ${violation.message}`);
      }
    },
    delay(ms, signal) {
      if (signal?.aborted) return Promise.reject(ABORTED);
      return new Promise((resolve, reject) => {
        const cancel = timeline.after(ms, () => {
          signal?.removeEventListener("abort", stop);
          resolve();
        });
        const stop = (): void => {
          cancel();
          reject(ABORTED);
        };
        signal?.addEventListener("abort", stop, { once: true });
      });
    },
    now: () => beginAt + timeline.elapsedMs + world.clockOffsetMs,
  };
  const machine = createMachine(world);
  return world;
}

/** One for all: where it was made says nothing, and every wait that is given up would pay for writing that down. */
const ABORTED = new FactoryError("sim/aborted", "retry", "given up by the caller");
