/** What an agent prints, line by line: for us, or of its own. */
import type { AgentOutput } from "../../../core/model/clone.ts";
import { isRecord } from "../../../instance/files.ts";
import type { AgentEvent } from "../agent.ts";
import { parseAgentLine } from "../agent-line.ts";
import { LINE_LENGTH_MAX, splitLines } from "../lines.ts";
import { READERS } from "./readers.ts";

export interface OutputLines {
  push(chunk: Buffer): void;
  /** Its program has ended, with this code or by a signal. */
  end(code: number | null): void;
}

/** Agents print whole files and answers of tools within one line. */
const OWN_LINE_LENGTH_MAX = 4 * 1024 * 1024;

/** `write`: to the transcript. Lines for us go there where they are not understood, an agent's own stream as a whole. */
export function createOutputLines(
  output: AgentOutput | undefined,
  to: { readonly onEvent: (event: AgentEvent) => void; readonly write: (text: string) => void },
): OutputLines {
  const reader = output === undefined ? null : READERS[output]();
  const lines = splitLines(
    {
      line(text) {
        if (reader === null) {
          const event = parseAgentLine(text);
          if (event === null) to.write(`${text}\n`);
          else to.onEvent(event);
          return;
        }
        to.write(`${text}\n`);
        const value = text.startsWith("{") ? parsed(text) : null;
        if (isRecord(value)) for (const event of reader.line(value)) to.onEvent(event);
      },
      piece: to.write,
    },
    reader === null ? LINE_LENGTH_MAX : OWN_LINE_LENGTH_MAX,
  );
  return {
    push: lines.push,
    end(code) {
      lines.end();
      for (const event of reader?.end(code) ?? []) to.onEvent(event);
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
