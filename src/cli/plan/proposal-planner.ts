import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Preview } from "../../ports/proposal-preview.ts";
import type { ProposalToPlan } from "./plan-proposal.ts";
import type { PlanAnswer, PlanAsked } from "./proposal-worker.ts";

export interface ProposalPlanner {
  /** Rejects `preview/too-costly` (`stall`) when it takes too long or too much memory, and `preview/failed` (`stall`). */
  plan(proposal: ProposalToPlan, signal: AbortSignal): Promise<Extract<Preview, { type: "planned" }>>;
  close(): Promise<void>;
}

/** Of one plan; a fleet of a thousand missions takes seconds. */
const PLAN_MS_MAX = MINUTE_MS;
const MEMORY_MB = 1_024;
/** Then the thread ends; the next plan begins another one. */
const IDLE_MS = MINUTE_MS;

/**
 * Makes plans in a thread of its own, one at a time: what is planned comes from strangers, and a change that is made to
 * take an hour or all memory must not take the controller with it.
 */
export function createProposalPlanner({ clock }: { readonly clock: Clock }): ProposalPlanner {
  let worker: Worker | null = null;
  let last: Promise<unknown> = Promise.resolve();
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

  async function ask(proposal: ProposalToPlan, signal: AbortSignal) {
    signal.throwIfAborted();
    idle.abort();
    const thread = opened();
    asked += 1;
    const id = asked;
    const over = new AbortController();
    const failed = (code: string, message: string): FactoryError => new FactoryError(code, "stall", message);
    try {
      return await new Promise<Extract<Preview, { type: "planned" }>>((resolve, reject) => {
        thread.on("message", function heard(said: PlanAnswer) {
          if (said.id !== id) return;
          thread.off("message", heard);
          if ("preview" in said) resolve(said.preview);
          else reject(failed("preview/failed", `the plan cannot be made: ${said.problem}`));
        });
        thread.once("error", (error) =>
          reject(failed("preview/too-costly", `the plan cannot be made: ${error.message}`)),
        );
        thread.once("exit", () =>
          reject(failed("preview/too-costly", "the plan cannot be made: its thread ended")),
        );
        clock.sleep(PLAN_MS_MAX, AbortSignal.any([signal, over.signal])).then(
          () => reject(failed("preview/too-costly", `the plan takes longer than ${PLAN_MS_MAX / 1_000} s`)),
          () => reject(signal.reason),
        );
        thread.postMessage({ id, proposal } satisfies PlanAsked);
      });
    } catch (error) {
      // It may still be at work: the next plan does not wait for it.
      await end();
      throw error;
    } finally {
      over.abort();
      thread.removeAllListeners("exit");
      rest();
    }
  }

  function rest(): void {
    idle = new AbortController();
    void clock.sleep(IDLE_MS, idle.signal).then(end, () => {});
  }

  return {
    plan(proposal, signal) {
      const mine = last.then(() => ask(proposal, signal));
      last = mine.catch(() => {});
      return mine;
    },
    async close() {
      idle.abort();
      await end();
    },
  };
}
