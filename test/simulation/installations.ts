/**
 * Several installations on one repository, each with the real right to act, on a virtual clock: pushes that are slow, lost
 * or refused, controllers that stand still, die, start again and sleep, clocks that are set. At no moment may two of them begin anything.
 */
import { DEFAULT_FLEET_POLICY } from "../../src/core/model/desired.ts";
import { LEASE_PATH } from "../../src/core/model/fleet-lease.ts";
import { MINUTE_MS, SECOND_MS } from "../../src/core/model/time.ts";
import type { LeasePlace, LeaseSighting } from "../../src/ports/lease-place.ts";
import { silentLog } from "../../src/ports/log.ts";
import type { PublishResult, StatusChange, StatusReading } from "../../src/ports/status-branch.ts";
import { createFleetRight, type FleetRight } from "../../src/reconciler/record/fleet-right.ts";
import { createFakeStatusBranch, type FakeStatusBranch } from "../support/fake/status-branch.ts";
import { createDice, type Dice } from "./dice.ts";
import { createTimeline, playSteps, settle, type Timeline } from "./timeline.ts";

/** What somebody could get wrong. Each must be caught. */
export type Bug =
  /** Takes a lease for free that is not. */
  | "takes over before its time"
  /** Counts its own time from the answer and forgets what it slept. */
  | "does not stand down"
  /** Pushes whatever stands there. */
  | "does not compare and swap";

export interface RaceResult {
  /** Moments at which two could begin something. */
  readonly violations: readonly string[];
  /** How often the right to act changed hands. */
  readonly terms: number;
  /** Virtual time in which somebody could begin something. */
  readonly actedMs: number;
}

const INSTALLATIONS = 3;
const RACE_MS = 8 * 60 * MINUTE_MS;
const LEASE_MS = 1_800 * SECOND_MS;
const TICK_MS = 2 * SECOND_MS;

export async function raceForRight(seed: string, bug: Bug | null = null): Promise<RaceResult> {
  const dice = createDice(seed);
  const timeline = createTimeline();
  const branch = createFakeStatusBranch();
  const all = Array.from({ length: INSTALLATIONS }, (_, index) =>
    createInstallation(`factory-${index}`, {
      dice: dice.fork(`installation ${index}`),
      timeline,
      branch,
      bug,
    }),
  );
  const violations: string[] = [];
  let actedMs = 0;
  let endsAtMs = RACE_MS;
  await settle();
  await playSteps(() => {
    const next = timeline.nextAtMs();
    if (next === null || next > endsAtMs) return false;
    const acting = all.filter((one) => one.acts());
    if (acting.length > 0) actedMs += next - timeline.elapsedMs;
    if (acting.length > 1) {
      violations.push(`at ${timeline.elapsedMs} ms ${acting.map(({ name }) => name).join(" and ")} act`);
      endsAtMs = 0;
    }
    timeline.step();
    return true;
  });
  const terms = branch.commits.filter(({ subject }) => subject.startsWith("Take ")).length;
  return { violations, terms, actedMs };
}

