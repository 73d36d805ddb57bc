/** Links, images, tags and plain text of one block, read as CommonMark reads them. */

const ESCAPABLE = /[!-/:-@[-`{-~]/;
const TAG =
  /^<(\/?)([A-Za-z][A-Za-z0-9-]*)((?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*)\s*\/?>/;
const AUTOLINK = /^<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+)>/;
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/**
 * `definitions` maps normalised labels to targets. Answers with
 * `links: {kind, target, line, label?}` (target null: the label is not defined), `ids`
 * (anchors set by tags) and `text` (what a reader sees, for a heading's anchor).
 */
export function readInline(block, definitions) {
  const source = block.lines.map(({ text }) => text).join("\n");
  const lineAt = lineFinder(block.lines);
  const links = [];
  const ids = [];
  const output = []; // Pieces of visible text, with markers for brackets.
  const openers = [];
  let at = 0;

  const addTag = (tag) => {
    for (const [, name, value] of tag[3].matchAll(/([\w:.-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+)/g)) {
      const plain = entities(value.replace(/^(["'])(.*)\1$/s, "$2"));
      if (/^(id|name)$/i.test(name)) ids.push(plain);
      if (/^(href|src)$/i.test(name)) links.push({ kind: "html", target: plain, line: lineAt(at) });
    }
  };

  while (at < source.length) {
    const char = source[at];
    const rest = source.slice(at);
    if (block.type === "html") {
      const tag = char === "<" ? TAG.exec(rest) : null;
      if (tag) addTag(tag);
      at += tag ? tag[0].length : 1;
    } else if (char === "\\" && ESCAPABLE.test(source[at + 1] ?? "")) {
      output.push({ text: source[at + 1], literal: true });
      at += 2;
    } else if (char === "`") {
      const run = /^`+/.exec(rest)[0];
      const end = closingRun(source, at + run.length, run.length);
      if (end === -1) output.push({ text: run });
      else output.push({ text: codeText(source.slice(at + run.length, end)), literal: true });
      at = end === -1 ? at + run.length : end + run.length;
    } else if (char === "<") {
      const auto = AUTOLINK.exec(rest);
      const tag = auto ? null : TAG.exec(rest);
      if (auto) {
        const target = auto[1].includes(":") ? auto[1] : `mailto:${auto[1]}`;
        links.push({ kind: "autolink", target, line: lineAt(at) });
        output.push({ text: auto[1], literal: true });
      } else if (tag) addTag(tag);
      else output.push({ text: "<" });
      at += (auto ?? tag)?.[0].length ?? 1;
    } else if (char === "[" || (char === "!" && source[at + 1] === "[")) {
      const image = char === "!";
      openers.push({ at, image, active: true, start: at + (image ? 2 : 1), output: output.length });
      at += image ? 2 : 1;
      output.push({ text: image ? "![" : "[" });
    } else if (char === "]") {
      at = closeBracket();
    } else {
      output.push({ text: char });
      at++;
    }
  }
  return { links, ids, text: visible(output) };

  /** Decides what a `]` closes; answers where reading goes on. */
  function closeBracket() {
    const opener = openers.pop();
    if (!opener?.active) {
      output.push({ text: "]" });
      return at + 1;
    }
    const inner = source.slice(opener.start, at);
    const found = inlineTarget(source, at + 1) ?? reference(inner, at + 1);
    if (!found) {
      output.push({ text: "]" });
      return at + 1;
    }
    const kind = opener.image ? "image" : found.label === undefined ? "link" : "reference";
    const label = found.label === undefined ? {} : { label: found.label };
    links.push({ kind, target: found.target, line: lineAt(opener.at), ...label });
    // An image shows no text of its own; a link shows what stands between its brackets.
    if (opener.image) output.length = opener.output;
    else {
      output[opener.output] = { text: "" };
      for (const other of openers) if (!other.image) other.active = false; // No link inside of a link.
    }
    return found.end;
  }

  function reference(inner, from) {
    const full = /^\[((?:\\.|[^[\]\\])*)\]/.exec(source.slice(from));
    const label = full && full[1].trim() !== "" ? full[1] : inner;
    if (label.startsWith("^")) return null; // A footnote.
    const target = definitions.get(normalizeLabel(label));
    const end = from + (full ? full[0].length : 0);
    if (target !== undefined) return { target, end, label };
    // Only the full form is surely meant as a link; `[x]` alone is prose, and `a[0][1]` is code that lost its ticks.
    const meant = full && full[1].trim() !== "" && !/^\d+$/.test(full[1]) && !/^(\s|x|\d+)$/i.test(inner);
    return meant ? { target: null, end, label } : null;
  }
}

/** Labels are equal regardless of case and of runs of white space. */
export function normalizeLabel(label) {
  return label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase();
}

/** `(target "title")` after a closing bracket, or null. */
function inlineTarget(source, from) {
  if (source[from] !== "(") return null;
  let at = skipSpace(source, from + 1);
  let target = "";
  if (source[at] === "<") {
    const pointed = /^<((?:\\.|[^<>\\\n])*)>/.exec(source.slice(at));
    if (!pointed) return null;
    target = pointed[1];
    at += pointed[0].length;
  } else {
    let depth = 0;
    const start = at;
    while (at < source.length && !/\s/.test(source[at])) {
      if (source[at] === "\\" && ESCAPABLE.test(source[at + 1] ?? "")) at++;
      else if (source[at] === "(") depth++;
      else if (source[at] === ")" && depth-- === 0) break;
      at++;
    }
    target = source.slice(start, at);
  }
  const spaced = skipSpace(source, at);
  const title =
    spaced > at
      ? /^("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\))/.exec(source.slice(spaced))
      : null;
  at = skipSpace(source, title ? spaced + title[0].length : spaced);
  return source[at] === ")" ? { target: unescapeTarget(target), end: at + 1 } : null;
}

export function unescapeTarget(text) {
  return entities(text.replace(/\\([!-/:-@[-`{-~])/g, "$1"));
}

