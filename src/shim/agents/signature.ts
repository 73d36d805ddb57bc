/** Tells whether two crashes are the same crash. */
import { createHash } from "node:crypto";

export interface AgentExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Last lines of standard error, redacted. */
  readonly stderrTail: string;
}

/** Lines that identify a crash: the last few, where the message is. */
const SIGNATURE_LINES = 5;

/** sha256 over exit code, signal and the last lines without what differs from run to run. */
export function crashSignature(ending: AgentExit): string {
  const lines = ending.stderrTail
    .split("\n")
    .map(normalise)
    .filter((line) => line !== "");
  const facts = [ending.code, ending.signal, ...lines.slice(-SIGNATURE_LINES)];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

function normalise(line: string): string {
  return line
    .replace(/\u001b\[[0-9;]*[A-Za-z]/g, "")
    .replace(/0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, "#")
    .replace(/\d+/g, "#")
    .replace(/\s+/g, " ")
    .trim();
}

/** Keeps the end of a stream within a bound. */
export function keepTail(lengthMax: number): { push(text: string): void; text(): string } {
  let tail = "";
  return {
    push(text) {
      tail = (tail + text).slice(-lengthMax);
    },
    text: () => tail,
  };
}
