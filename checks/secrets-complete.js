/** Met when every file in scope was scanned in the version of this commit, and a second reader finds nothing that is not listed. */
import { createHash } from "node:crypto";
import { lstatSync, readFileSync } from "node:fs";
import { filesInScope, markedWords } from "./lib/credentials.js";
import { conclude } from "./lib/verdict.js";

const report = JSON.parse(readFileSync("reports/secrets.json", "utf8"));
const problems = [];

const scanned = new Map(report.files.map(({ file, sha256 }) => [file, sha256]));
const skipped = new Set(report.skipped.map(({ file }) => file));
const scope = filesInScope().filter((file) => lstatSync(file).isFile());
for (const file of scope) {
  const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
  if (scanned.has(file) ? scanned.get(file) !== sha256 : !skipped.has(file)) {
    problems.push(`${file} was ${scanned.has(file) ? "scanned in another version" : "not scanned"}`);
  }
  for (const { line } of markedWords(file)) {
    const listed = report.findings.some((finding) => finding.file === file && finding.line === line);
    if (!listed) problems.push(`${file}:${line}: a credential is not listed`);
  }
}
for (const file of scanned.keys()) if (!scope.includes(file)) problems.push(`${file} is not in scope`);
for (const { file, line } of report.findings) {
  const lines = scope.includes(file) ? readFileSync(file, "utf8").split("\n").length : 0;
  if (line > lines) problems.push(`${file}:${line}: there is no such line`);
}

const open = report.findings.filter(({ exception }) => exception === null).length;
const counted = {
  files: report.files.length,
  skipped: report.skipped.length,
  findings: report.findings.length,
  covered: report.findings.length - open,
  open,
};
for (const field in counted) {
  if (report.summary[field] !== counted[field]) {
    problems.push(`summary.${field} is ${report.summary[field]}, counted ${counted[field]}`);
  }
}
conclude(
  problems,
  `${scope.length} files in scope, ${scanned.size} scanned, ${report.findings.length} findings`,
);
