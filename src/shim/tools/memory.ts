/** What the shim knows of its agents' actions: the one witness of what was let go, should the record be lost. */
import { shownArguments } from "../../core/ledger/row.ts";
import {
  ACTIONS_PER_MISSION_MAX,
  RESULT_LENGTH_MAX,
  type RememberedAction,
} from "../../core/model/action.ts";
import { canonicalJson } from "../../core/model/digest.ts";
import { sameValue } from "../../core/model/same.ts";
import type { ToolAnswer } from "./answer.ts";

type Question = Readonly<Record<string, unknown>>;

/** Whatever an agent was told is here before the agent hears it. */
export interface ActionMemory {
  /** What is known of the action that this question is about; to go along with it. */
  ofClaim(question: Question): RememberedAction | null;
  ofKey(key: unknown): RememberedAction | null;
  /** Throws what `keep` throws, and then remembers nothing. */
  noteClaim(question: Question, agent: number, answer: ToolAnswer): void;
  /** Without an answer, too: what came of it, the agent knows best. Of what cannot be kept only the claim is left, so somebody has to look. */
  noteCompletion(question: Question, answer: ToolAnswer): void;
}

/** `keep` makes it outlive the instance: it is called with every row that is new or has changed. */
export function createActionMemory(keep: (row: RememberedAction) => void): ActionMemory {
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
      const row: RememberedAction = {
        key,
        action: String(action),
        target: typeof target === "string" ? target : "",
        arguments: shownArguments(canonicalJson(question["arguments"] ?? null)),
        digest,
        agent,
        state,
        result: null,
        evidence: "",
      };
      if (sameValue(rows.get(key), row)) return;
      keep(row);
      rows.set(key, row);
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
      const settled: RememberedAction = {
        ...row,
        state: done ? "committed" : "failed",
        result,
        evidence: typeof question["evidence"] === "string" ? question["evidence"] : "",
      };
      rows.set(row.key, settled);
      try {
        keep(settled);
      } catch {
        // The row that says that it was claimed stands there.
      }
    },
  };
}

function essenceOf(question: Question): string {
  const { action, target, arguments: given } = question;
  return canonicalJson({ action, target: target ?? "", arguments: given ?? null });
}
