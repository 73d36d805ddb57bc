/**
 * Characters that steer a terminal or a reader's eye and are not seen themselves: controls, formats (bidirectional, tag,
 * zero-width), separators of lines and paragraphs, and halves of characters. Joiners pass: emoji and some scripts are
 * written with them.
 */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const UNSEEN_ALL = new RegExp(UNSEEN, "gu");
const UNSEEN_BUT_LINES = /(?![\t\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

export function hasUnseen(text: string): boolean {
  return UNSEEN.test(text);
}

/** On one line: what is not seen counts as white space, and white space is one space. */
export function plainLine(text: string): string {
  return text.replace(UNSEEN_ALL, " ").replace(/\s+/g, " ").trim();
}

/** Tabs and line feeds stay; all else that is not seen goes. */
export function plainLines(text: string): string {
  return text.replace(UNSEEN_BUT_LINES, "");
}
