/** Claims and completions of an agent: asked of the controller's ledger, and remembered on disk before the agent hears of it. */
import { messageOf } from "../../core/model/error.ts";
import { refuse, type ToolAnswer } from "./answer.ts";
import type { Ledger } from "./ledger.ts";
import type { ActionMemory } from "./memory.ts";

export interface ActionCalls {
  claim(question: Question, wait: Wait): Promise<ToolAnswer>;
  askApproval(question: Question, wait: Wait): Promise<ToolAnswer>;
  complete(question: Question, wait: Wait): Promise<ToolAnswer>;
  /** Another agent begins in the same instance: what it claims is told apart from what those before it claimed. */
  begin(): void;
}

export type Question = Readonly<Record<string, unknown>>;

export interface Wait {
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export function createActionCalls({
  ledger,
  memory,
}: {
  readonly ledger: Ledger;
  readonly memory: ActionMemory;
}): ActionCalls {
  let agent = 0;

  async function claim(question: Question, wait: Wait): Promise<ToolAnswer> {
    const by = agent;
    const isWait = (answer: Question): boolean => answer["decision"] === "held";
    const remembered = memory.ofClaim(question);
    const answer = await ledger.ask("claim", { ...question, agent: by }, { ...wait, isWait, remembered });
    try {
      memory.noteClaim(question, by, answer);
    } catch (error) {
      return takenBack(answer, { by, wait, why: messageOf(error) });
    }
    return answer;
  }

  /** What cannot be written down is not let go: its agent never hears of it, and may claim it again. */
  async function takenBack(
    answer: ToolAnswer,
    { by, wait, why }: { readonly by: number; readonly wait: Wait; readonly why: string },
  ): Promise<ToolAnswer> {
    if (answer.ok && answer.result["decision"] === "go") {
      const given = {
        key: answer.result["key"],
        outcome: "failed",
        evidence: `not begun: ${why}`,
        agent: by,
      };
      await ledger.ask("complete", given, { ...wait, isWait: () => false, remembered: null });
    }
    return refuse("disk", `what was decided could not be written down, so it is not let go: ${why}`);
  }

  async function complete(question: Question, wait: Wait): Promise<ToolAnswer> {
    const remembered = memory.ofKey(question["key"]);
    const asked = { ...question, agent };
    const answer = await ledger.ask("complete", asked, { ...wait, isWait: () => false, remembered });
    memory.noteCompletion(question, answer);
    return answer;
  }

  return {
    claim,
    askApproval: (question, wait) =>
      ledger.ask(
        "claim",
        { ...question, agent, approval_only: true },
        { ...wait, isWait: () => false, remembered: null },
      ),
    complete,
    begin() {
      agent += 1;
    },
  };
}
