/**
 * Descriptors that this process keeps open for nothing, so that it has some when somebody has made it use up all others: to
 * read the kill switch and the process table, and to end what runs.
 *
 * They belong to the process, as the limit does, so there is one set of them. A process that keeps none, such as a
 * command that looks once, takes what it gets.
 */
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

/** One look takes one or two: a folder, and a file in it. */
const ONE_LOOK = 4;
/** Where the limit cannot be read: what systems gave when that was written in stone. */
const LIMIT_UNKNOWN = 1_024;

const spare: number[] = [];
/** As many as are kept while nobody has borrowed them. */
let wanted = 0;
/** Stops under way. */
let borrowers = 0;
/** When one was missing last, by the monotonic clock. */
let missedAt: number | null = null;

/** Opens them. A repeat changes how many; fewer are kept where there are fewer. */
export function keepSpareDescriptors(count: number): void {
  wanted = count;
  refill();
}

/** A sixteenth of what this process may have, and not more than a stop with all that it starts can use. */
export function spareDescriptorsFor(limit = descriptorLimit()): number {
  return Math.max(SPARE_MIN, Math.min(SPARE_MAX, Math.floor(limit / 16)));
}

const SPARE_MIN = 8;
const SPARE_MAX = 64;

/**
 * Takes a look that opens files and leaves none open, without a wait in it: where a descriptor is missing it is taken again with some
 * of the spare ones, which nobody can take in between. What it throws then is its own.
 */
export function withSpare<T>(look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (!isOutOfDescriptors(error)) throw error;
    missedAt = performance.now();
    if (spare.length === 0) throw error;
  }
  give(ONE_LOOK);
  try {
    return look();
  } finally {
    refill();
  }
}

/**
 * Gives all of them back for something that takes a while and has to be done, as a stop. Answers with what takes them
 * again, when the last of those who borrowed is done.
 */
export function borrowSpare(): () => void {
  borrowers += 1;
  give(spare.length);
  let returned = false;
  return () => {
    if (returned) return;
    returned = true;
    borrowers -= 1;
    refill();
  };
}

export interface DescriptorUse {
  readonly open: number;
  readonly limit: number;
  /** Of `open`, those that are kept for nothing. */
  readonly spare: number;
  /** Since one was missing; null: none ever was. */
  readonly missedMsAgo: number | null;
}

export function descriptorUse(): DescriptorUse {
  refill();
  const open = withSpare(() => readdirSync("/proc/self/fd")).length - 1; // That of the listing itself.
  const missedMsAgo = missedAt === null ? null : performance.now() - missedAt;
  return { open, limit: descriptorLimit(), spare: spare.length, missedMsAgo };
}

/** How many this process may have open at once. It does not change while we run: nobody but us lowers it. */
export function descriptorLimit(): number {
  known ??= readLimit();
  return known;
}

let known: number | null = null;

function readLimit(): number {
  try {
    const text = withSpare(() => readFileSync("/proc/self/limits", "latin1"));
    const soft = /^Max open files\s+(\d+)/m.exec(text)?.[1];
    return soft === undefined ? LIMIT_UNKNOWN : Number(soft);
  } catch {
    return LIMIT_UNKNOWN;
  }
}

function give(count: number): void {
  for (const descriptor of spare.splice(Math.max(0, spare.length - count))) closeSync(descriptor);
}

/** As far as there are any: whoever asks next tries again. */
function refill(): void {
  if (borrowers > 0) return;
  if (spare.length > wanted) give(spare.length - wanted);
  try {
    while (spare.length < wanted) spare.push(openSync("/dev/null", "r"));
  } catch {
    missedAt = performance.now();
  }
}

function isOutOfDescriptors(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENFILE");
}
