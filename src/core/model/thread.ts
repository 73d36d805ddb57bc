import type { Instant } from "./time.ts";

/** Where people are asked on the forge, and from when on their comments are obeyed. */
export interface ThreadsState {
  /** Comments that are older were written to nobody, or to a record that was lost. */
  readonly since: Instant;
  /** By mission id, or `clone/<name>`; the one that changed last is the last, at most `THREADS_KEPT_MAX`. */
  readonly shown: Readonly<Record<string, ShownThread>>;
}

/** An issue of ours in which the questions of one mission stand. */
export interface ShownThread {
  /** Name of the mission, or of the clone where it has none. */
  readonly subject: string;
  readonly clone: string;
  readonly missionId: string | null;
  readonly number: number;
  readonly url: string;
  readonly open: boolean;
  readonly questions: readonly ShownQuestion[];
}

export interface ShownQuestion {
  readonly id: string;
  /** Over what is decided. */
  readonly digest: string;
  /** What was asked, as a sentence. */
  readonly text: string;
  /** Since when it stands there like this, by the forge's clock. */
  readonly shownAt: Instant;
  /** The highest of its reminders of which people were told there. */
  readonly told: number;
  /** What stood there before under the same id; null: nothing. */
  readonly before: string | null;
}

/** The oldest closed ones are forgotten first: whoever writes in one of them has to name the mission. */
export const THREADS_KEPT_MAX = 1_000;

export const NO_THREADS: ThreadsState = { since: 0, shown: {} };
