/** Keeps what an agent says within bounds, without losing the newest of it. */

/** Passes the first value at once and afterwards the newest one per interval. */
export function coalesce<T>(
  intervalMs: () => number,
  emit: (value: T) => void,
): { push(value: T): void; flush(): void } {
  let waiting: { readonly value: T } | null = null;
  let timer: NodeJS.Timeout | null = null;
  const emitWaiting = (): boolean => {
    if (waiting === null) return false;
    const { value } = waiting;
    waiting = null;
    emit(value);
    return true;
  };
  const rest = (): void => {
    timer = setTimeout(() => {
      timer = null;
      if (emitWaiting()) rest();
    }, intervalMs());
  };
  return {
    push(value) {
      waiting = { value };
      if (timer !== null) return;
      emitWaiting();
      rest();
    },
    flush() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      emitWaiting();
    },
  };
}

/** Lets so many through in a minute, and tells how many it did not. */
export function countPerMinute(max: number, onDropped: (count: number) => void): { allow(): boolean } {
  let begun = performance.now();
  let count = 0;
  return {
    allow() {
      const now = performance.now();
      if (now - begun >= 60_000) {
        if (count > max) onDropped(count - max);
        begun = now;
        count = 0;
      }
      count += 1;
      return count <= max;
    },
  };
}
