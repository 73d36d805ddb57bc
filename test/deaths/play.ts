/** One walk-through during which the controller dies again and again, and what an oracle of its own finds at the end. */
import { createDice, type Dice } from "../chaos/dice.ts";
import type { Fault, Seen } from "../support/forge/proxy.ts";
import { STEPS } from "../support/walk/steps.ts";
import { openWalk, type Walk } from "../support/walk/walk.ts";
import { type Moment, momentText, rollMoment, untilPassed, untilWritten } from "./death.ts";
import { judge } from "./oracle.ts";
import { createTrouble, mailBy } from "./trouble.ts";

export interface Death {
  readonly step: string;
  readonly moment: Moment;
}

export interface PlayedWalk {
  readonly seed: number;
  readonly deaths: readonly Death[];
  /** How often the forge did what. */
  readonly trouble: ReadonlyMap<string, number>;
  readonly requests: number;
  readonly tookMs: number;
  /** What should not be; none where every promise held. */
  readonly problems: readonly string[];
}

export interface PlayOptions {
  readonly seed: number;
  /** At most, over all steps. A step that ends before a controller's moment has come spares it. */
  readonly kills: number;
  readonly log?: (line: string) => void;
  /** What takes everything down that the walk has started, for whoever is interrupted in the middle of it. */
  readonly onOpen?: (close: () => Promise<void>) => void;
}

/** For one wait of a step, with deaths and trouble on the way: a forge that fails now and then is asked several times over. */
const WITHIN_MS = 300_000;

export async function playWalk({
  seed,
  kills,
  log = () => {},
  onOpen = () => {},
}: PlayOptions): Promise<PlayedWalk> {
  const began = performance.now();
  const dice = createDice(seed);
  const trouble = createTrouble(createDice(seed + 1));
  const deaths: Death[] = [];
  const walk = await openWalk(`deaths-${seed}`, {
    mail: mailBy(createDice(seed + 2)),
    withinMs: WITHIN_MS,
    spawned: false,
  });
  onOpen(() => walk.close());
  const problems: string[] = [];
  let at = "";
  const reaper = createReaper({
    walk,
    dice,
    trouble: (seen) => trouble.next(seen),
    onDeath(moment) {
      deaths.push({ step: at, moment });
      log(`  ${at}: killed ${momentText(moment)}`);
    },
  });
  try {
    for (const [index, step] of STEPS.entries()) {
      at = step.heading;
      // Each step has its share; what the ones before it have left over is added.
      reaper.allow(Math.ceil((kills * (index + 1)) / STEPS.length));
      await step.act(walk);
      await step.seen(walk);
    }
    await reaper.end();
    trouble.end();
    problems.push(...(await judge(walk)));
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  } finally {
    await reaper.end();
    await walk.close().catch((error: unknown) => problems.push(String(error)));
  }
  const requests = walk.standIn.requests.length;
  return { seed, deaths, trouble: trouble.counts, requests, tookMs: performance.now() - began, problems };
}

interface Reaper {
  /** So many deaths in all from now on. */
  allow(most: number): void;
  /** Resolves when nobody is killed any more, and a controller lives. */
  end(): Promise<void>;
}

function createReaper(parts: {
  readonly walk: Walk;
  readonly dice: Dice;
  readonly trouble: (seen: Seen) => Fault | null;
  readonly onDeath: (moment: Moment) => void;
}): Reaper {
  const { walk, dice, trouble } = parts;
  const over = new AbortController();
  let atRequest: (() => Fault | null) | null = null;
  let [allowed, fallen] = [0, 0];
  let more = Promise.withResolvers<void>();
  walk.standIn.setFault((seen) => atRequest?.() ?? trouble(seen));

  /** Resolves when the moment has come; false where the end came first. */
  async function fall(moment: Moment): Promise<boolean> {
    if (moment.after === "writes") return untilWritten(walk, moment.count, over.signal);
    if (moment.after === "ms") return untilPassed(moment.count, over.signal);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    let requests = 0;
    atRequest = () => {
      requests += 1;
      if (requests < moment.count) return null;
      atRequest = null;
      walk.kill();
      resolve(true);
      return moment.done ? { type: "lose-answer" } : { type: "reset" };
    };
    over.signal.addEventListener("abort", () => resolve(false), { once: true });
    return promise;
  }

  async function reap(): Promise<void> {
    walk.spawn();
    for (;;) {
      while (fallen >= allowed && !over.signal.aborted) await more.promise;
      if (over.signal.aborted) return;
      const moment = rollMoment(dice);
      if (!(await fall(moment))) return;
      walk.kill();
      await walk.gone();
      fallen += 1;
      parts.onDeath(moment);
      walk.spawn();
    }
  }

  const reaping = reap();
  return {
    allow(most) {
      allowed = most;
      more.resolve();
      more = Promise.withResolvers();
    },
    async end() {
      over.abort();
      more.resolve();
      await reaping;
      atRequest = null;
    },
  };
}
