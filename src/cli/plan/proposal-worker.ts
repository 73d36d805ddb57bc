/** Runs in a worker thread: makes the plans that it is asked for, one after the other. */
import { parentPort } from "node:worker_threads";
import { asFactoryError } from "../../core/model/error.ts";
import type { Preview } from "../../ports/proposal-preview.ts";
import { type ProposalToPlan, planProposal } from "./plan-proposal.ts";

export interface PlanAsked {
  readonly id: number;
  readonly proposal: ProposalToPlan;
}

/** An error does not survive the way between two threads; what it says does. */
export type PlanAnswer =
  | { readonly id: number; readonly preview: Extract<Preview, { type: "planned" }> }
  | { readonly id: number; readonly problem: string };

parentPort?.on("message", (asked: PlanAsked) => void answer(asked));

async function answer({ id, proposal }: PlanAsked): Promise<void> {
  let said: PlanAnswer;
  try {
    said = { id, preview: await planProposal(proposal) };
  } catch (error) {
    said = { id, problem: asFactoryError(error).message };
  }
  parentPort?.postMessage(said);
}
