/** Answers an agent's requests for permission: by the contract, or by what people decide about exactly this request. */
import { randomUUID } from "node:crypto";
import { isRecord } from "../../../instance/files.ts";
import type { AgentStart } from "../agent.ts";
import { judgeTool, type ToolRules } from "./permission.ts";
import type { Reply } from "./rpc.ts";
import { INPUT_CHARS_MAX, TOO_LONG, type ToolCall, type ToolCalls } from "./tool-calls.ts";

export interface Permissions {
  ask(params: Readonly<Record<string, unknown>>, reply: Reply): void;
  /** The turn is cancelled: whatever is open, and whatever comes, is answered `cancelled`. */
  cancel(): void;
  /** Whether what it tells of this call agrees with what was allowed. */
  agrees(call: ToolCall): boolean;
  /** A refusal with nothing after it: the agent may have taken it for the end. Answers each once. */
  takeLastRefusal(): { readonly what: string; readonly why: string } | null;
}

/** Requests that wait for people at the same time. */
const WAITING_MAX = 16;
/** Questions that one agent puts to people; whoever has more is asking for ever. */
const QUESTIONS_MAX = 200;
/** In a row, with nothing allowed in between. */
const REFUSALS_MAX = 50;
const ANSWERED_KEPT_MAX = 1_000;
const TARGET_CHARS_MAX = 500;

export function createPermissions(parts: {
  readonly rules: ToolRules;
  readonly calls: ToolCalls;
  readonly askApproval: AgentStart["askApproval"];
  readonly note: (text: string) => void;
  /** It asks and asks for what it does not get. */
  readonly onRefusedForEver: (why: string) => void;
}): Permissions {
  const { rules, calls, note } = parts;
  const ending = new AbortController();
  const granted = new Set<string>();
  /** Those that went on all the same. */
  const refused = new Map<string, { goesOn: boolean }>();
  /** Not answered yet. */
  const open = new Set<Select>();
  let waiting = 0;
  let questions = 0;
  let refusals = 0;
  let refusal: { readonly what: string; readonly why: string; readonly at: number } | null = null;

  function grant(call: ToolCall, select: Select): void {
    if (!select("allow_once"))
      return void note(
        `permission for ${nameOf(call)} was not given: the agent offers no option to allow it once`,
      );
    granted.add(call.id);
    refusals = 0;
    refused.delete(call.id);
    if (granted.size > ANSWERED_KEPT_MAX) granted.delete([...granted][0] ?? "");
  }

  function refuse(call: ToolCall, why: string, select: Select): void {
    note(`permission for ${nameOf(call)} was refused: ${why}`);
    select("reject_once");
    calls.refuse(call.id, `refused: ${why}`);
    granted.delete(call.id);
    refused.set(call.id, { goesOn: false });
    if (refused.size > ANSWERED_KEPT_MAX) refused.delete([...refused.keys()][0] ?? "");
    refusal = { what: nameOf(call), why, at: calls.count() };
    refusals += 1;
    if (refusals === REFUSALS_MAX)
      parts.onRefusedForEver(
        `the agent asked ${REFUSALS_MAX} times in a row for what it was refused, the last time for ${nameOf(call)}: ${why}`,
      );
  }

  async function askPeople(call: ToolCall, action: string, select: Select): Promise<void> {
    if (call.input === TOO_LONG || (call.input === null && call.content === TOO_LONG))
      return refuse(
        call,
        `what it is to do is longer than ${INPUT_CHARS_MAX} characters: nobody can judge it`,
        select,
      );
    if (waiting >= WAITING_MAX || questions >= QUESTIONS_MAX)
      return refuse(call, "too many requests were put to people", select);
    waiting += 1;
    questions += 1;
    open.add(select);
    const { title, kind, name, input, content } = call;
    const answer = await parts.askApproval(
      {
        action,
        target: (title ?? name ?? kind ?? "").slice(0, TARGET_CHARS_MAX),
        // A decision is for one request: the same thing asked again is another.
        arguments: { tool: name ?? kind, title, input: input ?? content, request: randomUUID() },
      },
      ending.signal,
    );
    waiting -= 1;
    open.delete(select);
    if (ending.signal.aborted) return; // Answered by `cancel`.
    if (answer.decision === "approved") grant(call, select);
    else if (answer.decision === "denied") refuse(call, answer.why, select);
    else select(null);
  }

  return {
    ask(params, reply) {
      const select = selectFrom(params["options"], reply);
      const call = isRecord(params["toolCall"]) ? calls.take(params["toolCall"]) : null;
      if (ending.signal.aborted || call === null) return void select(null);
      calls.begin(call.id);
      const verdict = judgeTool(call, rules);
      if (verdict.type === "allow") grant(call, select);
      else if (verdict.type === "refuse") refuse(call, verdict.why, select);
      else void askPeople(call, verdict.action, select);
    },
    cancel() {
      ending.abort();
      for (const select of open) select(null);
      open.clear();
    },
    agrees(call) {
      const no = refused.get(call.id);
      if (no !== undefined) {
        // Some call a refused call completed: with the refusal.
        if (call.status === "completed") return !no.goesOn;
        no.goesOn ||= call.status === "in_progress";
        return true;
      }
      return call.status !== "completed" || granted.has(call.id) || !isNamed(call, rules);
    },
    takeLastRefusal() {
      const last = refusal;
      refusal = null;
      return last !== null && last.at === calls.count() ? last : null;
    },
  };
}

/** Picks the first option of the kind; without one, and for null, it is `cancelled`. False: there was none. */
type Select = (kind: "allow_once" | "reject_once" | null) => boolean;

function selectFrom(options: unknown, reply: Reply): Select {
  return (kind) => {
    const given = Array.isArray(options) ? options.filter(isRecord) : [];
    const option = kind === null ? undefined : given.find((one) => one["kind"] === kind);
    const optionId = option?.["optionId"];
    const found = typeof optionId === "string";
    reply({ result: { outcome: found ? { outcome: "selected", optionId } : { outcome: "cancelled" } } });
    return found;
  };
}

/** A rule means exactly this call, or a word for it: what is only missing in the list of allowed tools is no breach. */
function isNamed(call: ToolCall, rules: ToolRules): boolean {
  return judgeTool(call, { ...rules, allowed: [] }).type !== "allow" && call.kind !== null;
}

function nameOf({ name, kind, title }: ToolCall): string {
  const what = name ?? kind ?? "a tool";
  return title === null || title === what ? what : `${what} (${title})`;
}
