/**
 * A second, plainer reader of Markdown than the mission's own: line by line,
 * by patterns. It may overlook a link that spans lines; what it finds is surely one.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

export function documentsInScope() {
  const { documents } = JSON.parse(readFileSync("overlays/docs-links/skills/docs-links/scope.json", "utf8"));
  return documents.flatMap(listMarkdown).sort();
}

function listMarkdown(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return /\.(md|markdown)$/i.test(path) ? [path] : [];
  return readdirSync(path).flatMap((name) => listMarkdown(join(path, name)));
}

/** Lines that are prose, with code and comments blanked out; `null` for a line inside of a code block. */
export function proseLines(file) {
  const text = readFileSync(file, "utf8").replace(/^---\n[\s\S]*?\n---\n/, (matter) =>
    matter.replace(/[^\n]/g, ""),
  );
  let fence = "";
  return text.split("\n").map((line) => {
    const mark = line.match(/^[\s>]*(?:(?:[-*+]|\d+[.)])\s+)?(`{3,}|~{3,})/)?.[1];
    if (fence) {
      if (mark?.startsWith(fence) && line.trim().endsWith(mark)) fence = "";
      return null;
    }
    if (mark) {
      fence = mark;
      return null;
    }
    if (/^(\t| {4})/.test(line)) return null;
    return line.replace(/(`+)(?!`).*?[^`]\1(?!`)/g, "").replace(/<!--.*?-->/g, "");
  });
}

/** `{line, target}` of the inline links and images that stand on one line. */
export function plainLinks(file) {
  return proseLines(file).flatMap((line, index) =>
    [...(line ?? "").matchAll(/(?<!\\)\]\(\s*<?([^()\s<>]+)>?(?:\s+"[^"]*")?\s*\)/g)].map((found) => ({
      line: index + 1,
      target: found[1],
    })),
  );
}

/** Whether a relative target can be followed from a document; asks the disk, letter by letter. */
export function leadsSomewhere(document, target) {
  const [path, anchor = ""] = target.split("#").map((part) => decodeURIComponent(part.split("?")[0]));
  const place = path === "" ? document : path.startsWith("/") ? path.slice(1) : join(dirname(document), path);
  const steps = normalize(place)
    .split("/")
    .filter((step) => step !== "" && step !== ".");
  let folder = ".";
  for (const step of steps) {
    if (
      step === ".." ||
      !existsSync(folder) ||
      !statSync(folder).isDirectory() ||
      !readdirSync(folder).includes(step)
    )
      return false;
    folder = join(folder, step);
  }
  if (path.endsWith("/") && !statSync(folder).isDirectory()) return false;
  if (anchor === "" || anchor === "top") return true;
  const file = statSync(folder).isDirectory() ? join(folder, "README.md") : folder;
  if (!existsSync(file)) return false;
  const lines = anchor.match(/^L(\d+)(?:-L(\d+))?$/);
  if (lines && Number(lines[2] ?? lines[1]) <= readFileSync(file, "utf8").split("\n").length) return true;
  return /\.(md|markdown)$/i.test(file) && anchorsOf(file).has(anchor);
}

function anchorsOf(file) {
  const lines = proseLines(file);
  const source = readFileSync(file, "utf8").split("\n");
  const anchors = new Set();
  lines.forEach((line, index) => {
    if (line === null) return;
    for (const found of line.matchAll(/<[^>]*\s(?:id|name)="([^"]+)"/g)) anchors.add(found[1]);
    const underlined =
      /^(=+|-+)\s*$/.test(lines[index + 1] ?? "") && line.trim() !== "" && !line.includes("|");
    const heading =
      source[index].match(/^[ >]{0,5}#{1,6}\s+(.*?)(\s+#+)?\s*$/)?.[1] ??
      (underlined ? source[index].trim() : null);
    if (heading === null) return;
    const slug = heading
      .replace(/!\[[^\]]*\]\([^)]*\)/g, "")
      .replace(/\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])?/g, "$1")
      .replace(/<[^>]+>/g, "")
      .replace(/(^|[\s(])_([^_]+)_/g, "$1$2")
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}_\- ]/gu, "")
      .replace(/ /g, "-");
    let name = slug;
    for (let number = 1; anchors.has(name); number++) name = `${slug}-${number}`;
    anchors.add(name);
  });
  return anchors;
}
