/** Met when every finding is covered by an exception of the repository, worked out again from its file. */
import { readFileSync } from "node:fs";
import { conclude } from "./lib/verdict.js";

const { findings } = JSON.parse(readFileSync("reports/secrets.json", "utf8"));
const { exceptions } = JSON.parse(
  readFileSync("overlays/secret-scan/skills/secret-scan/exceptions.json", "utf8"),
);
const groups = Map.groupBy(findings, ({ file, rule }) => `${file} ${rule}`);
const problems = [];

for (const [key, group] of groups) {
  const exception = exceptions.find(({ file, rule }) => `${file} ${rule}` === key);
  if (exception?.findings === group.length && exception.reason) continue;
  const covered = exception ? `, an exception covers ${exception.findings}` : "";
  for (const { file, line, rule } of group)
    problems.push(`${file}:${line}: ${rule} (${group.length} in the file${covered})`);
}
conclude(problems, `${findings.length} findings, ${exceptions.length} exceptions`);
