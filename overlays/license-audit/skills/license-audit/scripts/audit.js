/**
 * Audits the licences of an npm lock file. No dependencies, no network.
 *
 * Reports to standard output as JSON lines. The outputs depend on the lock
 * file and the policy alone, and each is put in place as a whole, so that a
 * repeat after a crash ends in the same bytes.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { classify, readPolicy } from "./classify.js";
import { readLockfile } from "./lockfile.js";
import { renderMarkdown, summarize } from "./report.js";

/** Reports while classifying: enough to see it move, few enough to read. */
const PROGRESS_STEPS = 4;

const { values: options } = parseArgs({
  options: {
    lock: { type: "string", default: "inputs/package-lock.json" },
    policy: { type: "string", default: join(dirname(fileURLToPath(import.meta.url)), "../policy.json") },
    out: { type: "string", default: "reports" },
    "self-test": { type: "boolean", default: false },
  },
});

function main() {
  const policyText = readFileSync(options.policy);
  const policy = readPolicy(policyText.toString("utf8"));
  if (options["self-test"]) return selfTest(policy);

  let lockText;
  try {
    lockText = readFileSync(options.lock);
  } catch (error) {
    say({ type: "blocked", reason: `cannot read the lock file: ${error.message}`, needs: options.lock });
    process.exitCode = 2;
    return;
  }
  const lock = readLockfile(lockText.toString("utf8"));
  say({
    type: "progress",
    summary: `read ${lock.packages.length} packages from ${basename(options.lock)}`,
    percent: 10,
  });

  const packages = [];
  const step = Math.max(1, Math.ceil(lock.packages.length / PROGRESS_STEPS));
  for (const [index, entry] of lock.packages.entries()) {
    packages.push(classify(entry, policy));
    if ((index + 1) % step === 0 || index + 1 === lock.packages.length) {
      const percent = 10 + Math.floor((80 * (index + 1)) / lock.packages.length);
      say({
        type: "progress",
        summary: `classified ${index + 1} of ${lock.packages.length} packages`,
        percent,
      });
    }
  }

  const summary = summarize(packages);
  const report = {
    schema_version: 1,
    source: { file: basename(options.lock), sha256: sha256(lockText), lockfile_version: lock.version },
    policy: { file: basename(options.policy), sha256: sha256(policyText) },
    summary,
    packages,
  };
  put("licenses.json", `${JSON.stringify(report, null, 2)}\n`);
  put("licenses.md", renderMarkdown(report));
  const open = `${summary.denied} denied, ${summary.unknown} unknown, ${summary.review} to review`;
  say({ type: "completed", summary: `${summary.packages} packages: ${open}, ${summary.allowed} allowed` });
}

/** The health check before a mission: the program loads, and the policy can tell the plainest cases apart. */
function selfTest(policy) {
  const stated = (license) =>
    classify({ name: "self-test", version: "1.0.0", license, dev: false }, policy).verdict;
  const wrong = [
    [stated(null), "unknown"],
    [stated("not a licence!"), "unknown"],
    [stated("UNLICENSED"), "denied"],
  ].filter(([found, expected]) => found !== expected);
  if (wrong.length > 0) throw new Error(`self-test: ${JSON.stringify(wrong)}`);
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

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

main();
