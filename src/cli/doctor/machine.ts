import { existsSync } from "node:fs";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runGit } from "../../adapters/git/process.ts";
import { checkEnvironment } from "../../adapters/judge/check.ts";
import {
  FILE_MB_MAX,
  MEMORY_MB_EACH,
  PROCESSES_MAX,
  probeContainment,
} from "../../adapters/judge/containment.ts";
import { localPathOf } from "../../adapters/system/known-fleets.ts";
import { MINUTE_MS, SECOND_MS } from "../../core/model/time.ts";
import { openDrivers } from "../../drivers.ts";
import type { Driver, DriverCapabilities } from "../../ports/driver.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** Fetches of single commits over protocol version 2, and `--end-of-options`. */
const GIT_MIN = [2, 26] as const;
const GIT_TIMEOUT_MS = 10 * SECOND_MS;
const PROBE_TIMEOUT_MS = MINUTE_MS;
const GIB = 1024 ** 3;
/** Workspaces, kept results and the record of a small fleet. */
const DISK_WARN_BYTES = 2 * GIB;
const DISK_FAIL_BYTES = GIB / 4;

/** An older one would not have come as far as here. */
export async function checkNode(): Promise<readonly Finding[]> {
  return [ok("node", `${process.versions.node} at ${process.execPath}`)];
}

export async function checkGit(): Promise<readonly Finding[]> {
  const outcome = await runGit({
    args: ["--version"],
    env: { PATH: process.env["PATH"] ?? "", LC_ALL: "C" },
    cwd: tmpdir(),
    timeoutMs: GIT_TIMEOUT_MS,
  });
  if (outcome.exitCode !== 0)
    return [fail("git", "it could not be started", "install git and put it on the PATH")];
  const text = outcome.stdout.toString("utf8").trim();
  const [, major = "0", minor = "0"] = /(\d+)\.(\d+)/.exec(text) ?? [];
  const old = Number(major) < GIT_MIN[0] || (Number(major) === GIT_MIN[0] && Number(minor) < GIT_MIN[1]);
  return [old ? fail("git", text, `install ${GIT_MIN.join(".")} or newer`) : ok("git", text)];
}

export async function checkDisk(dataDir: string): Promise<readonly Finding[]> {
  const { bavail, bsize, ffree, files } = await statfs(existing(dataDir));
  const free = bavail * bsize;
  const text = `${(free / GIB).toFixed(1)} GiB free`;
  const next = "make room, or move the data directory with --data";
  // Some file systems count no inodes at all.
  if (files > 0 && ffree === 0) return [fail("disk space", `${text}, but no inodes`, next)];
  if (free < DISK_FAIL_BYTES) return [fail("disk space", text, next)];
  return [free < DISK_WARN_BYTES ? warn("disk space", text, next) : ok("disk space", text)];
}

/**
 * What each driver can promise here, found out by trying; and whether agents could write to the source, where that lies
 * on this machine.
 */
export async function checkContainment(source: string | null): Promise<readonly Finding[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "factory-doctor-"));
  try {
    const drivers = openDrivers({ dataDir, installation: "doctor" });
    const probed = await Promise.all([...drivers.values()].map(probeDriver));
    const local = source === null ? null : localPathOf(source);
    const findings = probed.map(({ finding }) => finding);
    return local === null
      ? findings
      : [
          ...findings,
          originFinding(
            local,
            probed.every(({ sandboxed }) => sandboxed),
          ),
        ];
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** What is merged there is obeyed: an agent that could write there could approve itself. */
function originFinding(local: string, sandboxed: boolean): Finding {
  return sandboxed
    ? ok("origin", `${local} lies on this machine; agents neither see it nor write to it`)
    : warn(
        "origin",
        `${local} lies on this machine, and agents run as the user who can write to it: one could push what is then obeyed`,
        "install bubblewrap, or let the fleet obey a repository on another machine whose branch is protected",
      );
}

/** Whether checks can be shut in: one that runs a clone's output would be the controller otherwise. */
export async function checkChecks(): Promise<readonly Finding[]> {
  const found = await probeContainment(checkEnvironment(tmpdir()));
  if (found.kind === "sandbox") {
    const who = found.plan.user === null ? "as the controller's user" : "as users of their own";
    return [
      ok(
        "checks",
        `shut in by bubblewrap ${who}, without network, checkout read-only, limited by prlimit (${MEMORY_MB_EACH} MiB a process, ${PROCESSES_MAX} processes, ${FILE_MB_MAX} MiB a file)`,
      ),
    ];
  }
  return [
    warn(
      "checks",
      `they cannot be shut in (${found.because}); at most ${found.kind} holds them. A check that runs what a clone has made could act as the controller, so criteria with a check wait for a person`,
      "install bubblewrap (`apt-get install bubblewrap`), or say `isolation: {allow_uncontained_checks: true}` in fleet.yaml and know what that allows",
    ),
  ];
}

async function probeDriver(
  driver: Driver,
): Promise<{ readonly finding: Finding; readonly sandboxed: boolean }> {
  const offered = await driver.capabilities(AbortSignal.timeout(PROBE_TIMEOUT_MS));
  return { finding: containmentFinding(driver.name, offered), sandboxed: offered.sandboxed === true };
}

function containmentFinding(name: string, offered: DriverCapabilities): Finding {
  const { containment, freezesAll, notes, unproven } = offered;
  const freeze = freezesAll ? "a pause stops every process" : "a pause stops the agent's process group only";
  const message = `driver ${name}: ${containment}, ${freeze}. ${notes.join(". ")}`;
  if (unproven === undefined) return ok("containment", message);
  if (containment !== "group")
    return warn(
      "containment",
      `${message}. No death of an agent can be proven here: ${unproven}`,
      "install bubblewrap (`apt-get install bubblewrap`); until then each end of an instance holds its lane for a person",
    );
  return warn(
    "containment",
    message,
    "an agent that calls setsid and clears its environment can escape a process group, so clones are not started here unless fleet.yaml says `isolation: {allow_group: true}`: install bubblewrap and allow unprivileged user namespaces, or run where a cgroup may be made",
  );
}

/** The nearest folder above that is there. */
export function existing(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existing(dirname(path));
}
