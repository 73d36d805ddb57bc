import type { Command } from "./command.ts";

/** Of one comment. One with more of them is refused as a whole: nobody has read so many before they were sent. */
export const COMMANDS_MAX = 10;
/** Of one line. Longer than every message that an agent takes. */
export const COMMAND_CHARS_MAX = 2_500;
/** Of one comment; the forge's own limit is about this. */
export const COMMENT_CHARS_READ_MAX = 70_000;

export interface ParsedComment {
  readonly commands: readonly Command[];
  /** A sentence: why none of them is obeyed; null: they may be. */
  readonly problem: string | null;
}

/**
 * The commands of a comment: lines that begin with `/` and a word. What a reader sees as a quotation, as code or not at all is no
 * command: quoted lines and what goes on in their paragraph, code blocks (fenced, indented, `<pre>`), HTML comments. A path such
 * as `/etc/hosts` is none either.
 */
export function parseComment(text: string): ParsedComment {
  if (text.length > COMMENT_CHARS_READ_MAX)
    return { commands: [], problem: `the comment is longer than ${COMMENT_CHARS_READ_MAX} characters` };
  const commands: Command[] = [];
  let state: State = { inside: null, quoted: false };
  for (const line of text.split(/\r\n|\r|\n/)) {
    const seen = readLine(state, line);
    state = seen.state;
    const command = seen.visible ? commandIn(line) : null;
    if (command !== null) commands.push(command);
  }
  if (commands.length > COMMANDS_MAX)
    return {
      commands: [],
      problem: `the comment holds ${commands.length} commands and may hold ${COMMANDS_MAX}; none was obeyed`,
    };
  const long = commands.find((command) => command.text.length > COMMAND_CHARS_MAX);
  if (long === undefined) return { commands, problem: null };
  return {
    commands: [],
    problem: `\`/${long.verb}\` stands on a line of ${long.text.length} characters and may have ${COMMAND_CHARS_MAX}; nothing of the comment was obeyed`,
  };
}

const COMMAND = /^ {0,3}\/([A-Za-z][A-Za-z-]{0,39})(?:[ \t]+(.*))?[ \t]*$/;

function commandIn(line: string): Command | null {
  const [, verb, rest = ""] = COMMAND.exec(line) ?? [];
  return verb === undefined ? null : { text: line.trim(), verb: verb.toLowerCase(), rest: rest.trim() };
}

interface State {
  /** What is open: a fence by its signs, an HTML comment or `<pre>` by what ends it. */
  readonly inside: { readonly fence: string } | { readonly until: string } | null;
  /** The paragraph of a quotation goes on until an empty line. */
  readonly quoted: boolean;
}

/** Blocks whose content a reader sees as it is written, or does not see. */
const BLOCKS: readonly { readonly begins: RegExp; readonly until: string }[] = [
  { begins: /<!--/, until: "-->" },
  { begins: /^ {0,3}<pre(?=[\s>]|$)/i, until: "</pre>" },
  { begins: /^ {0,3}<script(?=[\s>]|$)/i, until: "</script>" },
  { begins: /^ {0,3}<style(?=[\s>]|$)/i, until: "</style>" },
  { begins: /^ {0,3}<textarea(?=[\s>]|$)/i, until: "</textarea>" },
];
const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;

function readLine(state: State, line: string): { readonly state: State; readonly visible: boolean } {
  const { inside } = state;
  if (inside !== null) {
    const over = "fence" in inside ? endsFence(line, inside.fence) : has(line, inside.until);
    return { state: { inside: over ? null : inside, quoted: false }, visible: false };
  }
  const [, fence] = FENCE.exec(line) ?? [];
  if (fence !== undefined) return { state: { inside: { fence }, quoted: false }, visible: false };
  for (const { begins, until } of BLOCKS) {
    const at = begins.exec(line)?.index;
    if (at === undefined) continue;
    const open = !has(line.slice(at + 4), until);
    return { state: { inside: open ? { until } : null, quoted: state.quoted }, visible: false };
  }
  if (line.trim() === "") return { state: { inside: null, quoted: false }, visible: false };
  const quoted = state.quoted || /^ {0,3}>/.test(line);
  return { state: { inside: null, quoted }, visible: !quoted && !/^(?: {4}| {0,3}\t)/.test(line) };
}

function has(line: string, text: string): boolean {
  return line.toLowerCase().includes(text);
}

/** The same sign at least as often, and nothing else. */
function endsFence(line: string, fence: string): boolean {
  const found = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1];
  return found !== undefined && found[0] === fence[0] && found.length >= fence.length;
}
