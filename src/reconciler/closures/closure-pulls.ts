/** Closures that wait for a person become pull requests; what was merged is decided, and what was decided elsewhere is called off. */
import { closureBranchId, closureTasks } from "../../core/closures/closure-task.ts";
import type { CloneState, ClosedMission } from "../../core/model/clone-state.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import { asFactoryError, FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import type { AskedClosure } from "../../core/status/forge.ts";
import type { SteadyClock } from "../../ports/clock.ts";
import { ForgeLimited, type OpenForge } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";
import { type Answer, DONE, OVER } from "../loop/answer.ts";
import { createComplaints } from "../loop/complaints.ts";
import { createWorkQueue } from "../loop/queue.ts";
import { createSlots } from "../loop/slots.ts";
import { withTimeLimit } from "../loop/time-limit.ts";
import { askInPull, type ClosurePullParts, callOff } from "./closure-pull.ts";

/**
 * Beside the loop, with a queue of its own, keyed by clone: nothing that is supervised waits for the forge. Nothing is decided here. The
 * record keeps which pull request there is; what it says is asked of the forge each time.
 */
export interface ClosurePulls {
  /** Until then nothing is done. */
  start(): void;
  /** Something may have become of every closure: what is obeyed has moved, or the right to act is there. */
  wake(): void;
  /** Somebody says that something happened to these. */
  wakePulls(numbers: readonly number[]): void;
  /** Closures that nobody has decided, as far as people are asked about them in pull requests. */
  view(): readonly AskedClosure[];
  close(): Promise<void>;
}

export interface ClosurePullsParts extends Omit<ClosurePullParts, "desired" | "forge" | "branch"> {
  readonly open: OpenForge;
  /** The branch that is obeyed. */
  readonly branch: string;
  /** What is obeyed, at the forge that is; null before it was read. */
  readonly desired: () => DesiredState | null;
  /** Why nothing may be written: another installation acts, or the record is in doubt. Null: it may. */
  readonly obstacle: () => string | null;
  /** Between two looks at one that is open. */
  readonly pollMs: number;
  readonly clock: SteadyClock;
  readonly log: Log;
}

type Key = "all" | `clone/${string}`;

/** Open at once: a fleet whose closures nobody decides does not fill the list of its pull requests. */
export const CLOSURE_PULLS_MAX = 20;
/** Of one look: git, and some requests. */
const LOOK_MS_MAX = 3 * MINUTE_MS;
const RETRY_MS_MAX = 30 * SECOND_MS;
/** The obeyed branch has moved, and has not been read again yet. */
const MOVED_AGAIN_MS = 2 * SECOND_MS;

export function createClosurePulls(parts: ClosurePullsParts): ClosurePulls {
  const { clock, recorder } = parts;
  const complain = createComplaints(parts);
  /** One after the other: how many are open is known to each, and a fleet that comes up does not ask for all at once. */
  const turns = createSlots(1);
  /** By clone: why there is no pull request, or why it is not as it should be. */
  const trouble = new Map<string, string>();
  let started = false;

  const queue = createWorkQueue<Key>({
    clock,
    retryMaxMs: () => RETRY_MS_MAX,
    handle: (key, { signal }) =>
      key === "all" ? Promise.resolve(wakeEach()) : turns(() => look(key.slice("clone/".length), signal)),
    onFailure: (key, error) => complain(`the pull request about the closure of ${key}`, error),
  });

  function wakeEach(): Answer {
    for (const state of recorder.states.values()) if (concerns(state)) queue.wake(`clone/${state.name}`);
    return DONE;
  }

  function concerns({ past }: CloneState): boolean {
    return past.at(-1)?.decision === "undecided" || past.some(({ pull }) => pull?.state === "open");
  }

  async function look(clone: string, signal: AbortSignal): Promise<Answer> {
    const desired = parts.desired();
    const state = recorder.states.get(clone);
    const policy = desired?.fleet.forge ?? null;
    if (desired === null || policy === null || policy.closures === "command_line" || state === undefined)
      return OVER;
    const again: Answer = { type: "again", at: clock.monotonic() + parts.pollMs };
    if (parts.obstacle() !== null) return again;
    const tasks = closureTasks(state, desired);
    if (tasks.length === 0) return OVER;
    const around = { ...parts, desired, forge: parts.open(policy) };
    let next: Answer = again;
    for (const task of tasks) {
      const { closed } = task;
      if (task.type === "ask" && closed.pull === undefined && openNow() >= CLOSURE_PULLS_MAX) {
        trouble.delete(clone);
        continue;
      }
      const what = `the pull request about ${closureBranchId(closed)}`;
      try {
        const did = await withTimeLimit({ ms: LOOK_MS_MAX, what, clock, signal }, (limit) =>
          task.type === "ask"
            ? askInPull(around, { state, closed }, limit)
            : callOff(around, { state, closed, because: task.because }, limit),
        );
        trouble.delete(clone);
        if (did === "moved") next = { type: "again", at: clock.monotonic() + MOVED_AGAIN_MS };
      } catch (error) {
        if (!signal.aborted) trouble.set(clone, asFactoryError(error).message);
        if (error instanceof ForgeLimited)
          return {
            type: "again",
            at: clock.monotonic() + Math.max(SECOND_MS, error.until - clock.now()),
          };
        // What a forge or an origin will not take is offered again with the next poll: somebody may give the right, or free the name.
        if (error instanceof FactoryError && error.disposition === "stall") {
          complain(what, error);
          return again;
        }
        throw error;
      }
    }
    return next;
  }

  function openNow(): number {
    let open = 0;
    for (const { past } of recorder.states.values())
      open += past.filter(({ pull }) => pull?.state === "open").length;
    return open;
  }

  recorder.onChange(({ before, after }) => {
    if (!started || !concerns(after)) return;
    if (before.past !== after.past || before.mission !== after.mission || before.phase !== after.phase)
      queue.wake(`clone/${after.name}`);
  });

  return {
    start() {
      started = true;
      queue.wake("all");
    },
    wake() {
      if (started) queue.wake("all");
    },
    wakePulls(numbers) {
      if (!started) return;
      for (const { name, past } of recorder.states.values())
        if (past.some(({ pull }) => pull !== undefined && numbers.includes(pull.number)))
          queue.wake(`clone/${name}`);
    },
    view() {
      const desired = parts.desired();
      const policy = desired?.fleet.forge ?? null;
      if (desired === null || policy === null || policy.closures === "command_line") return [];
      return [...recorder.states.values()].flatMap((state) =>
        closureTasks(state, desired).flatMap((task) =>
          task.type === "ask" ? [askedOf(state.name, task.closed, trouble.get(state.name))] : [],
        ),
      );
    },
    close: () => queue.close(),
  };
}

function askedOf(clone: string, closed: ClosedMission, problem: string | undefined): AskedClosure {
  const { name: mission, run, pull } = closed;
  const asked = { clone, mission, run, url: pull?.url ?? null };
  if (problem !== undefined) return { ...asked, state: "failed", message: problem };
  if (pull !== undefined) return { ...asked, state: "open", message: `pull request ${pull.number} is open` };
  return {
    ...asked,
    state: "waiting",
    message: `not asked yet; at most ${CLOSURE_PULLS_MAX} pull requests about closures are open at once`,
  };
}
