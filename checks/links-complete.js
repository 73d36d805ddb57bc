/**
 * Met when reports/links.json was made from exactly the documents in scope,
 * has every link that a second reader finds, quotes each one from its line, and
 * judges each one as the repository's own files do. Uses nothing of the mission's program.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { documentsInScope, leadsSomewhere, plainLinks } from "./lib/documents.js";
import { conclude } from "./lib/verdict.js";

const report = JSON.parse(readFileSync("reports/links.json", "utf8"));
const markdown = readFileSync("reports/links.md", "utf8");
const problems = [];

const documents = documentsInScope();
const reported = new Map(report.documents.map(({ file, sha256 }) => [file, sha256]));
for (const file of documents) {
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  if (!reported.has(file)) problems.push(`${file} was not read`);
  else if (reported.get(file) !== sha256) problems.push(`${file} was read in another version`);
}
for (const file of reported.keys()) if (!documents.includes(file)) problems.push(`${file} is not in scope`);

let found = 0;
for (const file of documents) {
  const rows = report.links.filter((row) => row.file === file);
  for (const { line, target } of plainLinks(file)) {
    found += 1;
    const listed = rows.some((row) => row.line === line && row.target !== null && same(row.target, target));
    if (!listed) problems.push(`${file}:${line}: ${target} is not listed`);
  }
}

const lines = new Map(documents.map((file) => [file, readFileSync(file, "utf8").split("\n")]));
const counted = { ok: 0, external: 0, broken: 0 };
for (const row of report.links) {
  const at = `${row.file}:${row.line}: ${row.target ?? `[${row.label}]`}`;
  counted[row.status] += 1;
  // A link may go on over the next lines, so its target is looked for in the paragraph that starts there.
  const paragraph = (lines.get(row.file) ?? [])
    .slice(row.line - 1)
    .join("\n")
    .split(/\n\s*\n/)[0];
  const quoted = row.label ?? row.target;
  if (!same(paragraph, quoted, "includes")) problems.push(`${at} does not stand there`);
  const external = row.target !== null && /^([a-z][a-z0-9+.-]*:|\/\/)/i.test(row.target);
  if (external !== (row.status === "external"))
    problems.push(`${at} is ${external ? "" : "not "}on another host`);
  if (external) continue;
  const right = row.target !== null && follows(row.file, row.target);
  if (right !== (row.status === "ok"))
    problems.push(`${at} is ${right ? "right" : "broken"}, the report says ${row.status}`);
  if (row.status === "broken" && !markdown.includes(`\`${row.file}:${row.line}\``))
    problems.push(`${at} is missing in links.md`);
}
for (const [field, count] of Object.entries({
  ...counted,
  documents: documents.length,
  links: report.links.length,
})) {
  if (report.summary[field] !== count)
    problems.push(`summary.${field} is ${report.summary[field]}, counted ${count}`);
}
if (documents.length === 0) problems.push("there is no document in scope");

conclude(
  problems,
  `${documents.length} documents, ${report.links.length} links listed, ${found} found by the second reader`,
);

function follows(file, target) {
  try {
    return leadsSomewhere(file, target);
  } catch {
    return false;
  }
}

/** Equal up to backslash escapes and white space. */
function same(a, b, how = "equals") {
  const [left, right] = [a, b].map((text) =>
    text
      .replace(/\\(?=[^\w\s])/g, "")
      .replace(/&amp;/g, "&")
      .replace(/\s+/g, " ")
      .trim(),
  );
  return how === "includes" ? left.includes(right) : left === right;
}
