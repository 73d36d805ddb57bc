/**
 * What git's failures mean. The only place that looks at what git says; it
 * speaks English here (`LC_ALL=C`), the origin says what it likes.
 */

import type { SourceErrorReason } from "../../ports/source.ts";
import type { PublishResult } from "../../ports/status-branch.ts";
import type { GitOutcome } from "./process.ts";

/** `git ls-remote --exit-code` when no ref matches. */
export const NO_MATCHING_REF = 2;

/** Why an `ls-remote` or `fetch` failed. What nobody knows counts as `Unreachable`: it is tried again and deletes nothing. */
export function readFailure(outcome: GitOutcome): SourceErrorReason {
  if (outcome.ended === "timeout" || outcome.ended === "aborted") return "TimedOut";
  if (outcome.ended === "overflow") return "Corrupt";
  const text = outcome.stderr;
  if (matches(text, NO_ENTRY)) return "Unauthorized";
  if (matches(text, REF_MISSING)) return "RefMissing";
  if (matches(text, CORRUPT)) return "Corrupt";
  if (matches(text, TOO_SLOW)) return "TimedOut";
  return "Unreachable";
}

/** What a failed `push` means for the one who wanted to publish. */
export function pushFailure(outcome: GitOutcome, message: string): PublishResult {
  const text = `${outcome.stdout.toString("utf8")}\n${outcome.stderr}`;
  if (outcome.ended !== "exit") return { type: "failed", retryable: true, message };
  // A refusal for good is often reported together with a harmless sounding one: it goes first.
  if (matches(text, REFUSED)) return { type: "failed", retryable: false, message };
  if (matches(text, OVERTAKEN)) return { type: "rejected", message };
  if (matches(text, NO_ENTRY)) return { type: "failed", retryable: false, message };
  return { type: "failed", retryable: true, message };
}

/**
 * Whether this push was certainly not carried out, so that there is no need to
 * look. A refusal by the server proves nothing unless it is one of principle:
 * when a connection breaks, curl may send the same request again, and the
 * second one fails because the first one was carried out.
 */
export function pushWasRefused(outcome: GitOutcome): boolean {
  const text = outcome.stdout.toString("utf8");
  return /^!\t.*\[rejected\]/m.test(text) || matches(`${text}\n${outcome.stderr}`, REFUSED);
}

/** The line of git's complaint that says most, for people. */
export function complaint(outcome: GitOutcome, timeoutMs: number): string {
  if (outcome.ended === "timeout") return `no answer within ${timeoutMs / 1_000} s`;
  if (outcome.ended === "aborted") return "given up because of a shutdown or a deadline of the caller";
  if (outcome.ended === "overflow") return "git printed more than we are willing to read";
  const rejected = /^!\t[^\t]*\t(.*)$/m.exec(outcome.stdout.toString("utf8"))?.[1];
  const lines = outcome.stderr.split(/[\r\n]+/).map((line) => line.trim());
  const telling = lines.filter(
    (line) => /^(remote: |fatal: |error: |ssh: |ERROR: )/.test(line) && !NOISE.test(line),
  );
  const text = [rejected, ...telling.slice(0, COMPLAINT_LINES_MAX)]
    .filter((line) => line !== undefined)
    .join("; ");
  return (
    (text === "" ? lines.join(" ") : text).slice(0, COMPLAINT_CHARACTERS_MAX) ||
    `git ended with ${outcome.exitCode}`
  );
}

const COMPLAINT_LINES_MAX = 4;
const COMPLAINT_CHARACTERS_MAX = 600;
const NOISE =
  /Could not read from remote repository|Please make sure you have|failed to push some refs|^remote:\s*$/;

function matches(text: string, patterns: readonly RegExp[]): boolean {
  return patterns.some((pattern) => pattern.test(text));
}

const NO_ENTRY = [
  /Authentication failed/i,
  /could not read (Username|Password)/i,
  /terminal prompts disabled/,
  /Invalid username or (password|token)/i,
  /requested URL returned error: (401|403)/,
  /HTTP (401|403)\b/,
  /HTTP Basic: Access denied/,
  /Permission denied \(/, // ssh
  /Host key verification failed/,
  /Permission to .* denied/, // GitHub, without write access
  /remote: Repository not found/, // what GitHub says of a private one
  /ERROR: Repository not found/,
  /detected dubious ownership/, // a local origin of another user: `safe.directory` in the operator's configuration
  /^fatal: .*: Permission denied$/m,
];

const REF_MISSING = [/couldn't find remote ref/i, /Remote branch .* not found/i];

const CORRUPT = [
  /possible repository corruption/i,
  /did not send all necessary objects/i,
  /bad object/i,
  /(loose|packed) object .* corrupt/i,
  /object file .* is empty/i,
  /unable to read (tree|sha1 file|[0-9a-f]{40})/i,
  /missing (blob|tree|commit|necessary objects)/i,
  /(SHA1|SHA-1|hash) (COLLISION|mismatch)/i,
  /inflate: data stream error/i,
  /mismatched algorithms/i,
  /broken links? from/i,
];

const TOO_SLOW = [/Operation too slow/i, /timed out/i];

const OVERTAKEN = [
  /fetch first/,
  /non-fast-forward/,
  /stale info/,
  /cannot lock ref/i,
  /failed to update ref/i,
  /reference already exists/i,
  /incorrect old value/i, // GitLab
  /remote ref updated since checkout/i,
  /Unable to create '.*\.lock'/i,
];

const REFUSED = [
  /protected branch/i,
  /\bGH0\d\d\b/, // GitHub: GH006 protected branch, GH013 rule violations, GH001 file too large, …
  /hook declined/i,
  /declined by (a )?.*hook/i,
  /TF4\d{5}/, // Azure Repos: policies and permissions
  /not allowed to (push|force)/i, // GitLab
  /deny updating a hidden ref/i,
  /shallow update not allowed/i,
  /repository is (archived|read[- ]only)|was archived so it is read-only/i,
  /You do not have permission|write access to repository not granted/i,
];
