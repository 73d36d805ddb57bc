import { compare } from "./lockfile.js";
import { rank, VERDICTS } from "./spdx.js";

/** Numbers over all packages; the Markdown's prose uses these and nothing else. */
export function summarize(packages) {
  const count = (test) => packages.filter(test).length;
  return {
    packages: packages.length,
    shipped: count((entry) => !entry.dev),
    development: count((entry) => entry.dev),
    ...Object.fromEntries(VERDICTS.map((verdict) => [verdict, count((entry) => entry.verdict === verdict)])),
    excepted: count((entry) => entry.exception !== null),
  };
}

/** The report for people: the answer, what needs a decision, the licences at a glance, then every package. */
export function renderMarkdown(report) {
  const { summary, packages } = report;
  const open = packages
    .filter((entry) => entry.verdict !== "allowed")
    .sort(
      (a, b) => rank(b.verdict) - rank(a.verdict) || Number(a.dev) - Number(b.dev) || compare(a.name, b.name),
    );
  const excepted = packages.filter((entry) => entry.exception !== null);
  return [
    "# Third-party licences",
    "",
    `${summary.packages} packages: ${summary.shipped} shipped, ${summary.development} for development only. ` +
      `**${summary.denied} denied, ${summary.unknown} unknown, ${summary.review} to review**, ${summary.allowed} allowed` +
      ` (${summary.excepted} of them by an exception).`,
    "",
    "## Needs a decision",
    "",
    ...(open.length === 0 ? ["Nothing: every package is allowed."] : open.map(decisionLine)),
    "",
    "## Licences",
    "",
    "| Licence | Packages | Shipped |",
    "|---|---:|---:|",
    ...byLicense(packages).map(
      ({ license, total, shipped }) => `| ${cell(license)} | ${total} | ${shipped} |`,
    ),
    "",
    ...(excepted.length === 0 ? [] : ["## Exceptions used", "", ...exceptionLines(excepted), ""]),
    "## Evidence",
    "",
    `- Lock file: \`${report.source.file}\`, version ${report.source.lockfile_version}, sha256 \`${report.source.sha256}\``,
    `- Policy: \`${report.policy.file}\`, sha256 \`${report.policy.sha256}\``,
    "",
    "## All packages",
    "",
    "| Package | Version | Licence | Use | Verdict |",
    "|---|---|---|---|---|",
    ...packages.map(
      (entry) =>
        `| ${cell(entry.name)} | ${cell(entry.version)} | ${cell(entry.license ?? "none stated")} ` +
        `| ${entry.dev ? "development" : "shipped"}${entry.optional ? ", optional" : ""} | ${entry.verdict} |`,
    ),
    "",
  ].join("\n");
}

function decisionLine(entry) {
  const use = entry.dev ? "development" : "shipped";
  return `- **${entry.verdict}**: \`${entry.name}@${entry.version}\` (${use}), ${plain(entry.reason)}; at \`${entry.path}\``;
}

function byLicense(packages) {
  const groups = new Map();
  for (const entry of packages) {
    const license = entry.expression ?? entry.license ?? "none stated";
    const group = groups.get(license) ?? { license, total: 0, shipped: 0 };
    groups.set(license, { license, total: group.total + 1, shipped: group.shipped + (entry.dev ? 0 : 1) });
  }
  return [...groups.values()].sort((a, b) => b.total - a.total || compare(a.license, b.license));
}

function exceptionLines(excepted) {
  const reasons = [...new Set(excepted.map((entry) => entry.exception))].sort(compare);
  return reasons.map((reason) => {
    const of = excepted.filter((entry) => entry.exception === reason);
    return `- ${of.length} × ${plain(of[0].license ?? "none stated")}, \`${of[0].name}\`${of.length > 1 ? " and others" : ""}: ${plain(reason)}`;
  });
}

/** Names come from a registry: nothing in them may break the table or turn into markup. */
function cell(text) {
  return plain(text).replaceAll("|", "\\|");
}

function plain(text) {
  return text
    .replace(/\s+/g, " ")
    .replace(/[<>&`*_[\]]/g, (char) =>
      char === "_" || char === "*" ? `\\${char}` : `&#${char.charCodeAt(0)};`,
    );
}
