import { stringify } from "yaml";

/**
 * A value of JSON as a YAML document: byte for byte what `yaml` writes for it without
 * folding and without aliases, some twenty times sooner. Writing status is most of what a publication
 * costs, and status is mappings, lists and short words; every scalar that is not plain beyond doubt is left
 * to `yaml` itself. Properties that are undefined are left out; throws where JSON has no word for a value.
 */
export function yamlText(value: object): string {
  const lines: string[] = [];
  return writeBlock(lines, value, "") ? `${lines.join("\n")}\n` : wholly(value);
}

/** An item of a list that stands unchanged in many documents: it is written once, and its lines are kept. */
export class YamlItem {
  readonly #value: object;
  #kept: { readonly indent: string; readonly lines: readonly string[] } | null = null;

  constructor(value: object) {
    this.#value = value;
  }

  /** For `yaml`, where a document is left to it. */
  toJSON(): object {
    return this.#value;
  }

  /** False as for any other value. */
  writeTo(lines: string[], indent: string): boolean {
    if (this.#kept?.indent !== indent) {
      const written: string[] = [];
      if (!writeItem(written, this.#value, indent)) return false;
      this.#kept = { indent, lines: written };
    }
    for (const line of this.#kept.lines) lines.push(line);
    return true;
  }
}

const OPTIONS = { lineWidth: 0, aliasDuplicateObjects: false } as const;

function wholly(value: unknown): string {
  return stringify(value, OPTIONS);
}

/** False where the layout depends on more than the scalar itself, as that of several lines does. */
function writeBlock(lines: string[], value: object, indent: string): boolean {
  if (Array.isArray(value)) {
    for (const item of value) if (!writeItem(lines, item, indent)) return false;
    return value.length > 0;
  }
  let entries = 0;
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    entries += 1;
    if (!isPlain(key) || !writeEntry(lines, { key, item, indent })) return false;
  }
  return entries > 0;
}

function writeEntry(
  lines: string[],
  { key, item, indent }: { readonly key: string; readonly item: unknown; readonly indent: string },
): boolean {
  if (item instanceof YamlItem) return writeEntry(lines, { key, item: item.toJSON(), indent });
  if (isFilled(item)) {
    lines.push(`${indent}${key}:`);
    return writeBlock(lines, item, `${indent}  `);
  }
  const text = scalarText(item);
  if (text !== null) lines.push(`${indent}${key}: ${text}`);
  return text !== null;
}

/** The first line of what an item holds stands behind its dash. */
function writeItem(lines: string[], item: unknown, indent: string): boolean {
  if (item instanceof YamlItem) return item.writeTo(lines, indent);
  if (isFilled(item)) {
    const first = lines.length;
    if (Array.isArray(item) || !writeBlock(lines, item, `${indent}  `)) return false;
    lines[first] = `${indent}- ${lines[first]?.slice(indent.length + 2)}`;
    return true;
  }
  const text = scalarText(item);
  if (text !== null) lines.push(`${indent}- ${text}`);
  return text !== null;
}

function isFilled(item: unknown): item is object {
  if (typeof item !== "object" || item === null) return false;
  if (Array.isArray(item)) return item.length > 0;
  for (const inside of Object.values(item)) if (inside !== undefined) return true;
  return false;
}

/** One line, or null when this takes more than that. */
function scalarText(item: unknown): string | null {
  if (item === null || typeof item === "boolean") return String(item);
  if (typeof item === "number" && NUMBER.test(String(item)) && !Object.is(item, -0)) return String(item);
  if (typeof item === "string") {
    if (isPlain(item)) return item;
    if (isQuoted(item)) return `"${item}"`;
    if (item.includes("\n")) return null;
  } else if (typeof item === "object") return Array.isArray(item) ? "[]" : "{}";
  else if (typeof item !== "number") return null;
  const text = wholly(item);
  // With its line break; a second one means that the layout is not ours to know.
  return text.indexOf("\n") === text.length - 1 ? text.slice(0, -1) : null;
}

/** Starts with a letter, or is no number for its space, holds nothing that means anything to YAML and ends with no white space. */
const PLAIN = /^(?:[A-Za-z]|\d+ (?=\S)|\d{4}-\d\d-\d\dT)(?:[\w ./%+,;()=:@'-]*[\w./%+,;()-])?$/;
/** Of a commit, with a digit that no number has. */
const ID = /^(?=.*[a-df])[0-9a-f]{40}$/;
const PLAIN_LENGTH_MAX = 500;
/** No exponent. */
const NUMBER = /^-?\d+(?:\.\d+)?$/;
/** Nothing to escape, and something that must not stand plain. */
const ESCAPED = /[^ !#-[\]-~]/;
const HIDDEN = /: | #|:$|^[ ,[\]{}#&*!|>%@`]|^$|^(?:true|True|TRUE|false|False|FALSE|null|Null|NULL)$/;
/** Words that YAML, or a reader of its older version, takes for something else. */
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

function isQuoted(text: string): boolean {
  return text.length <= PLAIN_LENGTH_MAX && HIDDEN.test(text) && !ESCAPED.test(text);
}

function isPlain(text: string): boolean {
  if (text.length > PLAIN_LENGTH_MAX) return false;
  return PLAIN.test(text) ? !text.includes(": ") && !WORDS.test(text) : ID.test(text);
}
