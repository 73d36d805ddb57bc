/** The text of a review, fit to be put before strangers' eyes on a forge. */

/** Zero width: what stands behind it is read as before, and is no name or number to the forge. */
const BREAK = "\u200b";

export interface CommentText {
  /** Our own words on top, in which numbers and names are meant to lead somewhere. */
  readonly notice?: string;
  /** As Markdown; texts of the proposal in it are escaped. */
  readonly markdown: string;
  readonly charsMax: number;
  /** How to see what is left out. */
  readonly elsewhere: string;
}

/**
 * A comment that fits, and that calls nobody: a name behind `@` or a number behind `#` that a proposal brought along would
 * send messages to people and leave traces in other issues, in our name.
 *
 * What does not fit is left out at the end of a line, and the comment says how much that is. A code block or a fold that
 * would stay open is closed.
 */
export function commentText({ notice, markdown, charsMax, elsewhere }: CommentText): string {
  const text = notice === undefined ? quiet(markdown) : `${notice}\n\n${quiet(markdown)}`;
  if (text.length <= charsMax) return text;
  const lines = text.split("\n");
  let kept = lines.length;
  let length = text.length;
  const room = charsMax - ENDING_CHARS_MAX - elsewhere.length;
  while (kept > 0 && length > room) {
    kept -= 1;
    length -= (lines[kept]?.length ?? 0) + 1;
  }
  const shown = lines.slice(0, kept);
  const left = lines.length - kept;
  return [
    ...shown,
    ...closing(shown),
    "",
    `… **${left} more line${left === 1 ? "" : "s"}** of this plan are left out: a comment holds no more. ${elsewhere}`,
    "",
  ].join("\n");
}

/** Of the last sentence and of what closes blocks. */
const ENDING_CHARS_MAX = 400;
/** Folds that are closed; a text with more of them open inside of each other is none of ours. */
const FOLDS_MAX = 10;

function quiet(markdown: string): string {
  return markdown.replace(/@(?=[A-Za-z0-9])/g, `@${BREAK}`).replace(/(?<!&)#(?=\d)/g, `#${BREAK}`);
}

function closing(lines: readonly string[]): readonly string[] {
  const fences = lines.filter((line) => line.startsWith("```")).length;
  const opened = lines.filter((line) => line.includes("<details")).length;
  const closed = lines.filter((line) => line.includes("</details>")).length;
  const folds = Math.min(Math.max(0, opened - closed), FOLDS_MAX);
  return [...(fences % 2 === 1 ? ["```"] : []), ...Array.from({ length: folds }, () => "\n</details>")];
}
