/** Questions that an agent puts to whoever sits at it: here nobody does, so each blocks the mission until a person's next message. */
import { isRecord } from "../../../instance/files.ts";
import type { AgentEvent } from "../agent.ts";
import type { Reply } from "./rpc.ts";

export interface Questions {
  ask(params: Readonly<Record<string, unknown>>, reply: Reply): void;
  /** Takes a person's words as the answer to the oldest question; false when there is none. */
  answer(text: string): boolean;
  /** Nobody answers any more. */
  cancel(): void;
}

const QUESTIONS_MAX = 8;
const TEXT_CHARS_MAX = 1_500;

interface Question {
  readonly fields: readonly Field[];
  readonly reply: Reply;
}

interface Field {
  readonly name: string;
  readonly type: string;
}

export function createQuestions(onEvent: (event: AgentEvent) => void): Questions {
  const open: Question[] = [];
  let cancelled = false;

  return {
    ask({ message, mode, requestedSchema }, reply) {
      const fields = fieldsOf(requestedSchema);
      if (cancelled || mode !== "form" || open.length >= QUESTIONS_MAX)
        return reply({ result: { action: cancelled ? "cancel" : "decline" } });
      open.push({ fields, reply });
      const asked = typeof message === "string" && message !== "" ? message : "the agent asks";
      onEvent({
        type: "blocked",
        reason: asked.slice(0, TEXT_CHARS_MAX),
        needs:
          fields.length <= 1
            ? "an answer"
            : `an answer as JSON: {${fields.map(({ name, type }) => `"${name}": ${type}`).join(", ")}}`,
      });
    },
    answer(text) {
      const question = open.shift();
      if (question === undefined) return false;
      const content = contentOf(question.fields, text);
      question.reply({ result: content === null ? { action: "decline" } : { action: "accept", content } });
      onEvent({ type: "unblocked" });
      return true;
    },
    cancel() {
      cancelled = true;
      for (const { reply } of open.splice(0)) reply({ result: { action: "cancel" } });
    },
  };
}

function fieldsOf(schema: unknown): readonly Field[] {
  const properties = isRecord(schema) && isRecord(schema["properties"]) ? schema["properties"] : {};
  return Object.entries(properties).map(([name, property]) => ({
    name,
    type: isRecord(property) && typeof property["type"] === "string" ? property["type"] : "string",
  }));
}

/** One field takes the words as they are; several take a JSON object. Null: they are no answer to it. */
function contentOf(fields: readonly Field[], text: string): Record<string, unknown> | null {
  const [only, ...more] = fields;
  if (only === undefined) return {};
  if (more.length === 0) {
    const value = readAs(only.type, text.trim());
    return value === null ? null : { [only.name]: value };
  }
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function readAs(type: string, text: string): string | number | boolean | readonly string[] | null {
  if (type === "boolean")
    return /^(yes|true)$/i.test(text) ? true : /^(no|false)$/i.test(text) ? false : null;
  if (type === "number" || type === "integer") return Number.isFinite(Number(text)) ? Number(text) : null;
  if (type === "array") return text.split(",").map((one) => one.trim());
  return text;
}
