/** Met when reports/licenses.md answers first, names all that needs a decision before the table, and agrees with the JSON. */
import { readFileSync } from "node:fs";
import { conclude } from "./lib/verdict.js";

/** The lead and the decisions; what follows is for looking things up. */
const WORDS_BEFORE_EVIDENCE_MAX = 1_200;

const text = readFileSync("reports/licenses.md", "utf8");
const report = JSON.parse(readFileSync("reports/licenses.json", "utf8"));
const lines = text.split("\n");
const problems = [];

const headings = lines.filter((line) => line.startsWith("#"));
const order = [
  "# Third-party licences",
  "## Needs a decision",
  "## Licences",
  "## Evidence",
  "## All packages",
];
const positions = order.map((heading) => headings.indexOf(heading));
if (positions.includes(-1)) problems.push(`a section is missing: ${order[positions.indexOf(-1)]}`);
if (positions.some((position, index) => index > 0 && position < positions[index - 1]))
  problems.push("the sections are out of order");

const lead = lines.slice(1, lines.indexOf("## Needs a decision")).join(" ");
for (const [field, words] of [
  ["packages", "packages"],
  ["shipped", "shipped"],
  ["denied", "denied"],
  ["unknown", "unknown"],
  ["review", "to review"],
]) {
  if (!lead.includes(`${report.summary[field]} ${words}`))
    problems.push(`the first paragraph does not say "${report.summary[field]} ${words}"`);
}

const decisions = lines.slice(lines.indexOf("## Needs a decision"), lines.indexOf("## Licences")).join("\n");
const open = report.packages.filter((row) => row.verdict !== "allowed");
for (const row of open) {
  if (!decisions.includes(`\`${row.path}\``))
    problems.push(`${row.path} is ${row.verdict} and not among the decisions`);
}

const rows = lines
  .slice(lines.indexOf("## All packages"))
  .filter((line) => line.startsWith("| "))
  .slice(1);
if (rows.length !== report.packages.length)
  problems.push(`${rows.length} rows in the table, ${report.packages.length} packages in the JSON`);

const words = text.slice(0, text.indexOf("## Evidence")).split(/\s+/).length;
if (open.length === 0 && words > WORDS_BEFORE_EVIDENCE_MAX)
  problems.push(`${words} words before the evidence, at most ${WORDS_BEFORE_EVIDENCE_MAX}`);

conclude(problems, `${rows.length} rows, ${open.length} decisions, ${words} words before the evidence`);
