/**
 * Splits a Markdown document into the blocks in which links and headings can
 * stand, following CommonMark and the forge's additions (tables, front matter).
 * What cannot hold a link (fenced and indented code, comments) yields no block.
 */

const FENCE = /^(`{3,}(?!.*`)|~{3,})/;
const LIST_ITEM = /^([-*+]|\d{1,9}[.)])( {1,4}(?=\S)| (?= {4})|\t|$)/;
const RULE = /^(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/;
const DEFINITION =
  /^\[(?!\^)((?:\\.|[^[\]\\])+)\]:\s*(<[^<>]*>|[^\s<]\S*)(?:\s+(?:"[^"]*"|'[^']*'|\([^()]*\)))?\s*$/;
const TABLE_RULE = /^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?$/;
const HTML_BLOCK =
  /^<\/?(address|article|aside|blockquote|body|center|details|dialog|div|dl|dt|dd|fieldset|figure|figcaption|footer|form|h[1-6]|head|header|hr|html|iframe|li|link|main|menu|nav|ol|p|section|summary|table|tbody|td|tfoot|th|thead|title|tr|ul)(\s|\/?>|$)/i;
const RAW_BLOCK = /^<(script|pre|style|textarea)(\s|>|$)/i;

/**
 * Blocks in order: `{type: "text" | "heading" | "html", lines: [{text, line}]}`
 * and `{type: "definition", label, target, line}`. Line numbers start at 1.
 */
export function readBlocks(source) {
  const lines = source.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/);
  const blocks = [];
  let paragraph = [];
  let fence = null;
  let raw = null;
  let comment = false;
  let html = null;
  let lists = []; // Columns at which the content of the open list items starts.
  let quotes = 0;

  const endParagraph = () => {
    if (paragraph.length > 0) blocks.push(...textBlocks(paragraph));
    paragraph = [];
    html = null;
  };

  for (let index = endOfFrontMatter(lines); index < lines.length; index++) {
    const line = index + 1;
    const quoted = stripQuotes(expandTabs(lines[index]), fence ? quotes : Number.POSITIVE_INFINITY);
    let text = quoted.text;

    if (fence) {
      if (quoted.depth < quotes)
        fence = null; // The quote ended, and its fence with it.
      else {
        const closing = text.trim();
        if (
          closing.length >= fence.length &&
          closing === closing[0]?.repeat(closing.length) &&
          closing[0] === fence[0]
        ) {
          fence = null;
        }
        continue;
      }
    }
    if (raw) {
      if (raw.test(text)) raw = null;
      continue;
    }
    ({ text, comment } = withoutComments(text, comment));

    if (text.trim() === "") {
      endParagraph();
      continue;
    }
    if (quoted.depth !== quotes && (quoted.depth > quotes || paragraph.length === 0)) {
      endParagraph();
      lists = [];
      quotes = quoted.depth;
    }

    // Open list items that this line is not indented enough for are closed, unless it lazily goes on with a paragraph.
    let indent = text.length - text.trimStart().length;
    if (paragraph.length === 0 || startsBlock(text.trim()))
      lists = lists.filter((column) => indent >= column);
    let base = lists.at(-1) ?? 0;
    if (indent - base >= 4 && paragraph.length === 0) continue; // Indented code.

    let content = text.trim();
    for (let item = LIST_ITEM.exec(content); item && !RULE.test(content); item = LIST_ITEM.exec(content)) {
      endParagraph();
      lists.push(indent + Math.max(item[0].length, item[1].length + 1));
      indent += item[0].length;
      content = content.slice(item[0].length);
      base = lists.at(-1) ?? 0;
      const inner = content.length - content.trimStart().length;
      if (inner >= 4) content = ""; // The item starts with indented code.
      content = content.trim();
    }
    if (content === "") continue;

    const fenced = FENCE.exec(content);
    if (fenced) {
      endParagraph();
      fence = fenced[1];
      quotes = quoted.depth;
      continue;
    }
    if (paragraph.length > 0 && /^(=+|-+)$/.test(content) && !html) {
      blocks.push({ type: "heading", lines: paragraph });
      paragraph = [];
      continue;
    }
    if (RULE.test(content)) {
      endParagraph();
      continue;
    }
    const heading = /^#{1,6}(?:\s+(.*?))?(?:\s+#+)?$/.exec(content);
    if (heading) {
      endParagraph();
      blocks.push({ type: "heading", lines: [{ text: (heading[1] ?? "").replace(/^#+$/, ""), line }] });
      continue;
    }
    const definition = paragraph.length === 0 ? DEFINITION.exec(content) : null;
    if (definition) {
      blocks.push({
        type: "definition",
        label: definition[1],
        target: definition[2].replace(/^<(.*)>$/, "$1"),
        line,
      });
      continue;
    }
    const rawStart = paragraph.length === 0 ? RAW_BLOCK.exec(content) : null;
    if (rawStart) {
      blocks.push({ type: "html", lines: [{ text: content, line }] });
      const end = new RegExp(`</${rawStart[1]}>`, "i");
      if (!end.test(content)) raw = end;
      continue;
    }
    if (html || HTML_BLOCK.test(content)) {
      if (!html) {
        endParagraph();
        html = { type: "html", lines: [] };
        blocks.push(html);
      }
      html.lines.push({ text: content, line });
      continue;
    }
    paragraph.push({ text: content, line });
  }
  endParagraph();
  return blocks;
}

/** A table's rows are read one by one, because a code span never reaches into the next row. */
function textBlocks(lines) {
  const table =
    lines.length > 1 &&
    lines[1].text.includes("-") &&
    TABLE_RULE.test(lines[1].text) &&
    lines[0].text.includes("|");
  return table ? lines.map((line) => ({ type: "text", lines: [line] })) : [{ type: "text", lines }];
}

function startsBlock(content) {
  return (
    LIST_ITEM.test(content) || FENCE.test(content) || /^#{1,6}(\s|$)/.test(content) || RULE.test(content)
  );
}

function endOfFrontMatter(lines) {
  if (lines[0] !== "---") return 0;
  const end = lines.indexOf("---", 1);
  return end === -1 ? 0 : end + 1;
}

function stripQuotes(text, depthMax) {
  let depth = 0;
  let rest = text;
  for (let marker = /^ {0,3}> ?/.exec(rest); marker && depth < depthMax; marker = /^ {0,3}> ?/.exec(rest)) {
    rest = rest.slice(marker[0].length);
    depth++;
  }
  return { text: rest, depth };
}

/** Comments go, whether or not they end on the same line; those inside of a code span stay. */
function withoutComments(text, inside) {
  let rest = text;
  let kept = "";
  let comment = inside;
  while (rest !== "") {
    if (comment) {
      const end = rest.indexOf("-->");
      if (end === -1) return { text: kept, comment: true };
      rest = rest.slice(end + 3);
      comment = false;
    } else {
      const start = /^(?:[^`<]|`+[^`]*`+|`|<(?!!--))*?<!--/.exec(rest);
      if (!start) return { text: kept + rest, comment: false };
      kept += start[0].slice(0, -4);
      rest = rest.slice(start[0].length);
      comment = true;
    }
  }
  return { text: kept, comment };
}

function expandTabs(text) {
  const leading = /^[ \t>]*/.exec(text)[0];
  if (!leading.includes("\t")) return text;
  let column = 0;
  let expanded = "";
  for (const char of leading) {
    const width = char === "\t" ? 4 - (column % 4) : 1;
    expanded += char === "\t" ? " ".repeat(width) : char;
    column += width;
  }
  return expanded + text.slice(leading.length);
}
