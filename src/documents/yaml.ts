import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Scalar, type YAMLError } from "yaml";
import type { Issue } from "../core/model/issue.ts";
import { extend, type Position, Positions } from "./positions.ts";
import { composeYaml } from "./yaml-compose.ts";

/** Values deeper than this are refused. Our documents need seven. */
export const DEPTH_MAX = 32;
/** Values in one document, those behind aliases counted each time, so that aliases cannot explode. */
export const NODES_MAX = 20_000;
/** More are summed up in one line: the first ones usually cause the rest. */
export const YAML_ISSUES_MAX = 20;

export interface YamlTree {
  /** Plain JSON values. What was refused is left out. */
  readonly value: unknown;
  readonly positions: Positions;
  /** The text could be read as YAML; otherwise `value` is only what the reader guessed. */
  readonly wellFormed: boolean;
  readonly issues: readonly Issue[];
}

/**
 * Reads one YAML 1.2 document into plain values. Never throws and never
 * hangs: everything that YAML offers beyond plain data is refused with its place.
 */
export function readYaml(file: string, text: string): YamlTree {
  const lines = new LineCounter();
  const positions = new Positions();
  const document = composeYaml(text, lines);
  if (document === null) {
    const message = "the document is not YAML that we can read";
    return {
      value: undefined,
      positions,
      wellFormed: false,
      issues: [{ severity: "error", file, reason: "InvalidYaml", message }],
    };
  }
  const reader = new Reader(file, lines, positions);
  for (const error of document.errors.slice(0, YAML_ISSUES_MAX)) reader.syntax(error);
  const unread = document.errors.length - YAML_ISSUES_MAX;
  if (unread > 0) reader.report({ reason: "InvalidYaml", message: `${unread} more problems like these` });
  const version = document.directives?.yaml;
  if (version?.explicit === true && version.version !== "1.2") {
    reader.report({
      line: 1,
      column: 1,
      reason: "YamlVersion",
      message: "an old version of YAML reads values differently",
      found: `%YAML ${version.version}`,
      expected: "no %YAML line",
    });
  }
  const wellFormed = document.errors.length === 0;
  const value = document.contents === null ? null : reader.read(document.contents, "", 0, null);
  if (wellFormed && (value === null || value === undefined) && reader.issues.length === 0) {
    reader.report({
      line: 1,
      column: 1,
      reason: "EmptyDocument",
      message: "the document is empty",
      expected: "apiVersion, kind, metadata and spec",
    });
  }
  return { value, positions, wellFormed, issues: reader.issues };
}

