import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { createTurn } from "../../adapters/git/turn.ts";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Preview } from "../../ports/proposal-preview.ts";
import type { ProposalToPlan } from "./plan-proposal.ts";
import type { PlanAnswer, PlanAsked } from "./proposal-worker.ts";

export interface ProposalPlanner {
  /** Rejects `preview/too-costly` (`stall`) when it takes too long or too much memory, and `preview/failed` (`stall`). */
  plan(proposal: ProposalToPlan, signal: AbortSignal): Promise<Planned>;
  close(): Promise<void>;
}

/** Of one plan; a fleet of a thousand missions takes seconds. */
const PLAN_MS_MAX = MINUTE_MS;
const MEMORY_MB = 1_024;
/** Then the thread ends; the next plan begins another one. */
const IDLE_MS = MINUTE_MS;

type Planned = Extract<Preview, { type: "planned" }>;

/**
 * Makes plans in a thread of its own, one at a time: what is planned comes from strangers, and a change that is made to
 * take an hour or all memory must not take the controller with it.
 */
export function createProposalPlanner({
  clock,
  planMsMax = PLAN_MS_MAX,
}: {
  readonly clock: Clock;
  /** Default: a minute. */
  readonly planMsMax?: number;
}): ProposalPlanner {
  const inTurn = createTurn();
  let worker: Worker | null = null;
  let asked = 0;
  let idle = new AbortController();

  function opened(): Worker {
    if (worker !== null) return worker;
    // The same ending as this file: `.ts` in development, `.js` in the published package.
    const program = new URL(`./proposal-worker${extname(import.meta.url)}`, import.meta.url);
    const made = new Worker(program, {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
      // Nothing of the controller's environment but what git needs to be found.
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"] },
      execArgv: [],
    });
    made.on("error", () => {}); // Told to whoever waits for an answer.
    made.unref();
    worker = made;
    return made;
  }

  async function end(): Promise<void> {
    const ended = worker;
    worker = null;
    await ended?.terminate();
  }

  async function ask(proposal: ProposalToPlan, signal: AbortSignal): Promise<Planned> {
    signal.throwIfAborted();
    idle.abort();
    asked += 1;
    try {
      return await answerOf(opened(), { id: asked, proposal }, { clock, signal, planMsMax });
    } catch (error) {
      // It may still be at work: the next plan does not wait for it.
      await end();
      throw error;
    } finally {
      idle = new AbortController();
      void clock.sleep(IDLE_MS, idle.signal).then(end, () => {});
    }
  }

  return {
    plan: (proposal, signal) => inTurn(() => ask(proposal, signal)),
    async close() {
      idle.abort();
      await end();
    },
  };
}

/** Waits for one answer of the thread, and leaves nothing behind that listens to it. */
async function answerOf(
  thread: Worker,
  asked: PlanAsked,
  {
    clock,
    signal,
    planMsMax,
  }: { readonly clock: Clock; readonly signal: AbortSignal; readonly planMsMax: number },
): Promise<Planned> {
  const over = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<Planned>();
  const fail = (code: "failed" | "too-costly", why: string): void =>
    reject(new FactoryError(`preview/${code}`, "stall", `the plan cannot be made: ${why}`));
  const heard = (said: PlanAnswer): void => {
    if (said.id !== asked.id) return;
    if ("preview" in said) resolve(said.preview);
    else fail("failed", said.problem);
  };
  const broke = (error: Error): void => fail("too-costly", error.message);
  const ended = (): void => fail("too-costly", "its thread ended");
  thread.on("message", heard).on("error", broke).on("exit", ended);
  clock.sleep(planMsMax, AbortSignal.any([signal, over.signal])).then(
    () => fail("too-costly", `it takes longer than ${planMsMax / 1_000} s`),
    () => reject(signal.reason),
  );
  try {
    thread.postMessage(asked);
    return await promise;
  } finally {
    over.abort();
    thread.off("message", heard).off("error", broke).off("exit", ended);
  }
}
