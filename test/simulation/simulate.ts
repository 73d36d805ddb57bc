import { HOUR_MS, MINUTE_MS } from "../../src/core/model/time.ts";
import type { Violation } from "./check/fact.ts";
import { type Course, drawCourse } from "./course.ts";
import { createDice } from "./dice.ts";
import { createDisks, type Disks } from "./disk-store.ts";
import { isResting, judgeEnd, lookAtRecord, publishRest } from "./ending.ts";
import { createHost, FLUSH_MS, type Host } from "./host.ts";
import { foundFleet } from "./people.ts";
import { drawBeginning, drawShape, type FleetShape } from "./shape.ts";
import { CALM, namesOf, type TroubleName, type Troubles } from "./swarm.ts";
import { playSteps, settle } from "./timeline.ts";
import { beginCalm, beginStretch, scheduleTending } from "./weather.ts";
import { createWorld, type World } from "./world.ts";

export interface SimulationOptions {
  readonly seed: string;
  /** Virtual hours with faults, in one storm. By default the seed says how many storms there are, and how long. */
  readonly hours?: number;
  /** One storm of half an hour to two, whatever the seed says. */
  readonly short?: boolean;
  /** Instead of what the seed picks. */
  readonly troubles?: Troubles;
  readonly clones?: number;
  /** Instead of the one that the seed draws. */
  readonly shape?: FleetShape;
  /** Watches for this invariant alone. */
  readonly invariant?: string;
}

export interface SimulationResult {
  readonly seed: string;
  readonly violations: readonly Violation[];
  /** Over everything that happened: equal for equal seeds. */
  readonly hash: string;
  readonly troubles: readonly string[];
  /** How often each trouble came true. */
  readonly injected: Readonly<Partial<Record<TroubleName, number>>>;
  readonly virtualMs: number;
  /** Of the processor, for this run. */
  readonly cpuMs: number;
  /** Of clones that are declared and not retired. */
  readonly cloneHours: number;
  /** Of clones with a mission. */
  readonly busyHours: number;
  readonly steps: number;
  readonly events: number;
  readonly story: readonly string[];
  readonly closed: number;
}

/**
 * Time that the fleet gets to come to rest once nothing disturbs it, counted anew as long as missions are closed in it: many
 * that wait for few places take days, one that does not end takes no longer than this.
 */
const CALM_MS_MAX = 12 * HOUR_MS;
/** At rest is believed when it lasts this long. */
const REST_MS = 12 * MINUTE_MS;
const REST_LOOK_MS = 3 * MINUTE_MS;
/** Beginnings of a rest that were disturbed at once; with more of them it is judged as it stands. */
const RESTS_MAX = 20;
/** Steps after which a run is taken for one that does not end. */
const STEPS_MAX = 3_000_000;
const STORY_LINES = 4_000;

