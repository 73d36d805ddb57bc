import { existsSync } from "node:fs";
import { access, constants, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGitEnvironment } from "../../adapters/git/environment.ts";
import { runGit } from "../../adapters/git/process.ts";
import { createGitSource } from "../../adapters/git/source.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { folderTrouble } from "../../adapters/system/own-folder.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import { gitAccess } from "../access.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import { existing } from "./machine.ts";

const TIMEOUT_MS = MINUTE_MS;
/** Steps by which file system and clock may differ before heartbeats and backoffs would feel it. */
const CLOCK_SKEW_MAX_MS = 2_000;
const STATUS_REF = "refs/heads/factory/status";
const NO_SOURCE = "name it with --source, or go into the fleet repository";

export async function checkDataDirectory(dataDir: string): Promise<readonly Finding[]> {
  if (!existsSync(dataDir)) {
    const above = existing(dataDir);
    const writable = await access(above, constants.W_OK).then(
      () => true,
      () => false,
    );
    return [
      writable
        ? ok("data directory", `${dataDir} will be made at the first start`)
        : fail(
            "data directory",
            `${dataDir} cannot be made: ${above} is not writable`,
            "choose another one with --data",
          ),
    ];
  }
  const trouble = folderTrouble(dataDir);
  if (trouble !== null) return [fail("data directory", trouble.what, trouble.next)];
  const probe = join(dataDir, ".doctor");
  try {
    const before = systemClock().now();
    await writeFile(probe, "");
    const skew = Math.abs((await stat(probe)).mtimeMs - before);
    const findings = [ok("data directory", `${dataDir} is writable`)];
    const tokens = await stat(join(dataDir, "operator.token")).catch(() => null);
    if (tokens !== null && (tokens.mode & 0o077) !== 0) {
      findings.push(
        fail("operator token", "others can read it", `chmod 600 ${join(dataDir, "operator.token")}`),
      );
    }
    findings.push(
      skew > CLOCK_SKEW_MAX_MS
        ? warn(
            "clock",
            `it and the data directory's file system differ by ${Math.round(skew)} ms`,
            "let both follow the same time server",
          )
        : ok("clock", new Date(before).toISOString()),
    );
    return findings;
  } catch (error) {
    return [
      fail(
        "data directory",
        `${dataDir}: ${(error as Error).message}`,
        "give it to the user who runs the controller, or choose another one with --data",
      ),
    ];
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}

/** Reads the branch as the controller would, into a temporary mirror. */
export async function checkSource(source: string | null, branch: string): Promise<readonly Finding[]> {
  if (source === null) return [warn("source", "there is no fleet repository here or above", NO_SOURCE)];
  const directory = await mkdtemp(join(tmpdir(), "factory-doctor-"));
  const reader = createGitSource({
    url: source,
    branch,
    directory: join(directory, "mirror.git"),
    ...gitAccess(process.env),
  });
  try {
    const result = await reader.observe(AbortSignal.timeout(TIMEOUT_MS));
    if (result.type === "error") {
      return [
        fail(
          "source",
          `${result.reason}: ${result.message}`,
          `try: git ls-remote ${source} refs/heads/${branch}`,
        ),
      ];
    }
    const { revision, entries } = result.snapshot;
    const at = `${branch} at ${revision.slice(0, 12)}, ${entries.length} files`;
    if (result.type === "ok") return [ok("source", at)];
    return [
      warn(
        "source",
        `${at}, but none is a document of ours`,
        "add a mission with `factory new mission <name>` and merge it",
      ),
    ];
  } finally {
    await reader.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Asks whether a push would be taken, without one: a dry run goes through access and transport, not through hooks. */
export async function checkStatusBranch(source: string | null): Promise<readonly Finding[]> {
  if (source === null) return [warn("status branch", "not asked: there is no source", NO_SOURCE)];
  const directory = await mkdtemp(join(tmpdir(), "factory-doctor-"));
  try {
    const environment = createGitEnvironment({ url: source, ...gitAccess(process.env) });
    const env = await environment.remote(directory);
    const call = { env, cwd: directory, timeoutMs: TIMEOUT_MS };
    const make = await runGit({ ...call, args: ["init", "--quiet", "--bare", directory] });
    const tree = await runGit({ ...call, args: ["hash-object", "-t", "tree", "-w", "/dev/null"] });
    const person = {
      GIT_AUTHOR_NAME: "factory",
      GIT_AUTHOR_EMAIL: "factory@invalid",
      GIT_COMMITTER_NAME: "factory",
      GIT_COMMITTER_EMAIL: "factory@invalid",
    };
    const commit = await runGit({
      ...call,
      env: { ...env, ...person },
      args: ["commit-tree", "-m", "doctor", tree.stdout.toString("utf8").trim()],
    });
    if (make.exitCode !== 0 || commit.exitCode !== 0) {
      return [
        fail(
          "status branch",
          `git could not make a commit: ${commit.stderr || make.stderr}`,
          "see the finding about git",
        ),
      ];
    }
    const id = commit.stdout.toString("utf8").trim();
    const push = await runGit({
      ...call,
      args: ["push", "--dry-run", "--force", environment.url, `${id}:${STATUS_REF}`],
    });
    if (push.exitCode === 0)
      return [
        ok("status branch", `${STATUS_REF} can be pushed to (tried without pushing; hooks were not asked)`),
      ];
    return [
      fail(
        "status branch",
        environment.redact(push.stderr.split("\n")[0] ?? "the push was refused"),
        `give the controller's account the right to push ${STATUS_REF}`,
      ),
    ];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
