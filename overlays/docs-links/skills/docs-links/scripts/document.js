import { readBlocks } from "./blocks.js";
import { normalizeLabel, readInline, unescapeTarget } from "./inline.js";
import { createSlugger } from "./slug.js";

/** A document's links, in order, and the anchors that it offers. */
export function readDocument(source) {
  const blocks = readBlocks(source);
  const definitions = new Map();
  for (const block of blocks) {
    if (block.type !== "definition") continue;
    const label = normalizeLabel(block.label);
    if (!definitions.has(label)) definitions.set(label, unescapeTarget(block.target)); // The first one counts.
  }
  const slug = createSlugger();
  const anchors = new Set();
  const links = [];
  const used = new Set();
  for (const block of blocks) {
    if (block.type === "definition") continue;
    const inline = readInline(block, definitions);
    for (const id of inline.ids) anchors.add(id);
    for (const link of inline.links) {
      links.push(link);
      if (link.label !== undefined) used.add(normalizeLabel(link.label));
    }
    if (block.type === "heading") anchors.add(slug(inline.text));
  }
  // A definition that nobody uses is invisible, and wrong all the same when it leads nowhere.
  for (const block of blocks) {
    if (block.type !== "definition" || used.has(normalizeLabel(block.label))) continue;
    links.push({
      kind: "definition",
      target: unescapeTarget(block.target),
      line: block.line,
      label: block.label,
    });
  }
  return { links: links.sort((a, b) => a.line - b.line), anchors };
}
