/** Questions of missions as issues of the forge, and people's commands in comments. */
import { asFactoryError } from "../../core/model/error.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import { type Forge, ForgeLimited } from "../../ports/forge.ts";
import { type Answer, DONE } from "../loop/answer.ts";
import { createComplaints } from "../loop/complaints.ts";
import { createWorkQueue } from "../loop/queue.ts";
import { withTimeLimit } from "../loop/time-limit.ts";
import { type AskingParts, createAsking, REPAIR_MS } from "./ask-people.ts";
import { createCommentReader, type ReadParts } from "./read-comments.ts";

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

export interface ThreadsParts extends AskingParts, Omit<ReadParts, "stands" | "threadOn" | "clock"> {
  readonly open: (policy: ForgePolicy) => Forge;
  /** Why nothing may be done in the name of this fleet; null: it may. */
  readonly obstacle: () => string | null;
  /** Between two looks at the comments, when nobody wakes them. */
  readonly pollMs: number;
}

/** `threads`: what is asked. `comments`: what people wrote. `answers`: what is written under that; a kill waits for none of them. */
type Key = "threads" | "comments" | "answers";

const WHAT: Readonly<Record<Key, string>> = {
  threads: "asking people on the forge",
  comments: "reading comments",
  answers: "answering comments",
};
/** Of one look; the rest comes with the next. */
const LOOK_MS_MAX = 5 * MINUTE_MS;
const RETRY_MS_MAX = 30 * SECOND_MS;
/**
 * One that was killed between a question on the forge and its record finds it again by asking once more: a comment under it is heard
 * after that, and a forge that will not have it asked keeps no kill waiting for longer than this.
 */
const ASKED_FIRST_MS_MAX = 30 * SECOND_MS;
/** What happens in a row is written in one. */
const REST_MS = 2 * SECOND_MS;

export function createThreads(parts: ThreadsParts): Threads {
  const { clock } = parts;
  const complain = createComplaints(parts);
  const asking = createAsking(parts);
  const reader = createCommentReader({ ...parts, stands: asking.stands, threadOn: asking.threadOn });
  let started = false;
  /** Everything that waits stands on the forge, as far as this process knows; or that was tried for long enough. */
  let asked = false;
  let listensFrom: number | null = null;
  const queue = createWorkQueue<Key>({
    clock,
    retryMaxMs: () => RETRY_MS_MAX,
    restMs: () => REST_MS,
    handle: (key, { signal }) => turn(key, signal),
    onFailure: (key, error) => complain(WHAT[key], error),
  });

  async function turn(key: Key, signal: AbortSignal): Promise<Answer> {
    const policy = parts.policy();
    if (policy === null || parts.obstacle() !== null) return nextLook(key);
    const forge = parts.open(policy);
    try {
      const limits = { ms: LOOK_MS_MAX, what: WHAT[key], clock, signal };
      return await withTimeLimit(limits, (limit) => look(key, { forge, policy }, limit));
    } catch (error) {
      if (error instanceof ForgeLimited)
        return { type: "again", at: clock.monotonic() + Math.max(SECOND_MS, error.until - clock.now()) };
      const failure = asFactoryError(error);
      if (!failure.code.startsWith("forge/") || failure.disposition !== "stall") throw failure;
      // A credential is mended without our hearing of it.
      complain(WHAT[key], failure);
      return { type: "again", at: clock.monotonic() + parts.pollMs };
    } finally {
      // Some of them may have been heard before another one failed.
      if (key === "comments" && reader.waiting() > 0) queue.wake("answers");
    }
  }

  async function look(
    key: Key,
    { forge, policy }: { readonly forge: Forge; readonly policy: ForgePolicy },
    signal: AbortSignal,
  ): Promise<Answer> {
    switch (key) {
      case "threads":
        await asking.show(forge, signal);
        if (!asked) queue.wake("comments");
        asked = true;
        return nextLook(key);
      case "answers":
        await reader.answer(forge, signal);
        return DONE;
      case "comments": {
        listensFrom ??= clock.monotonic() + ASKED_FIRST_MS_MAX;
        if (!asked && clock.monotonic() < listensFrom) return { type: "again", at: listensFrom };
        const { again } = await reader.read(forge, policy, signal);
        return again ? { type: "again", at: clock.monotonic() } : nextLook(key);
      }
    }
  }

  function nextLook(key: Key): Answer {
    if (key === "answers") return DONE;
    return { type: "again", at: clock.monotonic() + (key === "threads" ? REPAIR_MS : parts.pollMs) };
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
