import { formatExpression, judgeExpression, matches, parseExpression } from "./spdx.js";

/** A policy file, checked: a list that is not there must not make anything allowed by accident. */
export function readPolicy(text) {
  const policy = JSON.parse(text);
  for (const list of ["allow", "review", "deny"]) {
    const entries = policy[list];
    if (
      !Array.isArray(entries) ||
      entries.some((entry) => typeof entry !== "string" || entry === "" || entry === "*")
    ) {
      throw new Error(`policy: "${list}" must be a list of SPDX identifiers`);
    }
  }
  for (const exception of policy.exceptions ?? []) {
    for (const field of ["package", "license", "reason"]) {
      if (typeof exception[field] !== "string" || exception[field].trim() === "") {
        throw new Error(`policy: an exception needs a "${field}": ${JSON.stringify(exception)}`);
      }
    }
  }
  return {
    allow: policy.allow,
    review: policy.review,
    deny: policy.deny,
    exceptions: policy.exceptions ?? [],
  };
}

/** The package with its verdict and the reason for it, as a sentence. */
export function classify(entry, policy) {
  const judged = judge(entry, policy);
  const exception = policy.exceptions.find((candidate) => applies(candidate, entry));
  if (!exception || judged.verdict === "allowed") return { ...entry, ...judged, exception: null };
  return {
    ...entry,
    ...judged,
    verdict: "allowed",
    reason: `exception: ${exception.reason}`,
    exception: exception.reason,
  };
}

function judge(entry, policy) {
  const { license } = entry;
  if (license === null) return { expression: null, verdict: "unknown", reason: "states no licence" };
  if (/^unlicensed$/i.test(license))
    return { expression: null, verdict: "denied", reason: "is not licensed to anybody" };
  if (/^see licen[cs]e in\b/i.test(license)) {
    return { expression: null, verdict: "unknown", reason: `points to a file: ${license}` };
  }
  try {
    const tree = parseExpression(license);
    const { verdict, because } = judgeExpression(tree, policy);
    return {
      expression: formatExpression(tree),
      verdict,
      reason: `${because.join(", ")}: ${EXPLAINED[verdict]}`,
    };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { expression: null, verdict: "unknown", reason: `not an SPDX expression: ${error.message}` };
  }
}

const EXPLAINED = {
  allowed: "on the allow list",
  review: "on the review list",
  unknown: "on no list",
  denied: "on the deny list",
};

/** An exception is made for one licence: when the package changes it, the exception is over. */
function applies(exception, entry) {
  if (!matches(exception.package, entry.name) || exception.license !== entry.license) return false;
  return exception.scope !== "dev" || entry.dev;
}
