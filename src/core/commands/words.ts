/** The words behind a command. */

/** `budget.1`, `audit.budget.1`: nothing that somebody writes as a word. */
export const QUESTION_ID = /^(?:[A-Za-z0-9][A-Za-z0-9._-]*\.)?[a-z]+\.[0-9]{1,9}$/;

export function cutWord(text: string): { readonly word: string; readonly others: string } {
  const [, word = "", others = ""] = /^(\S*)(?:\s+([\s\S]*))?$/.exec(text) ?? [];
  return { word, others: others.trim() };
}

export interface Options {
  readonly words: readonly string[];
  readonly flags: readonly string[];
  /** Everything behind `--reason`. */
  readonly reason: string;
}

/** As on the command line, but that a reason needs no quotation marks and goes on to the end. A sentence: what is wrong. */
export function optionsIn(text: string, known: readonly string[]): Options | string {
  const words: string[] = [];
  const flags: string[] = [];
  let left = text;
  while (left !== "") {
    const { word, others } = cutWord(left);
    left = others;
    if (word === "--reason") {
      if (left === "") return "there is no reason behind --reason";
      return { words, flags, reason: unquoted(left) };
    }
    if (!word.startsWith("--")) words.push(word);
    else if (known.includes(word.slice(2))) flags.push(word.slice(2));
    else return `there is no option \`${word}\``;
  }
  return { words, flags, reason: "" };
}

function unquoted(text: string): string {
  return /^"([^"]*)"$/.exec(text)?.[1] ?? text;
}

/** A question at the beginning, and what follows; null: none is named. */
export function cutId(rest: string): { readonly id: string | null; readonly others: string } {
  const { word, others } = cutWord(rest);
  return QUESTION_ID.test(word) ? { id: word, others } : { id: null, others: rest };
}
