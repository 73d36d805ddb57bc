/** When a controller dies: by a dice, after so many requests to the forge, so many writes of its record, or so many milliseconds. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Dice } from "../chaos/dice.ts";
import type { Walk } from "../support/walk/walk.ts";

export type Moment =
  /** With the request on its way: done by the forge or not, which is up to `done`. Nobody hears the answer. */
  | { readonly after: "requests"; readonly count: number; readonly done: boolean }
  | { readonly after: "writes"; readonly count: number }
  | { readonly after: "ms"; readonly count: number };

const REQUESTS_MAX = 6;
const WRITES_MAX = 8;
/** A controller is up after some 700 ms: some die before they have listened. */
const LIFE_MS = [30, 1_500] as const;
const LOOK_MS = 2;

export function rollMoment(dice: Dice): Moment {
  const after = dice.pick(["requests", "requests", "writes", "ms"] as const);
  if (after === "requests")
    return { after, count: 1 + Math.floor(dice.fraction() * REQUESTS_MAX), done: dice.fraction() < 0.5 };
  if (after === "writes") return { after, count: 1 + Math.floor(dice.fraction() * WRITES_MAX) };
  return { after, count: Math.round(dice.between(...LIFE_MS)) };
}

export function momentText(moment: Moment): string {
  const unit = { requests: "requests", writes: "writes of the record", ms: "ms" }[moment.after];
  const what = moment.after === "requests" ? (moment.done ? ", done" : ", not done") : "";
  return `after ${moment.count} ${unit}${what}`;
}

/** Resolves when the record of the walk was written to so often from now on; false where `over` came first. */
export async function untilWritten(walk: Walk, count: number, over: AbortSignal): Promise<boolean> {
  const file = join(walk.world.dataDir, "factory.db-wal");
  let [seen, writes] = [markOf(file), 0];
  while (!over.aborted) {
    const now = markOf(file);
    if (now !== seen) writes += 1;
    seen = now;
    if (writes >= count) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return false;
}

export async function untilPassed(ms: number, over: AbortSignal): Promise<boolean> {
  if (over.aborted) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), ms);
  over.addEventListener("abort", () => resolve(false), { once: true });
  return promise.finally(() => clearTimeout(timer));
}

function markOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.size} ${stat.mtimeMs}`;
}
