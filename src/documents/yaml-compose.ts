/** Text to YAML's own tree, by the library's parts: its reader, a look at the depth, its composer. */
import {
  Composer,
  type CST,
  type Document,
  Lexer,
  type LineCounter,
  type ParsedNode,
  Parser,
  YAMLParseError,
} from "yaml";

/**
 * Beyond this depth a collection is empty. The composer calls itself for each level and gives up where the stack ends, which
 * is here today and there tomorrow: the same text would bring other issues each time. Deeper than what is refused, so that whoever walks the
 * tree still finds something to refuse.
 */
const COMPOSED_DEPTH_MAX = 64;
/** The reader calls itself for each level that one line ends. What stands behind a place as deep as this is not read. */
const READ_DEPTH_MAX = 500;

/** Null for what the library cannot read at all. */
export function composeYaml(text: string, lineCounter: LineCounter): Document.Parsed | null {
  const before = Error.stackTraceLimit;
  try {
    // A hostile document makes one error per byte, and their stacks would cost more than all the rest.
    Error.stackTraceLimit = 0;
    const composer = new Composer<ParsedNode>({
      version: "1.2",
      schema: "core",
      // Ours is linear; the library's compares every key with every other.
      uniqueKeys: false,
      resolveKnownTags: false,
      logLevel: "error",
    });
    const { tokens, endedAt } = tokensOf(text, lineCounter);
    cutBelow(tokens, COMPOSED_DEPTH_MAX);
    const document = firstOf(composer.compose(tokens, true, text.length));
    if (endedAt !== null)
      document?.errors.push(
        new YAMLParseError([endedAt, endedAt], "RESOURCE_EXHAUSTION", "nested too deeply to be read on"),
      );
    return document;
  } catch {
    return null;
  } finally {
    Error.stackTraceLimit = before;
  }
}

function tokensOf(
  text: string,
  lineCounter: LineCounter,
): { readonly tokens: readonly CST.Token[]; readonly endedAt: number | null } {
  const parser = new Parser(lineCounter.addNewLine);
  const tokens: CST.Token[] = [];
  let endedAt: number | null = null;
  lineCounter.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length <= READ_DEPTH_MAX) continue;
    endedAt = parser.offset;
    break;
  }
  for (const token of parser.end()) tokens.push(token);
  return { tokens, endedAt };
}

/** A further document is an error of the first. */
function firstOf(documents: Iterable<Document.Parsed>): Document.Parsed | null {
  let first: Document.Parsed | null = null;
  for (const document of documents) {
    if (first === null) first = document;
    else {
      const [from, to] = document.range;
      first.errors.push(new YAMLParseError([from, to], "MULTIPLE_DOCS", "there are several documents"));
      break;
    }
  }
  return first;
}

/** Without calling itself: the depth is the text's. */
function cutBelow(tokens: readonly CST.Token[], depthMax: number): void {
  const open = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (token.type === "document") {
      if (token.value !== undefined) open.push({ token: token.value, depth });
      continue;
    }
    if (token.type !== "block-map" && token.type !== "block-seq" && token.type !== "flow-collection")
      continue;
    if (depth >= depthMax) {
      token.items.length = 0;
      continue;
    }
    for (const { key, value } of token.items) {
      if (key != null) open.push({ token: key, depth: depth + 1 });
      if (value !== undefined) open.push({ token: value, depth: depth + 1 });
    }
  }
}