function entities(text) {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : null;
    if (code === null) return ENTITIES[name] ?? whole;
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}

/** Pieces to text: emphasis marks go, except underscores inside of words, and what is literal stays as it is. */
function visible(pieces) {
  const marked = pieces
    .map(({ text, literal }) => (literal ? text.replace(/[*_~&]/g, (mark) => PRIVATE[mark]) : text))
    .join("");
  const plain = entities(marked)
    .replace(/(\*{1,3}|~~)(?=\S)(.*?\S)\1/gs, "$2")
    .replace(/(?<![\p{L}\p{N}_])(_{1,3})(?=\S)(.*?\S)\1(?![\p{L}\p{N}_])/gsu, "$2");
  return plain
    .replace(/[\ue000-\ue003]/g, (mark) => "*_~&"["\ue000\ue001\ue002\ue003".indexOf(mark)])
    .replace(/\s+/g, " ")
    .trim();
}

/** Stand-ins from the private use area while emphasis is taken away. */
const PRIVATE = { "*": "\ue000", _: "\ue001", "~": "\ue002", "&": "\ue003" };

function closingRun(source, from, length) {
  for (const run of source.slice(from).matchAll(/`+/g)) if (run[0].length === length) return from + run.index;
  return -1;
}

function codeText(text) {
  const flat = text.replaceAll("\n", " ");
  return /^ .*[^ ].* $/.test(flat) || /^ [^ ] $/.test(flat) ? flat.slice(1, -1) : flat;
}

function skipSpace(source, from) {
  let at = from;
  while (/\s/.test(source[at] ?? "")) at++;
  return at;
}

function lineFinder(lines) {
  return (offset) => {
    let start = 0;
    for (const { text, line } of lines) {
      if (offset <= start + text.length) return line;
      start += text.length + 1;
    }
    return lines.at(-1).line;
  };
}
