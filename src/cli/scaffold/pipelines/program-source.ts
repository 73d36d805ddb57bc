/** Where a fleet's pipelines get this program from: a repository at a commit, never a name at a registry. */
import { runGit } from "../../../adapters/git/process.ts";
import { SECOND_MS } from "../../../core/model/time.ts";
import { usageError } from "../../exit.ts";
import { PACKAGE_ROOT } from "../../package-files.ts";
import { checkoutEnv } from "../../tree/checkout.ts";

export interface ProgramSource {
  /** Address over https, without `.git`: `https://github.com/acme/factory`. */
  readonly url: string;
  /** In full. With it comes what the lock file pins. */
  readonly commit: string;
}

const GIT_TIMEOUT_MS = 10 * SECOND_MS;
const GITHUB = "https://github.com";
const OWNER_NAME = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/;
const URL_PATTERN = /^https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[A-Za-z0-9._~-]+){2,6}$/;

/** `owner/name@<commit>` on GitHub, or `https://host/owner/name@<commit>`. Rejects `cli/usage`. */
export function parseProgramSource(text: string): ProgramSource {
  const at = text.lastIndexOf("@");
  const [place, commit] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  const url = addressOf(place);
  if (at < 0 || url === null || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit))
    throw usageError(
      `--program ${JSON.stringify(text)} is no repository at a commit: expected <owner>/<name>@<full commit id>, or https://<host>/<owner>/<name>@<full commit id>`,
    );
  return { url, commit };
}

/** That of the checkout from which this program runs, where it has an address that others reach and nothing was changed; else null. */
export async function programOfCheckout(): Promise<ProgramSource | null> {
  const ask = async (...args: readonly string[]): Promise<string | null> => {
    const outcome = await runGit({ args, env: checkoutEnv(), cwd: PACKAGE_ROOT, timeoutMs: GIT_TIMEOUT_MS });
    return outcome.exitCode === 0 ? outcome.stdout.toString("utf8").trim() : null;
  };
  // A package that lies in somebody's repository is no checkout of its own.
  if ((await ask("rev-parse", "--show-prefix")) !== "") return null;
  const remote = await ask("config", "--get", "remote.origin.url");
  const url = remote === null ? null : addressOf(webAddress(remote));
  const commit = url === null ? null : await ask("rev-parse", "HEAD");
  if (url === null || commit === null || (await ask("status", "--porcelain")) !== "") return null;
  return { url, commit };
}

/** `git@host:owner/name.git` and `ssh://git@host/owner/name` as what a browser opens; all else as it is. */
export function webAddress(remote: string): string {
  const [, host, path] =
    /^(?:ssh:\/\/)?git@([A-Za-z0-9.-]+)(?::\d+\/|[:/])(.+)$/.exec(remote) ??
    /^https:\/\/(?:[^@/]*@)?([^/]+)\/(.+)$/.exec(remote) ??
    [];
  return host === undefined || path === undefined
    ? remote
    : `https://${host}/${path.replace(/(?:\.git)?\/?$/, "")}`;
}

function addressOf(place: string): string | null {
  if (OWNER_NAME.test(place)) return `${GITHUB}/${place}`;
  return URL_PATTERN.test(place) ? place.replace(/\.git$/, "") : null;
}
