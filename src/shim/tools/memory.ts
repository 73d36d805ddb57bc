/** What the shim knows of its agents' actions: the one witness of what was let go, should the record be lost. */
import { shownArguments } from "../../core/ledger/row.ts";
import {
  ACTIONS_PER_MISSION_MAX,
  RESULT_LENGTH_MAX,
  type RememberedAction,
} from "../../core/model/action.ts";
import { canonicalJson } from "../../core/model/digest.ts";
import type { ToolAnswer } from "./tools.ts";

type Question = Readonly<Record<string, unknown>>;

/**
 * Kept in memory, for as long as the instance lives: a shim and its agent die together, and of an instance that is
 * gone a person looks. Whatever an agent was told is here before the agent hears it.
 */
export interface ActionMemory {
  /** What is known of the action that this question is about; to go along with it. */
  ofClaim(question: Question): RememberedAction | null;
  ofKey(key: unknown): RememberedAction | null;
  noteClaim(question: Question, agent: number, answer: ToolAnswer): void;
  /** Without an answer, too: what came of it, the agent knows best. */
  noteCompletion(question: Question, answer: ToolAnswer): void;
}

export function createActionMemory(): ActionMemory {
  const rows = new Map<string, RememberedAction>();
  /** From what a claim without a key of its own is made of to the key that it was given. */
  const keys = new Map<string, string>();

  function ofKey(key: unknown): RememberedAction | null {
    return typeof key === "string" ? (rows.get(key) ?? null) : null;
  }

  return {
    ofClaim: (question) => ofKey(question["idempotency_key"] ?? keys.get(essenceOf(question))),
    ofKey,
    noteClaim(question, agent, answer) {
      if (!answer.ok) return;
      const { decision, key, digest } = answer.result;
      const state = decision === "go" ? "reserved" : decision === "verify" ? "unknown" : null;
      if (state === null || typeof key !== "string" || typeof digest !== "string") return;
      if (rows.size >= ACTIONS_PER_MISSION_MAX && !rows.has(key)) return;
      if (question["idempotency_key"] === undefined) keys.set(essenceOf(question), key);
      const { action, target } = question;
      rows.set(key, {
        key,
        action: String(action),
        target: typeof target === "string" ? target : "",
        arguments: shownArguments(canonicalJson(question["arguments"] ?? null)),
        digest,
        agent,
        state,
        result: null,
        evidence: "",
      });
    },
    noteCompletion(question, answer) {
      const row = ofKey(question["key"]);
      if (row === null) return;
      const heard = answer.ok ? answer.result["decision"] : answer.code === "unavailable" ? "recorded" : null;
      const said = question["outcome"] ?? question["verified"];
      if (heard !== "recorded" || said === "unverifiable") return;
      const done = said === "done";
      const result = done && question["result"] !== undefined ? canonicalJson(question["result"]) : null;
      // The ledger would refuse it, and every question that it went along with.
      if (result !== null && result.length > RESULT_LENGTH_MAX) return;
      rows.set(row.key, {
        ...row,
        state: done ? "committed" : "failed",
        result,
        evidence: typeof question["evidence"] === "string" ? question["evidence"] : "",
      });
    },
  };
}

function essenceOf(question: Question): string {
  const { action, target, arguments: given } = question;
  return canonicalJson({ action, target: target ?? "", arguments: given ?? null });
}