function createInstallation(
  name: string,
  world: {
    readonly dice: Dice;
    readonly timeline: Timeline;
    readonly branch: FakeStatusBranch;
    readonly bug: Bug | null;
  },
): { readonly name: string; acts(): boolean } {
  const { dice, timeline, branch, bug } = world;
  const settings = new Map<string, string>();
  let sighting: LeaseSighting | null = null;
  let nonces = 0;
  /** How far the wall clock is from true time, and how much of it the steady clock has slept through. */
  let setMs = dice.between(0, 60 * MINUTE_MS);
  let sleptMs = 0;
  let asleep = false;
  let dead = false;
  let life = 0;
  const wall = (): number => Date.UTC(2026, 10, 29) + timeline.elapsedMs + setMs;
  const steady = (): number => timeline.elapsedMs + 1_000_000 - sleptMs;
  const delay = (ms: number): Promise<void> => new Promise((resolve) => void timeline.after(ms, resolve));
  const place: LeasePlace = {
    key: `ssh-ed25519 ${name}`,
    host: name,
    machine: name,
    home: name,
    directory: name,
    nonce: () => `${name}-${++nonces}`,
    bootMs: steady,
    holderGone: () => bug === "takes over before its time" && dice.chance(0.2),
    readSighting: () => sighting,
    writeSighting: (one) => {
      sighting = one;
    },
    superseded: () => false,
    forgetSuperseded: () => {},
  };
  const open = (): FleetRight =>
    createFleetRight({
      place,
      installation: name,
      recorder: {
        settings,
        putSettings: async (changes) => {
          for (const [key, value] of Object.entries(changes)) settings.set(key, value ?? "");
        },
      },
      policy: () => DEFAULT_FLEET_POLICY.writeBack,
      clock: { now: wall, sleep: delay },
      log: silentLog,
      onChange: () => {},
      troubles: { saw: () => {} },
    });
  let right = open();

  /** A process that stands still does nothing before it goes on, and its push may have been on its way. */
  async function goOn(mine: number): Promise<boolean> {
    while (asleep && mine === life) await delay(TICK_MS);
    return mine === life;
  }

  async function push(change: StatusChange): Promise<PublishResult> {
    const mine = life;
    await delay(dice.between(1, 20 * SECOND_MS));
    const trouble = dice.pick(["none", "none", "none", "refused", "lost"] as const);
    if (trouble === "refused") return { type: "failed", retryable: true, message: "refused on purpose" };
    if (trouble === "lost") branch.loseAnswers(1);
    const { asOf: _, ...blind } = change;
    const result = await branch.publish(
      bug === "does not compare and swap" ? blind : change,
      new AbortController().signal,
    );
    await delay(dice.between(1, 20 * SECOND_MS));
    return (await goOn(mine)) ? result : new Promise(() => {});
  }

  async function read(): Promise<StatusReading> {
    await delay(dice.between(1, 10 * SECOND_MS));
    if (dice.chance(0.1)) throw new Error("the origin does not answer");
    return branch.read(new AbortController().signal);
  }

  async function run(): Promise<void> {
    const mine = life;
    let base: string | null = null;
    for (;;) {
      await delay(dice.between(1, 2 * TICK_MS));
      if (!(await goOn(mine))) return;
      await right.settle({
        look: async () => {
          const reading = await read();
          base = reading.commit;
          right.saw(reading);
        },
        push,
        mayTake: () => true,
      });
      const text = right.stamp(dice.chance(0.01));
      if (text === null) continue;
      const begun = right.now();
      const reading = await read().catch(() => null);
      if (reading !== null) {
        right.saw(reading);
        base = reading.commit;
      }
      const change = { files: new Map([[LEASE_PATH, text]]), removed: [], subject: "Publish", trailers: {} };
      const result = await push({ ...change, asOf: base });
      if (result.type !== "pushed") continue;
      base = result.commit;
      await right.stamped(text, begun);
    }
  }

  function trouble(): void {
    const mine = life;
    const forMs = dice.between(1, 90 * MINUTE_MS);
    const kind = dice.pick(["stands still", "sleeps", "dies", "is set"] as const);
    if (kind === "is set") setMs += dice.between(0, 2 * 60 * MINUTE_MS);
    if (kind === "stands still" || kind === "sleeps") {
      asleep = true;
      timeline.after(forMs, () => {
        if (kind === "sleeps") sleptMs += forMs;
        if (mine === life) asleep = false;
      });
    }
    if (kind === "dies") {
      life += 1;
      dead = true;
      asleep = false;
      timeline.after(forMs, () => {
        dead = false;
        right = open();
        void run();
      });
    }
    timeline.after(forMs + dice.between(1, 60 * MINUTE_MS), trouble);
  }

  void run();
  timeline.after(dice.between(1, 60 * MINUTE_MS), trouble);
  return {
    name,
    acts() {
      if (dead || asleep) return false;
      if (bug !== "does not stand down") return right.obstacle() === null;
      return right.obstacle() === null || right.standing()?.message.includes("has run out") === true;
    },
  };
}

/** By what a race is worth something: the right changed hands, and was held for most of the time. */
export const ACTED_MS_MIN = RACE_MS / 4;
export { LEASE_MS };
