/** Text to YAML's own tree, by the library's parts: its reader, a look at the depth, its composer. */
import {
  Composer,
  type CST,
  type Document,
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
    const tokens = [...new Parser(lineCounter.addNewLine).parse(text)];
    cutBelow(tokens, COMPOSED_DEPTH_MAX);
    return firstOf(composer.compose(tokens, true, text.length));
  } catch {
    return null;
  } finally {
    Error.stackTraceLimit = before;
  }
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
