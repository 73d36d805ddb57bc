/** What the repository tells of a fleet to whoever may read it and nothing else: for a pipeline, on a machine that runs none. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGitEnvironment } from "../../adapters/git/environment.ts";
import { complaint } from "../../adapters/git/errors.ts";
import { runGit } from "../../adapters/git/process.ts";
import { createGitSource } from "../../adapters/git/source.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import type { FleetPolicy } from "../../core/model/desired.ts";
import type { Issue } from "../../core/model/issue.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import { formatIssue, hasErrors } from "../../documents/issue.ts";
import { createResolvedRevisions } from "../../reconciler/source/resolved-revisions.ts";
import { gitAccess } from "../access.ts";
import { age as ageText, plural } from "../format/words.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

const TIMEOUT_MS = 2 * MINUTE_MS;
/** A controller renews its right to act within each lease, also where nothing happens. One that was restarted meanwhile has time for another. */
const LEASES_MISSED_MAX = 2;
const STATUS_REF = "refs/factory/published";

/** Whether what is merged can be used, who has to approve it, and when a controller published last. Writes nothing. */
export async function checkRepository(source: string, branch: string): Promise<readonly Finding[]> {
  const directory = await mkdtemp(join(tmpdir(), "factory-doctor-"));
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const reader = createGitSource({
    url: source,
    branch,
    directory: join(directory, "mirror.git"),
    ...gitAccess(process.env),
  });
  try {
    const seen = await reader.observe(signal);
    if (seen.type === "error")
      return [fail("source", `${seen.reason}: ${seen.message}`, `see that ${branch} can be read from here`)];
    const at = `${branch} at ${seen.snapshot.revision.slice(0, 12)}`;
    const revisions = createResolvedRevisions({ source: reader, repository: source, clock: systemClock() });
    const { issues, missions, clones, fleet } = await revisions.take(seen.snapshot, signal);
    return [
      ok("source", `${at}: ${plural(missions.size, "mission")}, ${plural(clones.size, "clone")}`),
      filesFinding(issues),
      approvalsFinding(fleet),
      await publishedFinding({ source, fleet, directory: join(directory, "status.git"), signal }),
    ];
  } finally {
    await reader.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function filesFinding(issues: readonly Issue[]): Finding {
  const first = issues.find(({ severity }) => severity === "error") ?? issues[0];
  if (first === undefined) return ok("files", "no problems");
  const said = `${plural(issues.length, "problem")}, first ${formatIssue(first)}`;
  return hasErrors(issues)
    ? fail(
        "files",
        said,
        "`factory validate` shows all; what is broken keeps its last good state until it is mended",
      )
    : warn("files", said, "`factory validate` shows all");
}

function approvalsFinding({ approvals, forge }: FleetPolicy): Finding {
  if (approvals.mode === "forge" && forge !== null)
    return ok("approvals", `of pull requests of ${forge.repository}`);
  if (approvals.mode === "signatures") return ok("approvals", "by commits that listed people have signed");
  return warn(
    "approvals",
    "none: whoever can write to the branch can start missions",
    "declare `forge` and `approvals: {mode: forge}` in fleet.yaml, and let nobody but the forge write to the branch",
  );
}

async function publishedFinding(look: {
  readonly source: string;
  readonly fleet: FleetPolicy;
  readonly directory: string;
  readonly signal: AbortSignal;
}): Promise<Finding> {
  const { source, fleet, directory, signal } = look;
  const { branch, leaseSeconds } = fleet.writeBack;
  const environment = createGitEnvironment({ url: source, ...gitAccess(process.env) });
  const env = await environment.remote(directory);
  const call = { env, cwd: tmpdir(), timeoutMs: TIMEOUT_MS, signal };
  const ref = `refs/heads/${branch}`;
  await runGit({ ...call, args: ["init", "--quiet", "--bare", directory] });
  const listed = await runGit({ ...call, args: ["ls-remote", "--", environment.url, ref] });
  const next = "see that a controller runs: `factory status` and `factory lease` where it does";
  if (listed.exitCode !== 0)
    return fail(
      "status branch",
      environment.redact(complaint(listed, TIMEOUT_MS)),
      "see that it can be read",
    );
  if (listed.stdout.length === 0)
    return warn(
      "status branch",
      `there is no ${branch}: no controller has published yet`,
      "start one with `factory run`",
    );
  const fetch = [
    "fetch",
    "--quiet",
    "--no-tags",
    "--depth=1",
    "--",
    environment.url,
    `+${ref}:${STATUS_REF}`,
  ];
  const fetched = await runGit({ ...call, cwd: directory, args: fetch });
  if (fetched.exitCode !== 0)
    return fail(
      "status branch",
      environment.redact(complaint(fetched, TIMEOUT_MS)),
      "see that it can be read",
    );
  const log = ["log", "-1", "--format=%ct", STATUS_REF];
  const { stdout } = await runGit({ ...call, env: environment.local(directory), cwd: directory, args: log });
  const age = systemClock().now() - Number(stdout.toString("utf8").trim()) * SECOND_MS;
  const said = `${branch} was published ${ageText(Math.max(0, age))} ago`;
  return age <= LEASES_MISSED_MAX * leaseSeconds * SECOND_MS
    ? ok("status branch", said)
    : fail(
        "status branch",
        `${said}, and whoever acts renews that every ${leaseSeconds} s at the latest`,
        next,
      );
}
