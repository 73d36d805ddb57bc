/** Questions of missions as issues of the forge, and people's commands in comments. */

import type { WhatStands } from "../../core/commands/asked.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { FleetPolicy } from "../../core/model/desired.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import type { ShownThread } from "../../core/model/thread.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { InboxItem } from "../../core/status/view.ts";
import type { Question } from "../../core/threads/questions.ts";
import { type ThreadsWanted, type ThreadWanted, threadsWanted } from "../../core/threads/threads.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import { type Forge, ForgeLimited } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import type { Store } from "../../ports/store.ts";
import type { Answer } from "../loop/answer.ts";
import { createComplaints } from "../loop/complaints.ts";
import { createWorkQueue } from "../loop/queue.ts";
import { withTimeLimit } from "../loop/time-limit.ts";
import type { Recorder } from "../record/recorder.ts";
import type { OrderHandlers } from "./order.ts";
import { createCommentReader } from "./read-comments.ts";
import { showThread } from "./show-threads.ts";

/** Runs beside the loop, as reviews do: nothing that is supervised waits for a forge. */
export interface Threads {
  /** Begins to ask and to listen. Until then, and without a forge in force, nothing is done. */
  start(): void;
  /** Something may wait for people, or not any more. */
  wake(): void;
  /** Somebody says that something was written. */
  wakeComments(): void;
  close(): Promise<void>;
}

export interface ThreadsParts {
  readonly open: (policy: ForgePolicy) => Forge;
  /** In force; null: there is none. */
  readonly policy: () => ForgePolicy | null;
  /** Everything that waits for people, the most serious first. */
  readonly inbox: () => readonly InboxItem[];
  readonly caps: () => FleetPolicy["caps"] | null;
  readonly lane: (name: string) => CloneState | null;
  readonly handlers: (recorder: Recorder) => OrderHandlers;
  readonly planAgain: (number: number) => string;
  readonly recorder: Recorder;
  readonly store: Pick<Store, "receipt">;
  /** Why nothing may be done in the name of this fleet; null: it may. */
  readonly obstacle: () => string | null;
  /** Between two looks at the comments, when nobody wakes them. */
  readonly pollMs: number;
  readonly clock: SteadyClock;
  readonly log: Log;
}

type Key = "threads" | "comments";

/** Of one look, with its answers; the rest comes with the next. */
const LOOK_MS_MAX = 5 * MINUTE_MS;
const RETRY_MS_MAX = 2 * MINUTE_MS;
/** What happens in a row is written in one. */
const REST_MS = 2 * SECOND_MS;
/** What people made of our issues is put right. */
const REPAIR_MS = 10 * MINUTE_MS;

export function createThreads(parts: ThreadsParts): Threads {
  const { recorder, clock, log } = parts;
  const complain = createComplaints(parts);
  /** As it was brought up to date last, and when, by key. */
  const written = new Map<string, { readonly text: string; readonly at: number }>();
  let openedAs: Forge | null = null;
  let started = false;
  let toldLeft = 0;
  const reader = createCommentReader({
    ...parts,
    stands,
    threadOn,
  });
  const queue = createWorkQueue<Key>({
    clock,
    retryMaxMs: () => RETRY_MS_MAX,
    restMs: () => REST_MS,
    handle: (key, { signal }) => turn(key, signal),
    onFailure: (key, error) =>
      complain(key === "threads" ? "asking people on the forge" : "reading comments", error),
  });

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

  function stands(): WhatStands {
    const open = wanted().threads.flatMap(({ key, questions }) =>
      questions.map((question: Question) => ({ ...question, thread: key })),
    );
    return { open, shown: shown(), states: recorder.states, lane: parts.lane };
  }

  function threadOn(number: number): (ShownThread & { readonly key: string }) | null {
    const found = Object.entries(shown()).find(([, thread]) => thread.number === number);
    return found === undefined ? null : { ...found[1], key: found[0] };
  }

  async function turn(key: Key, signal: AbortSignal): Promise<Answer> {
    const again: Answer = {
      type: "again",
      at: clock.monotonic() + (key === "threads" ? REPAIR_MS : parts.pollMs),
    };
    const policy = parts.policy();
    if (policy === null || parts.obstacle() !== null) return again;
    const forge = parts.open(policy);
    if (forge !== openedAs) written.clear();
    openedAs = forge;
    const what = key === "threads" ? "asking people on the forge" : "reading comments";
    try {
      return await withTimeLimit({ ms: LOOK_MS_MAX, what, clock, signal }, async (limit) => {
        if (key === "threads") return (await showAll(forge, limit)) ?? again;
        const { again: more } = await reader.read(forge, policy, limit);
        return more ? { type: "again", at: clock.monotonic() } : again;
      });
    } catch (error) {
      if (error instanceof ForgeLimited)
        return { type: "again", at: clock.monotonic() + Math.max(SECOND_MS, error.until - clock.now()) };
      const failure = asFactoryError(error);
      // What stalls at the forge is asked again at the next poll: a credential is mended without our hearing of it.
      if (!failure.code.startsWith("forge/") || failure.disposition !== "stall") throw failure;
      complain(what, failure);
      return again;
    }
  }

  /** Null: all is as it should be. Rejects with the first failure, after every other thread was tried. */
  async function showAll(forge: Forge, signal: AbortSignal): Promise<Answer | null> {
    const { threads, left } = wanted();
    if (left > 0 && left !== toldLeft)
      log.warn("more missions wait for people than have a thread on the forge; the inbox has them all", {
        left,
      });
    toldLeft = left;
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
    return null;
  }

  return {
    start() {
      started = true;
      queue.wake("threads");
      queue.wake("comments");
    },
    wake() {
      if (started) queue.wake("threads");
    },
    wakeComments() {
      if (started) queue.wake("comments");
    },
    close: () => queue.close(),
  };
}

function textOf({ title, bodyKey, questions }: ThreadWanted): string {
  return JSON.stringify([title, bodyKey, questions.length > 0]);
}
