/** What follows from the answer to a prompt. */
import type { AgentEvent } from "../agent.ts";
import { meaningOfError } from "./prompt-error.ts";
import { afterRefusal, GO_ON } from "./prompt-text.ts";
import type { RpcAnswer, RpcError } from "./rpc.ts";

export type TurnEnd =
  /** It is told to go on. */
  | { readonly type: "prompt"; readonly text: string; readonly afterMs: number }
  /** It goes on when somebody speaks to it. */
  | { readonly type: "wait" }
  | { readonly type: "over" }
  | { readonly type: "broken"; readonly why: string };

/** In a row: then it is taken at its word that it cannot go on without. */
const REFUSED_ENDS_MAX = 2;
/** In a row, and how long is waited after the first; twice as long after each. */
const FAILED_PROMPTS_MAX = 3;
const FAILED_AGAIN_MS = 1_000;
const THROTTLED_PROMPTS_MAX = 20;
const THROTTLED_MS_MIN = 15_000;
const THROTTLED_MS_MAX = 5 * 60_000;

/** Stop reasons that are no success: the turn was cut off, and nobody knows what is missing. */
const CUT_OFF: Readonly<Record<string, string>> = {
  max_tokens: "the agent's turn ended at its limit of tokens",
  max_turn_requests: "the agent's turn ended at its limit of model calls, or of its own budget",
  refusal: "the agent refuses to go on",
  cancelled: "the agent says that its turn was cancelled, which nobody asked for",
};

export function createTurnEnds(parts: {
  readonly onEvent: (event: AgentEvent) => void;
  readonly takeRefusal: () => { readonly what: string; readonly why: string } | null;
  readonly over: () => boolean;
  readonly queued: () => boolean;
}): { take(answer: RpcAnswer, said: string | null): TurnEnd } {
  const { onEvent } = parts;
  let refusedEnds = 0;
  let failedPrompts = 0;
  let throttledPrompts = 0;

  function fail(reason: string): TurnEnd {
    onEvent({ type: "failed", reason });
    return { type: "over" };
  }

  function afterError(error: RpcError): TurnEnd {
    const meaning = meaningOfError(error);
    switch (meaning.type) {
      case "unauthorized":
        return fail("auth");
      case "cancelled":
        return fail(CUT_OFF["cancelled"] ?? "");
      case "gone":
        return { type: "broken", why: error.message };
      case "throttled": {
        const doubled = THROTTLED_MS_MIN * 2 ** throttledPrompts;
        const afterMs = meaning.retryAfterMs ?? Math.min(doubled, THROTTLED_MS_MAX);
        throttledPrompts += 1;
        if (throttledPrompts > THROTTLED_PROMPTS_MAX)
          return { type: "broken", why: `its provider made it wait ${THROTTLED_PROMPTS_MAX} times in a row` };
        onEvent({ type: "throttled", retryAfterMs: afterMs, account: null });
        return { type: "prompt", text: GO_ON, afterMs };
      }
      case "failed":
        failedPrompts += 1;
        return failedPrompts > FAILED_PROMPTS_MAX
          ? { type: "broken", why: `its turn failed ${failedPrompts} times in a row: ${error.message}` }
          : { type: "prompt", text: GO_ON, afterMs: FAILED_AGAIN_MS * 2 ** (failedPrompts - 1) };
    }
  }

  /** It says that it is done: that is its result, unless a refusal has ended it, or somebody has more to say. */
  function afterItsOwnEnd(said: string | null): TurnEnd {
    const refusal = parts.takeRefusal();
    refusedEnds = refusal === null ? 0 : refusedEnds + 1;
    if (refusal !== null && refusedEnds >= REFUSED_ENDS_MAX) {
      refusedEnds = 0;
      onEvent({
        type: "blocked",
        reason: `${refusal.what} was refused: ${refusal.why}; the agent does not go on without it`,
        needs: null,
      });
    }
    if (refusal !== null || parts.queued()) {
      onEvent({ type: "turn_ended" });
      return refusal !== null && refusedEnds > 0
        ? { type: "prompt", text: afterRefusal(refusal.what, refusal.why), afterMs: 0 }
        : { type: "wait" };
    }
    onEvent({ type: "turn_ended", result: said ?? "the agent has ended its turn" });
    return parts.over() ? { type: "over" } : { type: "wait" };
  }

  return {
    take(answer, said) {
      if (!answer.ok) return afterError(answer.error);
      failedPrompts = 0;
      throttledPrompts = 0;
      const { stopReason } = answer.result;
      if (stopReason === "end_turn") return afterItsOwnEnd(said);
      const why = typeof stopReason === "string" ? CUT_OFF[stopReason] : undefined;
      return fail(why ?? `the agent's turn ended for a reason that nobody here knows: ${String(stopReason)}`);
    },
  };
}
