import type { Log } from "../../ports/log.ts";

/** Those who are told what was recorded, in the order in which they began to listen. */
export interface Listeners<T> {
  add(listener: (news: T) => void): void;
  /** What is recorded is recorded, whatever a listener makes of it: one that throws is logged, and the next is told. */
  tell(news: T): void;
}

export function createListeners<T>(log: Log): Listeners<T> {
  const listeners: ((news: T) => void)[] = [];
  return {
    add: (listener) => void listeners.push(listener),
    tell(news) {
      for (const listener of listeners) {
        try {
          listener(news);
        } catch (error) {
          log.error("a listener of the record failed", { error: String(error) });
        }
      }
    },
  };
}
