/** Met when no link of the documents in scope leads nowhere: by the report, and by the second reader. */
import { readFileSync } from "node:fs";
import { documentsInScope, leadsSomewhere, plainLinks } from "./lib/documents.js";
import { conclude } from "./lib/verdict.js";

const report = JSON.parse(readFileSync("reports/links.json", "utf8"));
const broken = report.links.filter((row) => row.status === "broken");
const problems = broken.map(
  (row) => `${row.file}:${row.line}: ${row.target ?? `[${row.label}]`} (${row.reason})`,
);

for (const file of documentsInScope()) {
  for (const { line, target } of plainLinks(file)) {
    if (/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target) || leadsSomewhere(file, target)) continue;
    const known = broken.some((row) => row.file === file && row.line === line);
    if (!known) problems.push(`${file}:${line}: ${target} (not in the report)`);
  }
}
conclude(problems, `${report.links.length} links in ${report.documents.length} documents`);
