import type { AgentSpec } from "../../core/model/clone.ts";
import type { AgentExit } from "../agents/signature.ts";

/** EX_NOPERM of sysexits.h: the agent may not do what it would have to do first. */
const UNAUTHORIZED_EXIT = 77;

export type EndingMeaning =
  /** Success, where its clone takes its exit code for its word. */
  | { readonly type: "completed" }
  /** A verdict on its mission. */
  | { readonly type: "failed"; readonly reason: string }
  /** Its provider refuses its credentials: a restart cures nothing. */
  | { readonly type: "unauthorized" }
  /** No verdict: it may be started again. */
  | { readonly type: "crashed" };

/**
 * What the end of an agent means that has said nothing of its result. Agents end with 0 after a refused credential or an
 * exhausted limit, so that alone is success only where its clone says so (`agent.result: exit_code`).
 */
export function meaningOf(
  { code }: Pick<AgentExit, "code">,
  { result, exitCodes }: Pick<AgentSpec, "result" | "exitCodes">,
): EndingMeaning {
  const declared = code === null ? undefined : exitCodes?.[code];
  if (declared === "failed") return { type: "failed", reason: `the agent ended with code ${code}` };
  if (declared !== undefined) return { type: declared };
  if (code === UNAUTHORIZED_EXIT) return { type: "unauthorized" };
  if (code !== 0) return { type: "crashed" };
  return result === "exit_code" ? { type: "completed" } : { type: "failed", reason: SILENT };
}

const SILENT =
  'the agent ended with code 0 and said nothing of its result; a program whose exit code is its word needs `agent.result: exit_code` in its clone, any other has to say {"type":"completed"}';
