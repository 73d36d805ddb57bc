/** What waits for people, as threads of the forge: what there should be, what is there, and the way from one to the other. */
import type { WhatStands } from "../../core/commands/asked.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { FleetPolicy } from "../../core/model/desired.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import type { ShownThread } from "../../core/model/thread.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { InboxItem } from "../../core/status/view.ts";
import { type ThreadsWanted, type ThreadWanted, threadsWanted } from "../../core/threads/threads.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import { type Forge, ForgeLimited } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import type { Recorder } from "../record/recorder.ts";
import { showThread } from "./show-threads.ts";

export interface Asking {
  /** Rejects with the first failure, after every other thread was tried. */
  show(forge: Forge, signal: AbortSignal): Promise<void>;
  stands(): WhatStands;
  /** The thread that an issue is; null: it is none. */
  threadOn(number: number): (ShownThread & { readonly key: string }) | null;
}

export interface AskingParts {
  /** In force; null: there is none. */
  readonly policy: () => ForgePolicy | null;
  /** Everything that waits for people, the most serious first. */
  readonly inbox: () => readonly InboxItem[];
  readonly caps: () => FleetPolicy["caps"] | null;
  /** The lane that a name means. */
  readonly lane: (name: string) => CloneState | null;
  readonly recorder: Recorder;
  readonly clock: SteadyClock;
  readonly log: Log;
}

/** What people made of our issues is put right. */
export const REPAIR_MS = 10 * MINUTE_MS;

export function createAsking(parts: AskingParts): Asking {
  const { recorder, clock, log } = parts;
  /** As it was brought up to date last, and when, by key. */
  const written = new Map<string, { readonly text: string; readonly at: number }>();
  let writtenAt: Forge | null = null;
  let toldLeft = 0;

  function wanted(): ThreadsWanted {
    return threadsWanted(parts.inbox(), {
      states: recorder.states,
      shown: shown(),
      caps: parts.caps(),
      now: clock.now(),
      obeyed: Object.keys(parts.policy()?.roles ?? {}).length > 0,
    });
  }

  function shown(): Readonly<Record<string, ShownThread>> {
    return recorder.fleet.threads?.shown ?? {};
  }

  function sayLeft(left: number): void {
    const message = "more missions wait for people than have a thread on the forge; the inbox has them all";
    if (left > 0 && left !== toldLeft) log.warn(message, { left });
    toldLeft = left;
  }

  return {
    async show(forge, signal) {
      if (forge !== writtenAt) written.clear();
      writtenAt = forge;
      const { threads, left } = wanted();
      sayLeft(left);
      let failure: unknown = null;
      for (const thread of threads) {
        const text = textOf(thread);
        const before = written.get(thread.key);
        if (before?.text === text && clock.monotonic() - before.at < REPAIR_MS) continue;
        try {
          await showThread({ forge, recorder, log }, thread, signal);
          written.set(thread.key, { text, at: clock.monotonic() });
        } catch (error) {
          if (signal.aborted || error instanceof ForgeLimited) throw error;
          failure ??= error;
        }
      }
      const keys = new Set(threads.map(({ key }) => key));
      for (const key of written.keys()) if (!keys.has(key)) written.delete(key);
      if (failure !== null) throw failure;
    },
    stands() {
      const open = wanted().threads.flatMap(({ key, questions }) =>
        questions.map((question) => ({ ...question, thread: key })),
      );
      return { open, shown: shown(), states: recorder.states, lane: parts.lane };
    },
    threadOn(number) {
      const found = Object.entries(shown()).find(([, thread]) => thread.number === number);
      return found === undefined ? null : { ...found[1], key: found[0] };
    },
  };
}

function textOf({ title, bodyKey, questions }: ThreadWanted): string {
  return JSON.stringify([title, bodyKey, questions.length > 0]);
}
