import type { Moment, Unfinished, Violation } from "../../src/core/check/fact.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/core/model/time.ts";
import { statusText } from "../../src/reconcile/status-files.ts";
import { isOurs } from "../../src/reconcile/write-back.ts";
import { createDice } from "./dice.ts";
import { createHost, type Host, type Rhythm } from "./host.ts";
import { allowRewrite, commitSomething, failSource, foundFleet, operate, vandalise } from "./people.ts";
import { foreignFile } from "./ports.ts";
import { CALM, namesOf, pickTroubles, type Troubles } from "./swarm.ts";
import { playSteps, settle } from "./timeline.ts";
import { createWorld, type World } from "./world.ts";

export interface SimulationOptions {
  readonly seed: string;
  /** Virtual hours with faults. By default what the seed says, half an hour to two. */
  readonly hours?: number;
  /** Instead of what the seed picks. */
  readonly troubles?: Troubles;
  readonly clones?: number;
  /** Watches for this invariant alone. */
  readonly invariant?: string;
}

export interface SimulationResult {
  readonly seed: string;
  readonly violations: readonly Violation[];
  /** Over everything that happened: equal for equal seeds. */
  readonly hash: string;
  readonly troubles: readonly string[];
  readonly virtualMs: number;
  readonly cloneHours: number;
  readonly steps: number;
  readonly events: number;
  readonly story: readonly string[];
  readonly closed: number;
}

/** Time that the fleet gets to come to rest once nothing disturbs it. */
const CALM_MS_MAX = 12 * HOUR_MS;
/** At rest is believed when it lasts this long. */
const REST_MS = 12 * MINUTE_MS;
const REST_LOOK_MS = 3 * MINUTE_MS;
/** Steps after which a run is taken for one that does not end. */
const STEPS_MAX = 3_000_000;
const STORY_LINES = 400;

/**
 * One run: first faults, in which nothing bad may happen, then calm, in which
 * everything must come to its end or say why not. Depends on the options alone.
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const shape = createDice(`${options.seed}/shape`);
  const troubles = options.troubles ?? pickTroubles(shape);
  const faultMs = Math.round((options.hours ?? 0.5 + shape.fraction() * 1.5) * HOUR_MS);
  const clones = options.clones ?? shape.between(1, 8);
  const world = createWorld(options.seed, troubles, options.invariant);
  const host = createHost(world, rhythmOf(shape));
  world.story.tell(
    `seed ${options.seed}: ${clones} clones, ${(faultMs / HOUR_MS).toFixed(2)} h of ${namesOf(troubles).join(", ") || "nothing"}`,
  );

  foundFleet(world, clones);
  scheduleTroubles(world, host);
  await host.boot();
  let steps = await run(world, faultMs, null);
  if (world.checker.violations.length === 0) {
    beginCalm(world, host);
    steps += await run(world, CALM_MS_MAX, host);
    if (world.checker.violations.length === 0) await judgeEnd(world, host);
  }
  const { elapsedMs } = world.timeline;
  return {
    seed: options.seed,
    violations: world.checker.violations,
    hash: world.story.hash,
    troubles: namesOf(troubles),
    virtualMs: elapsedMs,
    cloneHours: (elapsedMs / HOUR_MS) * Math.max(1, world.checker.states.size),
    steps,
    events: world.recorded,
    story: world.story.last(STORY_LINES),
    closed: [...world.checker.states.values()].reduce((sum, state) => sum + state.past.length, 0),
  };
}

function rhythmOf(dice: ReturnType<typeof createDice>): Rhythm {
  return {
    realLoop: dice.chance(0.1),
    tickMs: dice.between(250, 4_000),
    listMs: dice.between(2_000, 15_000),
    pollMs: dice.between(5_000, 40_000),
  };
}

/** Goes on until the time is over, something bad happened, or everything is at rest. */
async function run(world: World, forMs: number, calm: Host | null): Promise<number> {
  const endMs = world.timeline.elapsedMs + forMs;
  let restingSinceMs: number | null = null;
  let lookAtMs = world.timeline.elapsedMs + REST_LOOK_MS;
  let steps = 0;
  let over = false;
  const goesOn = (): boolean => {
    const next = world.timeline.nextAtMs();
    over = next === null || next > endMs || world.checker.violations.length > 0 || steps >= STEPS_MAX;
    return !over && world.timeline.elapsedMs < lookAtMs;
  };
  await settle();
  for (;;) {
    await playSteps(() => {
      if (!goesOn()) return false;
      world.timeline.step();
      steps += 1;
      return true;
    });
    if (steps >= STEPS_MAX) throw new Error(`seed ${world.seed} took more than ${STEPS_MAX} steps`);
    if (over) return steps;
    lookAtMs = world.timeline.elapsedMs + REST_LOOK_MS;
    await lookAtRecord(world);
    if (calm === null) continue;
    const rests = await isResting(world, calm);
    restingSinceMs = rests ? (restingSinceMs ?? world.timeline.elapsedMs) : null;
    if (restingSinceMs !== null && world.timeline.elapsedMs - restingSinceMs >= REST_MS) return steps;
  }
}

