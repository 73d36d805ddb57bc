import { HOUR_MS, MINUTE_MS } from "../../src/core/model/time.ts";
import type { Dice } from "./dice.ts";
import { pickTroubles, type Troubles } from "./swarm.ts";

/** What a run will be like, drawn from its seed before it begins. */
export interface Course {
  readonly clones: number;
  /** Missions of hours, whose authors dispatch the next run when one is over; otherwise of minutes, and once. */
  readonly long: boolean;
  readonly stretches: readonly Stretch[];
  readonly rhythm: Rhythm;
  /** The record lies in a real SQLite file. */
  readonly onDisk: boolean;
  /** Shims hold limits by themselves. */
  readonly holdsLimits: boolean;
}

/** A part of a run: a storm has troubles, a quiet stretch has none. After the last one comes calm. */
export interface Stretch {
  readonly forMs: number;
  readonly troubles: Troubles | null;
}

/** How often a controller does what. */
export interface Rhythm {
  /** The real loop with its own rhythm, or the same steps at other times. */
  readonly realLoop: boolean;
  readonly tickMs: number;
  readonly listMs: number;
  readonly pollMs: number;
  /** How often it looks whether a publication is due. */
  readonly publishMs: number;
  /** How many times as long it waits while nothing disturbs. */
  readonly calmTimes: number;
}

/** Clone-hours that a long run is meant to have, calm apart. */
const LONG_CLONE_HOURS = 50;
const LONG_HOURS_MIN = 4;
const LONG_HOURS_MAX = 14;
/** Some seeds stay short, for many beginnings. */
const SHORT_CHANCE = 0.1;
/** The real loop takes ten times as many steps. */
const REAL_LOOP_CHANCE = 0.1;
/** A real file costs as much again as everything else. */
const ON_DISK_CHANCE = 0.1;
const HOLDS_LIMITS_CHANCE = 0.2;
const REAL_LOOP_PART = 0.5;
const STORMS_MAX = 4;

/** With `hours` or troubles that are given, or when it is to be short, one storm and nothing else. */
export function drawCourse(
  dice: Dice,
  options: {
    readonly hours?: number | undefined;
    readonly troubles?: Troubles | undefined;
    readonly clones?: number | undefined;
    readonly short?: boolean | undefined;
  },
): Course {
  const swarm = options.troubles ?? pickTroubles(dice);
  const hours = options.hours ?? 0.5 + dice.fraction() * 1.5;
  const clones = options.clones ?? dice.between(1, 8);
  const { short = options.hours !== undefined || options.troubles !== undefined } = options;
  const realLoop = dice.chance(short ? 0.1 : REAL_LOOP_CHANCE);
  const tickMs = dice.between(250, 4_000);
  const rhythm = {
    realLoop,
    tickMs,
    publishMs: tickMs,
    calmTimes: 1,
    listMs: dice.between(2_000, 15_000),
    pollMs: dice.between(5_000, 40_000),
  };
  // Dice of their own, so that seeds go the way they went before.
  const onDisk = dice.fork("record file").chance(ON_DISK_CHANCE);
  const holdsLimits = dice.fork("held limits").chance(HOLDS_LIMITS_CHANCE);
  const parts = { onDisk, holdsLimits };
  const played = !short && realLoop ? hours * REAL_LOOP_PART : hours;
  if (short || realLoop || dice.chance(SHORT_CHANCE)) {
    const storm = { forMs: Math.round(played * HOUR_MS), troubles: swarm };
    return { clones, long: false, stretches: [storm], rhythm, ...parts };
  }
  return { ...drawLong(dice, swarm), rhythm: slower(dice, rhythm), ...parts };
}

function drawLong(dice: Dice, swarm: Troubles): Omit<Course, "rhythm" | "onDisk" | "holdsLimits"> {
  const clones = dice.between(3, 10);
  const hours = Math.min(Math.max(LONG_CLONE_HOURS / clones, LONG_HOURS_MIN), LONG_HOURS_MAX);
  const storms = dice.between(1, STORMS_MAX);
  const stretches: Stretch[] = [];
  let leftMs = hours * HOUR_MS;
  for (let storm = 0; storm < storms; storm++) {
    const forMs = dice.between(8, 40) * MINUTE_MS;
    // The first one is the seed's own; the next may be another, or the same once more.
    const troubles = storm === 0 || dice.chance(0.5) ? swarm : pickTroubles(dice);
    const quietMs = Math.max(
      10 * MINUTE_MS,
      Math.round((leftMs / (storms - storm)) * (0.5 + dice.fraction()) - forMs),
    );
    const pair: Stretch[] = [
      { forMs, troubles },
      { forMs: quietMs, troubles: null },
    ];
    stretches.push(...(dice.chance(0.5) ? pair : pair.reverse()));
    leftMs = Math.max(0, leftMs - forMs - quietMs);
  }
  return { clones, long: true, stretches };
}

/** Over hours the same questions are asked less often; deadlines must be met by any rhythm. */
function slower(dice: Dice, rhythm: Rhythm): Rhythm {
  return {
    ...rhythm,
    tickMs: dice.between(500, 4_000),
    publishMs: dice.between(500, 15_000),
    calmTimes: 3,
    listMs: dice.between(5_000, 40_000),
    pollMs: dice.between(15_000, 90_000),
  };
}
