import type { Issue } from "../core/model/issue.ts";

/**
 * Larger documents are not read. Honest ones have a few kilobytes; at this
 * size the most hostile YAML still costs well under a second.
 */
export const DOCUMENT_BYTES_MAX = 128 * 1024;

/** Bytes as text, or the reason why they are none. Never throws. */
export function decodeText(file: string, bytes: Uint8Array): { text: string | null; issues: Issue[] } {
  if (bytes.byteLength > DOCUMENT_BYTES_MAX) {
    return { text: null, issues: [tooLarge(file, bytes.byteLength)] };
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refused({
      file,
      ...placeOfBadByte(bytes),
      reason: "InvalidEncoding",
      message: "the document is not UTF-8",
      expected: "UTF-8 without a byte order mark",
    });
  }
  const issues: Issue[] = [];
  if (text.startsWith("\uFEFF")) {
    text = text.slice(1);
    issues.push({
      severity: "warning",
      file,
      line: 1,
      column: 1,
      reason: "ByteOrderMark",
      message: "the document starts with a byte order mark",
      expected: "UTF-8 without a byte order mark",
    });
  }
  const control = CONTROL.exec(text);
  if (control !== null) {
    const code = control[0].codePointAt(0) ?? 0;
    const bidi = code >= 0x2000;
    return refused({
      file,
      ...placeOf(text, control.index),
      reason: bidi ? "HiddenCharacter" : "ControlCharacter",
      message: bidi
        ? "a character that reorders text, so that reviewers see something else than what is read"
        : "a control character",
      found: `U+${code.toString(16).toUpperCase().padStart(4, "0")}`,
      expected: "printable text",
    });
  }
  return { text, issues };
}

// Control characters but for tab, line feed and carriage return; then the bidirectional overrides and isolates.
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/;

export function tooLarge(file: string, bytes: number): Issue {
  return {
    severity: "error",
    file,
    reason: "DocumentTooLarge",
    message: "the document is too large",
    found: `${bytes} bytes`,
    expected: `at most ${DOCUMENT_BYTES_MAX} bytes`,
  };
}

function refused(issue: Omit<Issue, "severity">): { text: null; issues: Issue[] } {
  return { text: null, issues: [{ severity: "error", ...issue }] };
}

/** 1-based line and column of an offset. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) {
    line++;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

function placeOfBadByte(bytes: Uint8Array): { line: number; column: number } {
  // Lenient decoding marks the first bad byte by U+FFFD; a genuine one before it would only move the place.
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return placeOf(text, Math.max(0, text.indexOf("\uFFFD")));
}