/** Every so often: each fault comes at its own rate, until calm. */
function scheduleTroubles(world: World, host: Host): void {
  const dice = world.dice.fork("troubles");
  const every = (rate: () => number, work: () => void): void => {
    const perHour = rate();
    if (perHour <= 0) return;
    world.timeline.after((-Math.log(1 - dice.fraction()) * HOUR_MS) / perHour, () => {
      if (rate() > 0) work();
      every(rate, work);
    });
  };
  every(
    () => world.troubles.bodiesDiePerHour,
    () => {
      const living = world.machine.living();
      if (living.length > 0) world.machine.destroy(dice.pick(living), "killed from outside");
    },
  );
  every(
    () => world.troubles.sourceErrorsPerHour,
    () => failSource(world),
  );
  every(
    () => world.troubles.commitsPerHour,
    () => commitSomething(world),
  );
  every(
    () => world.troubles.vandalsPerHour,
    () => vandalise(world),
  );
  every(
    () => world.troubles.operatorsPerHour,
    () => operate(world),
  );
  every(
    () => world.troubles.otherPushersPerHour,
    () => void world.statusBranch.write(dice.chance(0.3) ? { "README.md": "mine\n" } : foreignFile(world)),
  );
  every(
    () => world.troubles.crashesPerHour,
    () => (dice.chance(0.3) ? host.crash() : host.crashSoon()),
  );
  every(
    () => world.troubles.rivalsPerHour,
    () => void host.boot(),
  );
  every(
    () => world.troubles.jumpsPerHour,
    () => {
      const byMs = dice.chance(0.5) ? dice.between(-300_000, -1_000) : dice.between(1_000, 600_000);
      world.clockOffsetMs += byMs;
      world.story.tell(`clock: jumps by ${byMs} ms`);
      world.tell({ type: "jumped" });
    },
  );
}

/** Nothing goes wrong any more, and people put right what only they can. */
function beginCalm(world: World, host: Host): void {
  world.story.tell("CALM");
  world.calmSinceMs = world.timeline.elapsedMs;
  world.troubles = CALM;
  world.origin.fail(null);
  world.timeline.after(20 * MINUTE_MS, () => {
    if (world.origin.head === null) world.repository.rewrite();
  });
  for (let minute = 1; minute <= 240; minute += 5)
    world.timeline.after(minute * MINUTE_MS, () => void allowRewrite(world));
  world.timeline.after(1_000, () => void host.boot());
}

async function isResting(world: World, host: Host): Promise<boolean> {
  const { controller } = host;
  if (controller === null) return false;
  const { effects } = await world.store.load();
  return (
    effects.length === 0 &&
    controller.publishDueAt() === null &&
    (await unfinished(world)).every(({ reasons }) => reasons.length > 0)
  );
}

async function momentOf(world: World): Promise<Moment> {
  const { states, effects } = await world.store.load();
  return {
    states: new Map(states.map((state) => [state.name, state])),
    effects,
    now: world.now(),
    calm: world.timeline.elapsedMs - world.calmSinceMs > 3 * MINUTE_MS,
    living: world.machine.living().map(({ clone, epoch, shim }) => ({
      clone,
      epoch,
      agent: shim?.working === true,
      paused: shim?.paused === true,
    })),
    status: null,
    unfinished: null,
  };
}

async function lookAtRecord(world: World): Promise<void> {
  world.checker.look(await momentOf(world));
}

/** What must be true at the very end. */
async function judgeEnd(world: World, host: Host): Promise<void> {
  const { controller } = host;
  if (controller === null) throw new Error("the controller does not live in calm");
  tellForeign(world);
  const moment = await momentOf(world);
  const picture = controller.picture();
  world.checker.look({
    ...moment,
    unfinished: await unfinished(world),
    status: { actual: world.statusBranch.files, expected: ours(statusText(picture).files) },
  });
  const report = await world.store.verify();
  if (!report.ok) throw new Error(`the store's own chain is broken at ${report.brokenAtSeq}`);
}

/** What others really committed to the status branch, by the branch itself: a file that was meant to come in between may never have. */
function tellForeign(world: World): void {
  let before: ReadonlyMap<string, string> = new Map();
  for (const { author, files } of world.statusBranch.commits) {
    for (const [path, content] of files) {
      if (author === "somebody" && !isOurs(path) && before.get(path) !== content)
        world.tell({ type: "foreign", path, content });
    }
    before = files;
  }
}

function ours(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...files].filter(([path]) => isOurs(path)));
}

/** Missions that are declared or on a lane and not closed, with everything that keeps them from their end; what is said of their next run does not. */
async function unfinished(world: World): Promise<readonly Unfinished[]> {
  const { plane } = world;
  if (plane === null) return [{ mission: "every", reasons: [], explained: [] }];
  const fleet = plane.fleet();
  const found: Unfinished[] = [];
  for (const mission of fleet.missions) {
    if (mission.closure !== null) continue;
    const lane = fleet.clones.find((clone) => clone.name === mission.clone && clone.mission === mission.name);
    const held = fleet.held.filter(
      ({ subject, action, reason }) =>
        (lane === undefined ? action === "assign" : action === "start" || action === "adopt") &&
        reason !== "ContractFixed" &&
        (subject === `mission/${mission.name}` || (lane !== undefined && subject === `clone/${lane.name}`)),
    );
    const why = await plane.why(mission.name);
    found.push({
      mission: mission.name,
      reasons: [...(lane?.holds ?? []).map((hold) => hold.reason), ...held.map(({ reason }) => reason)],
      explained: (why?.steps ?? []).map((step) => step.reason),
    });
  }
  return found;
}
