/** What a fleet is like, drawn once from its seed: of everything that the files can say, each fleet says a part. */
import { HOUR_MS } from "../../src/core/model/time.ts";
import { createDice, type Dice } from "./dice.ts";

export interface FleetShape {
  /** How many overlays there are; clones take one or two of them, so that they form groups. */
  readonly overlays: number;
  /** Some missions stand in line for a clone that has another one. */
  readonly sharedLanes: boolean;
  /** Missions have a limit in money; agents say what they cost, or how many tokens they used. */
  readonly money: "none" | "cost" | "tokens";
  readonly dayCaps: DayCaps | null;
  /** IANA names in which windows are written. */
  readonly zones: readonly string[];
  readonly labels: boolean;
  /** A part of the criteria is judged by people. */
  readonly humanReview: boolean;
  readonly templates: boolean;
  readonly explicitAccept: boolean;
  /** Seconds that an agent has to come to the end of its turn. */
  readonly graceSeconds: number;
  readonly approvals: { readonly quorum: number; readonly expiresMinutes: number } | null;
  readonly orphans: { readonly action: "continue" | "pause" | "terminate"; readonly minutes: number };
  readonly restart: { readonly intensity: number; readonly periodMinutes: number } | null;
  /** Other thresholds than the built-in ones, in percent. */
  readonly pausePercent: number | null;
  /** Missions are short, and the next run is dispatched as soon as one is over. */
  readonly manyRuns: boolean;
  /** Each clone has an account of its own, or all share one. */
  readonly accounts: "shared" | "own";
  /** Seconds after which an agent that gets nowhere is nudged. */
  readonly progressSeconds: number | null;
}

export interface DayCaps {
  readonly timezone: string;
  readonly calls: number | null;
  readonly callsPerClone: number | null;
  readonly usd: number | null;
}

/** Zones whose clocks change, some by half an hour, and some that never do. */
const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "America/St_Johns",
  "Pacific/Auckland",
  "UTC",
] as const;

/** The plain fleet that every part is an addition to; tests about other things use it. */
export const PLAIN: FleetShape = {
  overlays: 1,
  sharedLanes: false,
  money: "none",
  dayCaps: null,
  zones: [],
  labels: false,
  humanReview: false,
  templates: false,
  explicitAccept: false,
  graceSeconds: 0,
  approvals: null,
  orphans: { action: "continue", minutes: 24 * 60 },
  restart: null,
  pausePercent: null,
  manyRuns: false,
  accounts: "shared",
  progressSeconds: null,
};

/** Each part by itself, so that any two of them meet in some fleet. */
export function drawShape(dice: Dice): FleetShape {
  const zones = dice.chance(0.4) ? dice.shuffled(ZONES).slice(0, dice.between(1, 3)) : [];
  return {
    overlays: dice.chance(0.4) ? dice.between(2, 3) : 1,
    sharedLanes: dice.chance(0.35),
    money: dice.chance(0.4) ? dice.pick(["cost", "tokens"] as const) : "none",
    dayCaps: dice.chance(0.25)
      ? {
          timezone: dice.pick(ZONES),
          calls: dice.chance(0.6) ? dice.between(20, 400) : null,
          callsPerClone: dice.chance(0.6) ? dice.between(10, 150) : null,
          usd: dice.chance(0.4) ? dice.between(1, 6) : null,
        }
      : null,
    zones,
    labels: dice.chance(0.4),
    humanReview: dice.chance(0.3),
    templates: dice.chance(0.25),
    explicitAccept: dice.chance(0.3),
    graceSeconds: dice.chance(0.35) ? dice.between(1, 120) : 0,
    approvals: dice.chance(0.5)
      ? { quorum: dice.between(1, 2), expiresMinutes: dice.pick([5, 10, 30, 120, 600]) }
      : null,
    orphans: dice.chance(0.35)
      ? { action: dice.pick(["pause", "terminate"] as const), minutes: dice.pick([3, 10, 30, 60]) }
      : PLAIN.orphans,
    restart: dice.chance(0.35)
      ? { intensity: dice.between(0, 6), periodMinutes: dice.pick([2, 10, 30]) }
      : null,
    pausePercent: dice.chance(0.25) ? dice.pick([60, 75, 95, 100]) : null,
    manyRuns: dice.chance(0.15),
    accounts: dice.chance(0.3) ? "own" : "shared",
    progressSeconds: dice.chance(0.25) ? dice.pick([300, 900, 3_600]) : null,
  };
}

/** An ordinary afternoon. */
const AFTERNOON = Date.UTC(2026, 10, 23, 12, 0, 0);
/** Hours before clocks are changed: back in Europe, back in America, forwards in America, forwards in Europe. */
const CHANGES = [
  Date.UTC(2026, 9, 25, 1),
  Date.UTC(2026, 10, 1, 6),
  Date.UTC(2027, 2, 14, 7),
  Date.UTC(2027, 2, 28, 1),
] as const;
const CHANGE_CHANCE = 0.2;

/** The moment at which a simulation begins, by the controller's clock. */
export function drawBeginning(seed: string): number {
  const dice = createDice(`${seed}/beginning`);
  return dice.chance(CHANGE_CHANCE) ? dice.pick(CHANGES) - dice.between(0, 8) * HOUR_MS : AFTERNOON;
}
