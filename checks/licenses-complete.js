/**
 * Met when reports/licenses.json lists every third-party package of the lock
 * file once, and quotes it rightly. Counts by itself; uses nothing of the audit.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { conclude } from "./lib/verdict.js";

const lockText = readFileSync("package-lock.json");
const { packages } = JSON.parse(lockText);
const report = JSON.parse(readFileSync("reports/licenses.json", "utf8"));
const problems = [];

const expected = new Map();
for (const place in packages) {
  // Below node_modules lies what others wrote; the links there lead back to our own workspaces.
  const thirdParty = place.split("/").includes("node_modules") && packages[place].link !== true;
  if (thirdParty) expected.set(place, packages[place]);
}

if (report.source.sha256 !== createHash("sha256").update(lockText).digest("hex")) {
  problems.push("the report was made from another lock file");
}

const listed = new Set();
for (const row of report.packages) {
  const entry = expected.get(row.path);
  if (listed.has(row.path)) problems.push(`${row.path} is listed twice`);
  listed.add(row.path);
  if (!entry) {
    problems.push(`${row.path} is not in the lock file`);
    continue;
  }
  const [name] = row.path.match(/(@[^/]+\/)?[^/]+$/);
  const facts = {
    name: entry.name ?? name,
    version: entry.version ?? "",
    license: typeof entry.license === "string" ? entry.license.trim() || null : row.license,
    dev: entry.dev === true,
    optional: entry.optional === true || entry.devOptional === true,
    bundled: entry.inBundle === true,
  };
  for (const field in facts) {
    if (row[field] !== facts[field]) {
      problems.push(
        `${row.path}: ${field} is ${JSON.stringify(row[field])}, the lock file has ${JSON.stringify(facts[field])}`,
      );
    }
  }
  if (entry.license === undefined && entry.licenses === undefined && row.license !== null) {
    problems.push(`${row.path}: a licence is listed, the lock file states none`);
  }
}
for (const place of expected.keys()) if (!listed.has(place)) problems.push(`${place} is not listed`);

const counts = {
  packages: expected.size,
  shipped: report.packages.filter((row) => row.dev === false).length,
  development: report.packages.filter((row) => row.dev === true).length,
};
for (const field in counts) {
  if (report.summary[field] !== counts[field]) {
    problems.push(`summary.${field} is ${report.summary[field]}, counted ${counts[field]}`);
  }
}

conclude(problems, `${expected.size} packages in the lock file, ${listed.size} listed`);
