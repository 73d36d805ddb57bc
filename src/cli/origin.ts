import { isAbsolute, resolve } from "node:path";
import { runGit } from "../adapters/git/process.ts";
import { SECOND_MS } from "../core/model/time.ts";
import { findFleetDir, type Globals, nonEmpty, requireFleetDir } from "./place.ts";

const GIT_TIMEOUT_MS = 10 * SECOND_MS;

/**
 * The repository that is obeyed: `--source`, FACTORY_SOURCE, the remote
 * `origin` of the fleet repository, else that repository itself. What is merged
 * at the remote counts, not what lies in somebody's work tree.
 */
export async function sourceOf(globals: Globals, given: string | undefined): Promise<string> {
  const named = given ?? nonEmpty(process.env["FACTORY_SOURCE"]);
  if (named !== undefined) return isRemote(named) ? named : resolve(named);
  const dir = findFleetDir(globals) ?? requireFleetDir(globals);
  const remote = await remoteOf(dir);
  if (remote === null) return dir;
  // A relative path in the configuration is relative to the repository.
  return isRemote(remote) || isAbsolute(remote) ? remote : resolve(dir, remote);
}

async function remoteOf(dir: string): Promise<string | null> {
  const outcome = await runGit({
    args: ["config", "--get", "remote.origin.url"],
    env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "", LC_ALL: "C" },
    cwd: dir,
    timeoutMs: GIT_TIMEOUT_MS,
  });
  const url = outcome.stdout.toString("utf8").trim();
  return outcome.exitCode === 0 && url !== "" ? url : null;
}

/** `scheme://…` and `host:path`; all else is a path. */
export function isRemote(url: string): boolean {
  return /^[^/]*:/.test(url);
}
