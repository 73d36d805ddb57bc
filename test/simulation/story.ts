import { sha256Hex } from "../../src/core/model/digest.ts";

/** What happened, as lines that a person can follow. */
export interface Story {
  tell(line: string): void;
  /** The newest `count` lines, oldest first. */
  last(count: number): readonly string[];
  /** Over every line that was ever told: two runs with the same hash went the same way. */
  readonly hash: string;
  readonly lines: number;
}

/** A run tells tens of thousands; what went wrong is near the end. */
const KEPT_LINES_MAX = 4_000;

export function createStory(elapsedMs: () => number): Story {
  let kept: string[] = [];
  let hash = "";
  let block: string[] = [];
  let lines = 0;

  function fold(): void {
    if (block.length === 0) return;
    hash = sha256Hex(`${hash}\n${block.join("\n")}`);
    block = [];
  }

  return {
    tell(line) {
      const text = `${stamp(elapsedMs())} ${line}`;
      lines += 1;
      block.push(text);
      if (block.length >= BLOCK_LINES) fold();
      kept.push(text);
      if (kept.length > 2 * KEPT_LINES_MAX) kept = kept.slice(-KEPT_LINES_MAX);
    },
    last: (count) => kept.slice(-count),
    get hash() {
      fold();
      return hash;
    },
    get lines() {
      return lines;
    },
  };
}

const BLOCK_LINES = 256;

function stamp(ms: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const seconds = (ms % 60_000) / 1_000;
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${seconds.toFixed(3).padStart(6, "0")}`;
}
