/**
 * Met when every verdict of reports/licenses.json is the one that the policy
 * gives. Works it out by other means than the audit: an expression is expanded
 * into its alternatives (sets of licences that must all be kept), each set is as
 * bad as its worst licence, and the best set counts.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { conclude } from "./lib/verdict.js";

const POLICY = "overlays/license-audit/skills/license-audit/policy.json";
const WORSE = ["allowed", "review", "unknown", "denied"];
/** Alternatives of one expression; beyond this nobody could comply knowingly. */
const ALTERNATIVES_MAX = 1_000;
/** Parentheses inside of parentheses. */
const DEPTH_MAX = 32;

const policyText = readFileSync(POLICY);
const policy = JSON.parse(policyText);
const report = JSON.parse(readFileSync("reports/licenses.json", "utf8"));
const problems = [];

if (report.policy.sha256 !== createHash("sha256").update(policyText).digest("hex")) {
  problems.push("the report was made with another policy");
}

const counted = { allowed: 0, review: 0, unknown: 0, denied: 0, excepted: 0 };
for (const row of report.packages) {
  const plain = verdictOf(row.license);
  const exception = policy.exceptions.find((candidate) => excepts(candidate, row));
  const verdict = exception ? "allowed" : plain;
  counted[verdict] += 1;
  if (exception && plain !== "allowed") counted.excepted += 1;
  if (row.verdict !== verdict)
    problems.push(`${row.path}: ${row.license} is ${verdict}, the report says ${row.verdict}`);
  if ((row.exception !== null) !== (exception !== undefined && plain !== "allowed")) {
    problems.push(
      `${row.path}: the report ${row.exception ? "uses an exception that does not apply" : "leaves its exception out"}`,
    );
  }
}
for (const field in counted) {
  if (report.summary[field] !== counted[field]) {
    problems.push(`summary.${field} is ${report.summary[field]}, counted ${counted[field]}`);
  }
}
conclude(problems, `${report.packages.length} verdicts worked out again: ${JSON.stringify(counted)}`);

function verdictOf(license) {
  if (license === null) return "unknown";
  if (license.toUpperCase() === "UNLICENSED") return "denied";
  const sets = alternatives(license);
  if (sets === null) return "unknown";
  const verdicts = sets.map((set) => WORSE[Math.max(...[...set].map((id) => WORSE.indexOf(listed(id))))]);
  return WORSE[Math.min(...verdicts.map((verdict) => WORSE.indexOf(verdict)))];
}

/** Shunting-yard over sets of sets; null when it is not an expression. */
function alternatives(text) {
  const words = text.replace(/[()]/g, " $& ").trim().split(/\s+/);
  const values = [];
  const operators = [];
  const strength = { OR: 1, AND: 2 };
  const reduce = () => {
    const [right, left] = [values.pop(), values.pop()];
    const joined =
      operators.pop() === "OR"
        ? [...left, ...right]
        : left.flatMap((a) => right.map((b) => new Set([...a, ...b])));
    if (joined.length > ALTERNATIVES_MAX) throw new RangeError();
    values.push(joined);
  };
  let wantsValue = true;
  try {
    for (let at = 0; at < words.length; at++) {
      const word = words[at];
      const upper = word.toUpperCase();
      if (word === "(" && wantsValue) {
        operators.push("(");
        if (operators.filter((operator) => operator === "(").length > DEPTH_MAX) return null;
      } else if (word === ")" && !wantsValue) {
        while (operators.length > 0 && operators.at(-1) !== "(") reduce();
        if (operators.pop() !== "(") return null;
      } else if (upper in strength && !wantsValue) {
        while ((strength[operators.at(-1)] ?? 0) >= strength[upper]) reduce();
        operators.push(upper);
        wantsValue = true;
      } else if (
        wantsValue &&
        /^[\w.:-]+\+?$/.test(word) &&
        !/_/.test(word) &&
        !(upper in strength) &&
        upper !== "WITH"
      ) {
        const withException = words[at + 1]?.toUpperCase() === "WITH" ? words[at + 2] : undefined;
        if (words[at + 1]?.toUpperCase() === "WITH") {
          if (!/^[A-Za-z0-9.-]+$/.test(withException ?? "")) return null;
          at += 2;
        }
        values.push([new Set([withException ? `${today(word)} WITH ${withException}` : today(word)])]);
        wantsValue = false;
      } else return null;
    }
    if (wantsValue || operators.includes("(")) return null;
    while (operators.length > 0) reduce();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return values[0];
}

function today(id) {
  const gnu = id.match(/^((?:A?GPL|LGPL|GFDL)-[\d.]+)(\+?)$/i);
  if (gnu) return `${gnu[1]}${gnu[2] ? "-or-later" : "-only"}`;
  if (/^ecos-2\.0$/i.test(id)) return "GPL-2.0-or-later";
  if (/^wxwindows$/i.test(id)) return "LGPL-2.0-or-later";
  const older = id.match(/^(GPL-[\d.]+)-with-(.+)-exception$/i);
  return older ? `${older[1]}-only` : id;
}

function listed(id) {
  const [plain] = id.split(" WITH ");
  for (const name of [id, plain, plain.replace(/\+$/, "")]) {
    for (const pattern of [false, true]) {
      for (const [verdict, list] of [
        ["denied", "deny"],
        ["review", "review"],
        ["allowed", "allow"],
      ]) {
        if (policy[list].some((entry) => entry.endsWith("*") === pattern && names(entry, name)))
          return verdict;
      }
    }
  }
  return "unknown";
}

function names(entry, id) {
  const source = entry.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*$/, ".*");
  return new RegExp(`^${source}$`, "i").test(id);
}

function excepts(exception, row) {
  return (
    names(exception.package, row.name) &&
    exception.license === row.license &&
    (exception.scope !== "dev" || row.dev)
  );
}