/** Keys that mean something to JavaScript. No field of ours has such a name. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** One walk over the tree: values, places, and what is refused. */
class Reader {
  readonly issues: Issue[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #positions: Positions;
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #nodes = 0;
  #full = false;

  constructor(file: string, lines: LineCounter, positions: Positions) {
    this.#file = file;
    this.#lines = lines;
    this.#positions = positions;
  }

  /** `aliased` is where the alias stands through which we came here; places behind an alias are not kept. */
  read(node: Node, path: string, depth: number, aliased: Position | null): unknown {
    if (this.#full) return undefined;
    const at = aliased ?? this.#place(node);
    if (++this.#nodes > NODES_MAX) {
      this.#full = true;
      this.report({
        ...at,
        field: path,
        reason: "TooManyValues",
        message: "the document has too many values, aliases counted each time",
        expected: `at most ${NODES_MAX}`,
      });
      return undefined;
    }
    if (depth > DEPTH_MAX) {
      this.report({
        ...at,
        field: path,
        reason: "NestedTooDeeply",
        message: "values are nested too deeply",
        expected: `at most ${DEPTH_MAX} levels`,
      });
      return undefined;
    }
    if (path === "") this.#positions.add("", at, at);
    if (isAlias(node)) return this.#alias(node.source, { path, depth, at });
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (node.tag !== undefined) {
      this.report({
        ...at,
        field: path,
        reason: "TagNotAllowed",
        message: "tags are not used here",
        found: shorten(node.tag),
        expected: "a plain value; put text that looks like something else in quotes",
      });
      return undefined;
    }
    if (isScalar(node)) return this.#scalar(node, path, at);
    // An anchor on a collection may be referred to from inside of it: a cycle.
    this.#open.add(node);
    try {
      if (isSeq(node)) return this.#list(node.items as Node[], { path, depth, aliased });
      if (isMap(node)) return this.#map(node.items as Pair[], { path, depth, aliased });
    } finally {
      this.#open.delete(node);
    }
    return undefined;
  }

  report(issue: Omit<Issue, "severity" | "file">): void {
    const { field, ...rest } = issue;
    if (this.issues.length > YAML_ISSUES_MAX + 1) return;
    this.issues.push({ severity: "error", file: this.#file, ...rest, ...(field ? { field } : {}) });
  }

  syntax(error: YAMLError): void {
    const known = SYNTAX[error.code];
    const { line, col } = this.#lines.linePos(error.pos[0]);
    this.report({
      line: Math.max(1, line),
      column: Math.max(1, col),
      reason: known?.reason ?? "InvalidYaml",
      message: known?.message ?? `not valid YAML: ${shorten(error.message.split("\n")[0] ?? "", 160)}`,
      ...(known?.expected === undefined ? {} : { expected: known.expected }),
    });
  }

  #alias(source: string, where: { path: string; depth: number; at: Position }): unknown {
    const target = this.#anchors.get(source);
    if (target === undefined || this.#open.has(target)) {
      this.report({
        ...where.at,
        field: where.path,
        reason: target === undefined ? "UnknownAlias" : "CyclicAlias",
        message:
          target === undefined ? "no anchor of this name stands before it" : "the alias contains itself",
        found: shorten(`*${source}`),
      });
      return undefined;
    }
    return this.read(target, where.path, where.depth, where.at);
  }

  #scalar(node: Scalar, path: string, at: Position): unknown {
    const { value } = node;
    if (typeof value !== "number") return value;
    const fractional =
      typeof node.source === "string" && /[.eE]/.test(node.source) && !/^[-+]?0x/i.test(node.source);
    if (Number.isFinite(value) && (fractional || Number.isSafeInteger(value))) return value;
    this.report({
      ...at,
      field: path,
      reason: "NumberOutOfRange",
      message: "the number cannot be held exactly",
      found: shorten(String(node.source ?? value)),
      expected: `a number up to ${Number.MAX_SAFE_INTEGER}, or text in quotes`,
    });
    return undefined;
  }

  #list(items: readonly Node[], where: { path: string; depth: number; aliased: Position | null }): unknown[] {
    const list: unknown[] = [];
    for (const [index, item] of items.entries()) {
      if (this.#full) break;
      const path = extend(where.path, index);
      if (where.aliased === null) {
        const at = this.#place(item);
        this.#positions.add(path, at, at);
      }
      list.push(this.read(item, path, where.depth + 1, where.aliased));
    }
    return list;
  }

  #map(items: readonly Pair[], where: { path: string; depth: number; aliased: Position | null }): unknown {
    const record: Record<string, unknown> = {};
    const seen = new Set<string>();
    for (const pair of items) {
      if (this.#full) break;
      const keyAt = where.aliased ?? this.#place(pair.key);
      const key = this.#key(pair.key, { ...where, at: keyAt });
      if (key === null) continue;
      const path = extend(where.path, key);
      if (seen.has(key)) {
        this.report({
          ...keyAt,
          field: path,
          reason: "DuplicateKey",
          message: "the key stands here a second time",
        });
        continue;
      }
      seen.add(key);
      if (where.aliased === null)
        this.#positions.add(path, keyAt, pair.value === null ? keyAt : this.#place(pair.value));
      record[key] = pair.value === null ? null : this.read(pair.value, path, where.depth + 1, where.aliased);
    }
    return record;
  }

  #key(node: Node | null, where: { path: string; at: Position }): string | null {
    const plain = isScalar(node) && typeof node.value === "string" && node.tag === undefined;
    if (plain && node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (plain && !FORBIDDEN_KEYS.has(node.value as string)) return node.value as string;
    this.report({
      ...where.at,
      field: where.path,
      reason: plain ? "ForbiddenKey" : "KeyNotText",
      message: plain ? "a key of this name is refused" : "a key is not text",
      found: shorten(isScalar(node) ? String(node.source ?? node.value) : "a nested value"),
      expected: plain ? "another name" : "a name; put numbers and the like in quotes",
    });
    return null;
  }

  #place(node: Node | null): Position {
    const { line, col } = this.#lines.linePos(node?.range?.[0] ?? 0);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

interface Pair {
  readonly key: Node | null;
  readonly value: Node | null;
}

const SYNTAX: Readonly<Record<string, { reason: string; message: string; expected?: string }>> = {
  TAB_AS_INDENT: { reason: "TabIndent", message: "a tab is used as indentation", expected: "spaces" },
  MULTIPLE_DOCS: {
    reason: "SeveralDocuments",
    message: "a second document starts here",
    expected: "one document per file",
  },
  RESOURCE_EXHAUSTION: {
    reason: "NestedTooDeeply",
    message: "values are nested too deeply",
    expected: `at most ${DEPTH_MAX} levels`,
  },
  MULTIPLE_ANCHORS: { reason: "InvalidYaml", message: "a value has more than one anchor" },
  MULTIPLE_TAGS: { reason: "InvalidYaml", message: "a value has more than one tag" },
};

/** Text for a message: one line, at most `charsMax` characters. */
export function shorten(text: string, charsMax = 60): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= charsMax ? line : `${line.slice(0, charsMax - 1)}…`;
}
