/** Reads from the side what a model call has used: the bytes go to the agent as they come, whatever is understood here. */
import { createParser } from "eventsource-parser";

export interface UsageTap {
  push(chunk: Buffer): void;
  /** What the answer said, in the form of an answer that came in one piece; null: nothing that could be read. */
  end(): Readonly<Record<string, unknown>> | null;
}

/** An answer in one piece; longer ones are not read, and what they used is unknown. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** Of one event of a stream. */
const EVENT_CHARS_MAX = 8 * 1024 * 1024;

export function createUsageTap(contentType: string): UsageTap {
  return contentType.includes("text/event-stream") ? streamTap() : bodyTap();
}

function bodyTap(): UsageTap {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.length;
      if (bytes <= BODY_BYTES_MAX) chunks.push(chunk);
      else chunks.length = 0;
    },
    end: () => (bytes > BODY_BYTES_MAX ? null : lastOf(parsed(Buffer.concat(chunks).toString("utf8")))),
  };
}

/** Gemini without `alt=sse` streams one array of answers, of which the last has the whole usage. */
function lastOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return isRecord(value) ? value : Array.isArray(value) && isRecord(value.at(-1)) ? value.at(-1) : null;
}

function streamTap(): UsageTap {
  const decoder = new TextDecoder();
  let found: Record<string, unknown> | null = null;
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data.length > EVENT_CHARS_MAX) return;
      const event = parsed(data);
      if (isRecord(event)) found = merged(found, event);
    },
  });
  return {
    push: (chunk) => parser.feed(decoder.decode(chunk, { stream: true })),
    end: () => found,
  };
}

/**
 * Anthropic: `message_start` has the model and what went in, each `message_delta` what came out so far. OpenAI's responses:
 * the last event has the whole answer. OpenAI's chat and Gemini: of the chunks that tell usage the last counts.
 */
function merged(
  before: Record<string, unknown> | null,
  event: Readonly<Record<string, unknown>>,
): Record<string, unknown> | null {
  const whole = event["message"] ?? event["response"];
  const said = isRecord(whole) && event["type"] !== undefined ? whole : event;
  const usage = said["usage"];
  const usageMetadata = said["usageMetadata"];
  if (!isRecord(usage) && !isRecord(usageMetadata)) {
    return before === null && typeof said["model"] === "string" ? { model: said["model"] } : before;
  }
  return {
    ...before,
    ...(typeof said["model"] === "string" ? { model: said["model"] } : {}),
    ...(typeof said["modelVersion"] === "string" ? { modelVersion: said["modelVersion"] } : {}),
    ...(isRecord(usage) ? { usage: { ...recordOr(before?.["usage"]), ...withoutNull(usage) } } : {}),
    ...(isRecord(usageMetadata) ? { usageMetadata } : {}),
  };
}

function withoutNull(usage: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null));
}

function recordOr(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
