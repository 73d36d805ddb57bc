/**
 * Follows the links of a repository's documents. No dependencies, no network.
 *
 * Reports to standard output as JSON lines. The outputs depend on the files
 * alone, and each is put in place as a whole, so that a repeat after a crash ends in the same bytes.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readDocument } from "./document.js";
import { renderMarkdown, summarize } from "./report.js";
import { documentAt, readTree, resolveLink } from "./resolve.js";

/** Reports while following: enough to see it move, few enough to read. */
const PROGRESS_STEPS = 4;

const { values: options } = parseArgs({
  options: {
    root: { type: "string", default: "inputs" },
    scope: { type: "string", default: join(dirname(fileURLToPath(import.meta.url)), "../scope.json") },
    out: { type: "string", default: "reports" },
    "self-test": { type: "boolean", default: false },
  },
});

function main() {
  const scope = readScope(readFileSync(options.scope, "utf8"));
  if (options["self-test"]) return selfTest();

  const tree = readTree(options.root);
  const files = [...tree.files].filter((file) => inScope(scope, file)).sort();
  if (files.length === 0) {
    say({
      type: "blocked",
      reason: "none of the documents in scope is among the inputs",
      needs: scope.join(", "),
    });
    process.exitCode = 2;
    return;
  }
  say({
    type: "progress",
    summary: `found ${files.length} documents among ${tree.files.size} files`,
    percent: 10,
  });

  const links = [];
  const step = Math.max(1, Math.ceil(files.length / PROGRESS_STEPS));
  for (const [index, file] of files.entries()) {
    for (const { kind, target, line, label } of documentAt(tree, file).links) {
      links.push({ file, line, kind, target, label: label ?? null, ...resolveLink(tree, file, target) });
    }
    if ((index + 1) % step === 0 || index + 1 === files.length) {
      const percent = 10 + Math.floor((80 * (index + 1)) / files.length);
      say({
        type: "progress",
        summary: `followed ${links.length} links in ${index + 1} of ${files.length} documents`,
        percent,
      });
    }
  }

  const documents = files.map((file) => ({ file, sha256: sha256(readFileSync(join(options.root, file))) }));
  const summary = summarize(documents, links);
  put("links.json", `${JSON.stringify({ schema_version: 1, summary, documents, links }, null, 2)}\n`);
  put("links.md", renderMarkdown({ summary, documents, links }));
  say({
    type: "completed",
    summary: `${summary.documents} documents, ${summary.links} links, ${summary.broken} broken`,
  });
}

function readScope(text) {
  const { documents } = JSON.parse(text);
  const valid =
    Array.isArray(documents) && documents.every((entry) => typeof entry === "string" && entry !== "");
  if (!valid) throw new Error('scope: "documents" must be a list of files and of folders ending in "/"');
  return documents;
}

function inScope(scope, file) {
  if (!/\.(md|markdown)$/i.test(file)) return false;
  return scope.some((entry) => (entry.endsWith("/") ? file.startsWith(entry) : file === entry));
}

/** The health check before a mission: the program loads and tells a link from code. */
function selfTest() {
  const { links, anchors } = readDocument("# A b\n\n[x](y.md) `[no](z.md)`\n");
  const right = links.length === 1 && links[0].target === "y.md" && anchors.has("a-b");
  if (!right) throw new Error(`self-test: ${JSON.stringify(links)}`);
  process.stdout.write("self-test passed\n");
}

/** Whole or not at all: a reader never meets half a report. */
function put(name, text) {
  mkdirSync(options.out, { recursive: true });
  const path = join(options.out, name);
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
  say({ type: "artifact", path });
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main();
