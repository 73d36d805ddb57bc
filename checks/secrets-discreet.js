/** Met when neither report repeats what stands on the lines of the findings, nor any marked credential. Prints places, never values. */
import { readFileSync } from "node:fs";
import { filesInScope, markedWords } from "./lib/credentials.js";
import { conclude } from "./lib/verdict.js";

/** Shorter words are words of the language. */
const WORD_CHARS_MIN = 12;

const reports = ["reports/secrets.json", "reports/secrets.md"].map((path) => ({
  path,
  text: readFileSync(path, "utf8"),
}));
const { findings } = JSON.parse(reports[0].text);
const problems = [];
const allowed = new Set(
  findings.flatMap(({ file, rule, exception }) => [file, rule, exception ?? ""].flatMap(words)),
);

for (const { file, line } of findings) {
  const text = readFileSync(file, "utf8").split("\n")[line - 1] ?? "";
  for (const word of words(text)) {
    if (allowed.has(word)) continue;
    for (const { path, text: report } of reports) {
      if (report.includes(word)) problems.push(`${path} repeats a word of ${file}:${line}`);
    }
  }
}
for (const file of filesInScope()) {
  for (const { line, value } of markedWords(file)) {
    for (const { path, text } of reports)
      if (text.includes(value)) problems.push(`${path} holds the credential of ${file}:${line}`);
  }
}
conclude(problems, `${findings.length} findings, none repeated`);

function words(text) {
  return text.split(/[^A-Za-z0-9_-]+/).filter((word) => word.length >= WORD_CHARS_MIN);
}
