/**
 * Takes the values of secrets out of everything that leaves the shim. By value,
 * not by name, and in the forms in which a value usually travels: as it is, base64 (alone
 * or inside of a longer text), URL-encoded, JSON-escaped, hexadecimal.
 */

export interface Redactor {
  /** For texts that are whole. */
  text(value: string): string;
  /** Every string inside a JSON value, keys included. */
  deep<T>(value: T): T;
  /** For a text that arrives in pieces: a value split between pieces is found as well. */
  stream(): RedactingStream;
}

export interface RedactingStream {
  /** What may be shown now. An end that could be the beginning of a secret is held back until the next piece. */
  push(piece: string): string;
  /** What was held back; for the end of the text. */
  flush(): string;
}

export const REDACTED = "[redacted]";

/** A shorter value would blot out ordinary text and tell its own place by doing so. */
const SECRET_LENGTH_MIN = 4;

export function createRedactor(values: Iterable<string>): Redactor {
  const forms = [
    ...new Set([...values].filter((value) => value.length >= SECRET_LENGTH_MIN).flatMap(formsOf)),
  ];
  forms.sort((a, b) => b.length - a.length);
  if (forms.length === 0) return { text: (value) => value, deep: (value) => value, stream: plainStream };
  const pattern = new RegExp(forms.map(escapeRegExp).join("|"), "g");
  const text = (value: string): string => value.replace(pattern, REDACTED);
  return { text, deep: (value) => deepMap(value, text), stream: () => redactingStream(forms, pattern) };
}

function redactingStream(forms: readonly string[], pattern: RegExp): RedactingStream {
  const firstLetters = new Set(forms.map((form) => form.charAt(0)));
  const longest = forms[0]?.length ?? 0;
  let held = "";
  return {
    push(piece) {
      const text = held + piece;
      const cut = startOfPossibleSecret(text, forms, { firstLetters, longest });
      const shown = redactUpTo(text, cut, pattern);
      held = text.slice(shown.end);
      return shown.text;
    },
    flush() {
      const rest = held.replace(pattern, REDACTED);
      held = "";
      return rest;
    },
  };
}

/** Redacts what begins before `cut`, and shows nothing that begins later. */
function redactUpTo(
  text: string,
  cut: number,
  pattern: RegExp,
): { readonly text: string; readonly end: number } {
  let shown = "";
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index >= cut) break;
    shown += text.slice(end, match.index) + REDACTED;
    end = match.index + match[0].length;
  }
  if (end < cut) {
    shown += text.slice(end, cut);
    end = cut;
  }
  return { text: shown, end };
}

/** Where the first end-part begins that is a proper beginning of a form; the text's length when none is. */
function startOfPossibleSecret(
  text: string,
  forms: readonly string[],
  options: { readonly firstLetters: ReadonlySet<string>; readonly longest: number },
): number {
  for (let at = Math.max(0, text.length - options.longest + 1); at < text.length; at += 1) {
    if (!options.firstLetters.has(text.charAt(at))) continue;
    const end = text.slice(at);
    if (forms.some((form) => form.length > end.length && form.startsWith(end))) return at;
  }
  return text.length;
}

/** The value itself, without the white space around it, and line by line where it has several, as a key file has. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  return [...new Set([secret, secret.trim(), ...lines])]
    .filter((value) => value.length >= SECRET_LENGTH_MIN)
    .flatMap(encodedForms);
}

function encodedForms(value: string): readonly string[] {
  const bytes = Buffer.from(value, "utf8");
  const forms = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), bytes.toString("hex")];
  forms.push(new URLSearchParams([["", value]]).toString().slice(1));
  for (const lead of [0, 1, 2]) {
    // Inside of a longer base64 text a value has three shapes, one per position modulo three.
    // Its first and last digit also depend on the neighbours and are left out.
    const encoded = Buffer.concat([Buffer.alloc(lead), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const start = lead === 0 ? 0 : lead + 1;
    const end = ((bytes.length + lead) * 8) % 6 === 0 ? encoded.length : encoded.length - 1;
    const inner = encoded.slice(start, end);
    forms.push(inner, inner.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms.filter((form) => form.length >= SECRET_LENGTH_MIN);
}

function deepMap<T>(value: T, text: (value: string) => string): T;
function deepMap(value: unknown, text: (value: string) => string): unknown {
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return value.map((item) => deepMap(item, text));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [text(key), deepMap(item, text)]));
}

function plainStream(): RedactingStream {
  return { push: (piece) => piece, flush: () => "" };
}

function escapeRegExp(value: string): string {
  return value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
