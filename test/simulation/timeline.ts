/**
 * Virtual time. Nothing happens between two entries; entries of the same
 * millisecond happen in the order in which they were put there. Time reconciler only by `step`.
 */
export interface Timeline {
  /** True time since the beginning, which nobody can set. */
  readonly elapsedMs: number;
  /** Runs `work` when `ms` have passed; the answer takes it back. */
  after(ms: number, work: () => void): () => void;
  /** When the next entry is due; null when nothing is left. */
  nextAtMs(): number | null;
  /** Goes to the next entry and runs it. */
  step(): void;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  work: (() => void) | null;
}

export function createTimeline(): Timeline {
  const heap: Entry[] = [];
  let elapsedMs = 0;
  let order = 0;

  const earlier = (a: Entry, b: Entry): boolean =>
    a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

  function push(entry: Entry): void {
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !earlier(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  function pop(): Entry | undefined {
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || top === last) return top;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && earlier(right, left)) child += 1;
      const least = heap[child];
      if (least === undefined || !earlier(least, last)) break;
      heap[index] = least;
      index = child;
    }
    heap[index] = last;
    return top;
  }

  return {
    get elapsedMs() {
      return elapsedMs;
    },
    after(ms, work) {
      const entry: Entry = { atMs: elapsedMs + Math.max(0, Math.round(ms)), order: order++, work };
      push(entry);
      return () => {
        entry.work = null;
      };
    },
    nextAtMs() {
      while (heap[0]?.work === null) pop();
      return heap[0]?.atMs ?? null;
    },
    step() {
      const entry = pop();
      if (entry === undefined || entry.work === null) return;
      elapsedMs = entry.atMs;
      entry.work();
    },
  };
}

/** Lets every promise that can go on do so: microtasks run to their end before the next turn of the loop. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Steps that share one turn of the loop: a turn costs as much as a step does. */
const STEPS_PER_TURN = 64;

/**
 * Takes steps until `step` answers false, and lets every promise that can go on do so after each: between
 * two callbacks of one turn microtasks run to their end. Whoever waits for a turn of the loop itself gets it
 * after at most `stepsPerTurn` steps, the same ones in every run.
 */
export function playSteps(step: () => boolean, stepsPerTurn = STEPS_PER_TURN): Promise<void> {
  return new Promise((resolve, reject) => {
    let over = false;
    const one = (last: boolean): void => {
      if (over) return;
      try {
        over = !step();
      } catch (error) {
        over = true;
        reject(error);
        return;
      }
      // Not before the promises of this last step have gone on.
      if (over) setImmediate(resolve);
      else if (last) turn();
    };
    const turn = (): void => {
      for (let taken = 1; taken <= stepsPerTurn; taken++) setImmediate(one, taken === stepsPerTurn);
    };
    turn();
  });
}