/**
 * One run: first storms of faults with quiet in between, in which nothing bad may happen, then calm,
 * in which everything must come to its end or say why not. Depends on the options alone.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const course = drawCourse(createDice(`${options.seed}/shape`), options);
  const disks = course.onDisk ? createDisks() : undefined;
  try {
    return await play(options, course, disks);
  } finally {
    await disks?.dispose();
  }
}

async function play(
  options: SimulationOptions,
  { clones, long, stretches, rhythm, holdsLimits }: Course,
  disks: Disks | undefined,
): Promise<SimulationResult> {
  const { seed, invariant } = options;
  const begunCpuMs = cpuMs();
  const world = createWorld(seed, CALM, {
    invariant,
    long,
    shape: options.shape ?? drawShape(createDice(`${seed}/fleet`)),
    beginAt: drawBeginning(seed),
    disks,
    holdsLimits,
  });
  const host = createHost(world, rhythm);
  const sums = { steps: 0, cloneHours: 0, busyHours: 0 };
  const stormyMs = stretches.reduce((sum, { forMs }) => sum + forMs, 0);
  world.story.tell(`seed ${seed}: ${clones} clones, ${stretches.length} stretches, ${hours(stormyMs)} h`);

  world.acts = true;
  foundFleet(world, clones);
  if (long) scheduleTending(world, clones, stormyMs);
  for (const [index, stretch] of stretches.entries()) {
    if (world.checker.violations.length > 0) break;
    beginStretch(world, host, stretch);
    if (index === 0) await host.boot();
    await run(world, { forMs: stretch.forMs, calm: null, sums });
  }
  if (world.checker.violations.length === 0) {
    beginCalm(world, host);
    await runToRest(world, { host, sums });
    if (world.checker.violations.length === 0) await judgeEnd(world, host);
  }
  return {
    seed,
    violations: world.checker.violations,
    hash: world.story.hash,
    troubles: [...new Set(stretches.flatMap(({ troubles }) => (troubles === null ? [] : namesOf(troubles))))],
    injected: Object.fromEntries(world.injected),
    virtualMs: world.timeline.elapsedMs,
    cpuMs: cpuMs() - begunCpuMs,
    ...sums,
    events: world.recorded,
    story: world.story.last(STORY_LINES),
    closed: closedIn(world),
  };
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function hours(ms: number): string {
  return (ms / HOUR_MS).toFixed(2);
}

/** What was recorded last is published as well; while that is waited for, somebody's hour may come. */
async function runToRest(
  world: World,
  { host, sums }: { readonly host: Host; readonly sums: Sums },
): Promise<void> {
  let endMs = world.timeline.elapsedMs + CALM_MS_MAX;
  let closed = closedIn(world);
  for (let rests = 1; rests <= RESTS_MAX; rests++) {
    await run(world, { forMs: endMs - world.timeline.elapsedMs, calm: host, sums });
    if (world.checker.violations.length > 0) return;
    if (closedIn(world) > closed && !(await isResting(world, host))) {
      closed = closedIn(world);
      world.closedAtMs = world.timeline.elapsedMs;
      endMs = world.timeline.elapsedMs + CALM_MS_MAX;
      rests -= 1;
      continue;
    }
    if (world.timeline.elapsedMs - world.recordedAtMs >= FLUSH_MS) return;
    await publishRest(world, host);
    if (await isResting(world, host)) return;
  }
}

function closedIn({ checker }: World): number {
  return [...checker.states.values()].reduce((sum, { past }) => sum + past.length, 0);
}

/** Goes on until the time is over, something bad happened, or everything is at rest. */
async function run(
  world: World,
  { forMs, calm, sums }: { readonly forMs: number; readonly calm: Host | null; readonly sums: Sums },
): Promise<void> {
  const endMs = world.timeline.elapsedMs + forMs;
  let restingSinceMs: number | null = null;
  let lookedAtMs = world.timeline.elapsedMs;
  let over = false;
  const goesOn = (): boolean => {
    const next = world.timeline.nextAtMs();
    over = next === null || next > endMs || world.checker.violations.length > 0 || sums.steps >= STEPS_MAX;
    return !over && world.timeline.elapsedMs < lookedAtMs + REST_LOOK_MS;
  };
  await settle();
  for (;;) {
    await playSteps(
      () => {
        if (!goesOn()) return false;
        world.timeline.step();
        sums.steps += 1;
        return true;
      },
      world.onDisk ? 1 : undefined,
    );
    addHours(world, sums, world.timeline.elapsedMs - lookedAtMs);
    lookedAtMs = world.timeline.elapsedMs;
    if (sums.steps >= STEPS_MAX) throw new Error(`seed ${world.seed} took more than ${STEPS_MAX} steps`);
    if (over) return;
    lookAtRecord(world);
    if (calm === null) continue;
    const rests = await isResting(world, calm);
    restingSinceMs = rests ? (restingSinceMs ?? world.timeline.elapsedMs) : null;
    if (restingSinceMs !== null && world.timeline.elapsedMs - restingSinceMs >= REST_MS) return;
  }
}

interface Sums {
  steps: number;
  cloneHours: number;
  busyHours: number;
}

/** A retired clone does not count; one that waits for a mission does, and one with a mission counts as busy. */
function addHours(world: World, sums: Sums, ms: number): void {
  for (const { spec, phase, mission } of world.checker.states.values()) {
    if (spec !== null && phase !== "Retired") sums.cloneHours += ms / HOUR_MS;
    if (mission !== null) sums.busyHours += ms / HOUR_MS;
  }
}
