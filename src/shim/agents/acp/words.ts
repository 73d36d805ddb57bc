/** What is said to an agent, and when it may hear it: between its turns, and not while it is to stand still. */
import { MESSAGES_MAX } from "../../../core/model/conduct.ts";

export interface Words {
  /** False: it has not taken what was said before. */
  push(text: string): boolean;
  waiting(): boolean;
  /** Everything that waits, which then does not any more. */
  take(): readonly string[];
  /** It is to stand still, or not any more. */
  pause(paused: boolean): void;
  /** Until there is something to be told, and it may be told; null: the conversation closes. */
  next(): Promise<readonly string[] | null>;
  /** For that long, and for as long as it is to stand still. */
  rest(ms: number): Promise<void>;
  /** Nothing is waited for any more. */
  close(): void;
}

export function createWords(): Words {
  let queue: string[] = [];
  let pausing = false;
  let closed = false;
  let wake: () => void = () => {};

  function woken(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
      if (ms !== undefined && ms > 0) setTimeout(resolve, ms);
    });
  }

  function take(): readonly string[] {
    const taken = queue;
    queue = [];
    return taken;
  }

  return {
    push(text) {
      if (queue.length >= MESSAGES_MAX) return false;
      queue.push(text);
      wake();
      return true;
    },
    waiting: () => queue.length > 0,
    take,
    pause(paused) {
      pausing = paused;
      wake();
    },
    async next() {
      while (!closed && (queue.length === 0 || pausing)) await woken();
      return closed ? null : take();
    },
    async rest(ms) {
      const until = performance.now() + ms;
      while (!closed && (pausing || performance.now() < until)) await woken(until - performance.now());
    },
    close() {
      closed = true;
      wake();
    },
  };
}
