/** Keys by the time at which they are due; keys of the same time in the order in which they came. */
export interface DueList<Key> {
  /** Puts a key in. One that is in it already keeps the sooner of the two times. */
  put(key: Key, at: number): void;
  /** Takes out the key that is due first, if its time has come. */
  take(now: number): Key | null;
  /** When the first one is due; null: none waits. */
  first(): number | null;
}

interface Entry<Key> {
  readonly key: Key;
  readonly at: number;
  readonly order: number;
}

/** A binary heap. An entry that was overtaken by a sooner one of its key stays until it comes up, and is passed over then. */
export function createDueList<Key>(): DueList<Key> {
  const heap: Entry<Key>[] = [];
  const current = new Map<Key, Entry<Key>>();
  let order = 0;

  function put(key: Key, at: number): void {
    const before = current.get(key);
    if (before !== undefined && before.at <= at) return;
    const entry = { key, at, order: order++ };
    current.set(key, entry);
    heap.push(entry);
    up(heap.length - 1);
  }

  function up(from: number): void {
    for (let index = from; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!isBefore(index, parent)) return;
      swap(index, parent);
      index = parent;
    }
  }

  function down(): void {
    for (let index = 0; ; ) {
      const left = 2 * index + 1;
      const child = left + 1 < heap.length && isBefore(left + 1, left) ? left + 1 : left;
      if (child >= heap.length || !isBefore(child, index)) return;
      swap(index, child);
      index = child;
    }
  }

  function isBefore(a: number, b: number): boolean {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.at < other.at || (one.at === other.at && one.order < other.order);
  }

  function swap(a: number, b: number): void {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  }

  /** The first entry that was not overtaken. */
  function top(): Entry<Key> | null {
    for (let entry = heap[0]; entry !== undefined; entry = heap[0]) {
      if (current.get(entry.key) === entry) return entry;
      drop();
    }
    return null;
  }

  function drop(): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    down();
  }

  return {
    put,
    take(now) {
      const entry = top();
      if (entry === null || entry.at > now) return null;
      drop();
      current.delete(entry.key);
      return entry.key;
    },
    first: () => top()?.at ?? null,
  };
}
