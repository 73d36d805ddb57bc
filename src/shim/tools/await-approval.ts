/** Waits for what people decide about one action: asks again and again, for the controller's answer is where they stand. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Approval, ApprovalQuestion } from "../agents/agent.ts";
import type { ToolAnswer } from "./answer.ts";

/** A question of a fleet's rule expires sooner, and is then denied by the controller. */
const WAIT_MS_MAX = 32 * 24 * 60 * 60 * 1_000;
/** Soon at first, for people who sit at it, and then as often as one looks at a door. */
const AGAIN_MS_MIN = 250;
const AGAIN_MS_MAX = 15_000;
/** Answers that may be others soon; every other refusal is one. */
const PASSING: ReadonlySet<string> = new Set(["unavailable", "busy"]);

export async function awaitApproval(
  ask: (question: ApprovalQuestion, signal: AbortSignal) => Promise<ToolAnswer>,
  { question, signal }: { readonly question: ApprovalQuestion; readonly signal: AbortSignal },
): Promise<Approval> {
  const deadline = performance.now() + WAIT_MS_MAX;
  for (
    let againMs = AGAIN_MS_MIN;
    performance.now() < deadline;
    againMs = Math.min(againMs * 2, AGAIN_MS_MAX)
  ) {
    const answer = await ask(question, signal);
    if (signal.aborted) return { decision: "cancelled" };
    const decided = answer.ok
      ? decisionOf(answer.result)
      : PASSING.has(answer.code)
        ? null
        : { decision: "denied" as const, why: answer.message };
    if (decided !== null) return decided;
    try {
      await sleep(againMs, undefined, { signal });
    } catch {
      return { decision: "cancelled" };
    }
  }
  return { decision: "denied", why: "nobody decided" };
}

/** Null: not yet. */
function decisionOf({ decision, message }: Readonly<Record<string, unknown>>): Approval | null {
  if (decision === "approved") return { decision };
  if (decision === "approval_required" || decision === "held") return null;
  return { decision: "denied", why: typeof message === "string" ? message : String(decision) };
}
