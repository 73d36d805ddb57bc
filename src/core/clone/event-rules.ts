import type { CloneState } from "../model/clone-state.ts";
import type { CloneEvent } from "../model/event.ts";
import type { Instant } from "../model/time.ts";
import type { Step } from "./step.ts";

/** What one type of event means: the step that it takes, and how it reads. Both stand beside each other in the topic's table. */
export interface EventRule<E extends CloneEvent> {
  /** Pure. An event that comes too late, twice, or for an epoch that is over leaves the state as it is and says so. */
  readonly on: (state: CloneState, event: E, at: Instant) => Step;
  /** One line for people. */
  readonly describe: (event: E) => string;
}

/** The rules of a topic, one for each of its types of event. */
export type EventRules<T extends CloneEvent["type"]> = {
  readonly [K in T]: EventRule<Extract<CloneEvent, { type: K }>>;
};

/** As much of a commit or a digest as people compare by eye. */
export function shortId(text: string): string {
  return text.slice(0, 12);
}
