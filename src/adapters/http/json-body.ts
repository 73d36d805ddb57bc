import { isUtf8 } from "node:buffer";
import { JSON_DEPTH_MAX } from "./limits.ts";
import { HttpProblem } from "./problem.ts";

/** A body as JSON. Throws a 400 for what is not UTF-8, not JSON, or nested beyond every good purpose; undefined when there is none. */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw new HttpProblem("json_malformed", "the body is not UTF-8 text");
  const text = body.toString("utf8");
  if (nestsDeeperThan(text, JSON_DEPTH_MAX)) {
    throw new HttpProblem("json_malformed", `the body is nested deeper than ${JSON_DEPTH_MAX} levels`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpProblem("json_malformed", `the body is not JSON${shownStart(text)}`);
  }
}

/**
 * Looked at in the text, before parsing: everything behind this line may walk
 * a value with recursion and without fear.
 */
function nestsDeeperThan(text: string, depthMax: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (quoted) {
      if (code === BACKSLASH) index += 1;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) {
      quoted = true;
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      depth += 1;
      if (depth > depthMax) return true;
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      depth -= 1;
    }
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const SHOWN_CHARS = 20;

/** Tells an empty shell variable from a form or a page of HTML, without repeating a body. */
function shownStart(text: string): string {
  return `; it starts with ${JSON.stringify(text.slice(0, SHOWN_CHARS))}`;
}
