/**
 * Looks for credentials in a tree of files. No dependencies, no network, and
 * nothing that was found ever leaves this process: only file, line and rule do.
 *
 * Reports to standard output as JSON lines. The outputs depend on the files
 * and the exceptions alone, and each is put in place as a whole, so that a repeat after a crash ends in the same bytes.
 */
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { renderMarkdown, summarize } from "./report.js";
import { findSecrets } from "./rules.js";

/** Reports while scanning: enough to see it move, few enough to read. */
const PROGRESS_STEPS = 5;
const FILE_BYTES_MAX = 4 * 1024 * 1024;
/** A longer line is generated; it is read up to here, and the rest is named as not scanned. */
const LINE_CHARS_MAX = 20_000;

const { values: options } = parseArgs({
  options: {
    root: { type: "string", default: "inputs" },
    exceptions: {
      type: "string",
      default: join(dirname(fileURLToPath(import.meta.url)), "../exceptions.json"),
    },
    out: { type: "string", default: "reports" },
    "self-test": { type: "boolean", default: false },
  },
});

function main() {
  const exceptions = readExceptions(readFileSync(options.exceptions, "utf8"));
  if (options["self-test"]) return selfTest();

  const paths = listFiles(options.root);
  if (paths.length === 0) {
    say({ type: "blocked", reason: "there is nothing to scan", needs: `files below ${options.root}/` });
    process.exitCode = 2;
    return;
  }
  say({ type: "progress", summary: `found ${paths.length} files`, percent: 5 });

  const result = { files: [], skipped: [], findings: [] };
  const step = Math.max(1, Math.ceil(paths.length / PROGRESS_STEPS));
  for (const [index, file] of paths.entries()) {
    scanFile(file, result);
    if ((index + 1) % step === 0 || index + 1 === paths.length) {
      const percent = 5 + Math.floor((85 * (index + 1)) / paths.length);
      say({
        type: "progress",
        summary: `scanned ${index + 1} of ${paths.length} files, ${result.findings.length} findings`,
        percent,
      });
    }
  }
  const findings = result.findings.map((finding) => ({
    ...finding,
    exception: exceptionFor(finding, result.findings, exceptions),
  }));
  const summary = summarize({ ...result, findings });
  const report = { schema_version: 1, summary, files: result.files, skipped: result.skipped, findings };
  put("secrets.json", `${JSON.stringify(report, null, 2)}\n`);
  put("secrets.md", renderMarkdown(report));
  say({
    type: "completed",
    summary: `${summary.files} files, ${summary.open} open findings, ${summary.covered} covered`,
  });
}

function scanFile(file, { files, skipped, findings }) {
  const path = join(options.root, file);
  const stats = lstatSync(path);
  if (!stats.isFile()) return skipped.push({ file, reason: "not a regular file" });
  if (stats.size > FILE_BYTES_MAX)
    return skipped.push({ file, reason: `larger than ${FILE_BYTES_MAX} bytes` });
  const bytes = readFileSync(path);
  if (bytes.subarray(0, 8_000).includes(0)) return skipped.push({ file, reason: "not text" });
  files.push({ file, sha256: createHash("sha256").update(bytes).digest("hex") });
  for (const [index, text] of bytes.toString("utf8").split("\n").entries()) {
    if (text.length > LINE_CHARS_MAX)
      skipped.push({ file, reason: `line ${index + 1} after ${LINE_CHARS_MAX} characters` });
    for (const { rule } of findSecrets(text.slice(0, LINE_CHARS_MAX)))
      findings.push({ file, line: index + 1, rule });
  }
}

function listFiles(root) {
  const walk = (folder) =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? walk(path) : [path];
    });
  return walk("").sort();
}

function readExceptions(text) {
  const { exceptions } = JSON.parse(text);
  for (const { file, rule, findings, reason } of exceptions) {
    const valid =
      [file, rule, reason].every((field) => typeof field === "string" && field !== "") &&
      Number.isInteger(findings);
    if (!valid) throw new Error("exceptions: each needs file, rule, findings and reason");
  }
  return exceptions;
}

/** The reason of the exception that covers a finding, or null. It covers exactly as many as were looked at. */
function exceptionFor({ file, rule }, findings, exceptions) {
  const count = findings.filter((other) => other.file === file && other.rule === rule).length;
  const exception = exceptions.find((candidate) => candidate.file === file && candidate.rule === rule);
  return exception?.findings === count ? exception.reason : null;
}

/** The health check before a mission: the program loads and tells a token from its name. Put together here, so that no scanner finds it. */
function selfTest() {
  const rules = findSecrets(`a ${"gh"}p_${"aB3".repeat(12)} b, token: settings.token`).map(
    ({ rule }) => rule,
  );
  if (rules.join() !== "github-token") throw new Error(`self-test: ${rules.join()}`);
  process.stdout.write("self-test passed\n");
}

/** Whole or not at all: a reader never meets half a report. */
function put(name, text) {
  mkdirSync(options.out, { recursive: true });
  const path = join(options.out, name);
  writeFileSync(`${path}.part`, text);
  renameSync(`${path}.part`, path);
  say({ type: "artifact", path });
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main();
