/** At most so many at a time; the others wait in the order in which they came, or go without. */
export interface Turns {
  /** Resolves with what ends the turn. Rejects when `signal` aborts before there is one. */
  enter(signal: AbortSignal): Promise<() => void>;
  /** Null when every place is taken. */
  enterNow(): (() => void) | null;
}

export function createTurns(atOnceMax: number): Turns {
  let taken = 0;
  const waiting: (() => void)[] = [];

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) taken -= 1;
    else next();
  }

  /** A turn ends once, however often that is said. */
  function turn(): () => void {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      leave();
    };
  }

  return {
    enterNow() {
      if (taken >= atOnceMax) return null;
      taken += 1;
      return turn();
    },
    async enter(signal) {
      signal.throwIfAborted();
      if (taken < atOnceMax) {
        taken += 1;
        return turn();
      }
      return new Promise((resolve, reject) => {
        const begin = (): void => {
          signal.removeEventListener("abort", giveUp);
          resolve(turn());
        };
        const giveUp = (): void => {
          waiting.splice(waiting.indexOf(begin), 1);
          reject(signal.reason);
        };
        waiting.push(begin);
        signal.addEventListener("abort", giveUp, { once: true });
      });
    },
  };
}
