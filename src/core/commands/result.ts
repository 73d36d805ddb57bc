/** What a comment is answered. */
import { commentText } from "../reviews/comment.ts";
import { cell, code } from "../status/text.ts";
import type { Command } from "./command.ts";

export interface CommandResult {
  readonly command: Command;
  readonly ok: boolean;
  /** A sentence: what was recorded, or what would be right. */
  readonly message: string;
}

/** Of one answer: ten commands with a sentence each. */
const ANSWER_CHARS_MAX = 10_000;
const COMMAND_SHOWN_MAX = 120;

export function answerText(author: string, results: readonly CommandResult[]): string {
  const lines = results.map(({ command: { text }, ok, message }) => {
    const shown = text.length > COMMAND_SHOWN_MAX ? `${text.slice(0, COMMAND_SHOWN_MAX - 1)}…` : text;
    return `- ${code(shown)} ${ok ? "done" : "**not done**"}: ${cell(message)}`;
  });
  return withinLimit([`${author}:`, "", ...lines].join("\n"));
}

/** Of a comment of which nothing was obeyed. */
export function refusalText(author: string, problem: string): string {
  return withinLimit(`${author}: **not done**: ${cell(problem)}`);
}

function withinLimit(markdown: string): string {
  return commentText({
    markdown,
    charsMax: ANSWER_CHARS_MAX,
    elsewhere: "`factory events` shows what was recorded.",
  });
}
