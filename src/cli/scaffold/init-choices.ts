/** What `factory init` has to know before it writes: said by options, or by the remote of the repository. */
import { usageError } from "../exit.ts";
import { isRemote } from "../origin.ts";
import type { ApprovalsChoice, ForgeKind } from "./fleet-files.ts";
import { webAddress } from "./pipelines/program-source.ts";

export interface Asked {
  readonly approvals?: "forge" | "signatures" | "none";
  readonly forge?: ForgeKind;
  readonly repository?: string;
}

export interface Found {
  /** Address of the repository's remote; null where it has none. */
  readonly remote: string | null;
  /** There is a fleet file, which says whatever it says and is not written. */
  readonly stated: boolean;
}

export interface Choices {
  readonly forge: ForgeKind;
  readonly approvals: ApprovalsChoice;
  readonly owner: string | null;
}

const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/;
const GITHUB_HOST = "github.com";

/**
 * `none` is chosen for nobody whose repository others can push to: whoever has a remote says it, or reviews on a forge
 * whose approvals are read. Rejects `cli/usage`.
 */
export function chooseForFleet(asked: Asked, { remote, stated }: Found): Choices {
  const [, host = null, path = null] =
    remote !== null && isRemote(remote) ? (/^https:\/\/([^/]+)\/(.+)$/.exec(webAddress(remote)) ?? []) : [];
  const forge = asked.forge ?? forgeAt(host);
  const repository = asked.repository ?? (path !== null && REPOSITORY.test(path) ? path : null);
  if (asked.repository !== undefined && !REPOSITORY.test(asked.repository))
    throw usageError(`--repository ${JSON.stringify(asked.repository)} is no <owner>/<name>`);
  const owner = repository?.split("/")[0] ?? null;
  return {
    forge,
    owner,
    approvals: stated ? { mode: "none" } : approvalsFor({ asked, forge, repository, host, remote }),
  };
}

function approvalsFor(facts: {
  readonly asked: Asked;
  readonly forge: ForgeKind;
  readonly repository: string | null;
  readonly host: string | null;
  readonly remote: string | null;
}): ApprovalsChoice {
  const { asked, forge, repository, host, remote } = facts;
  if (asked.approvals === "none" || asked.approvals === "signatures") return { mode: asked.approvals };
  if (asked.approvals === undefined && remote === null && asked.repository === undefined)
    return { mode: "none" };
  // Only where the address says so: a host that nobody knows may be any forge.
  const readable =
    forge === "github" && (host === GITHUB_HOST || asked.forge === "github" || remote === null);
  if (asked.approvals === undefined && !readable)
    throw usageError(
      `this repository has a remote (${plain(remote)}) whose approvals are not read: say \`--approvals signatures\` for approvals by signed commits, \`none\` if missions are to start without anybody's approval, or \`--approvals forge --forge github\` if it is a GitHub server`,
    );
  if (forge !== "github")
    throw usageError(
      `approvals are read from GitHub alone, and this fleet is reviewed on ${forge}: say \`--approvals signatures\`, or \`none\` if missions are to start without anybody's approval`,
    );
  if (repository === null)
    throw usageError(
      "approvals are read from the pull requests of a repository: name it with --repository <owner>/<name>",
    );
  return {
    mode: "forge",
    repository,
    api: host === null || host === GITHUB_HOST ? null : `https://${host}/api/v3`,
  };
}

function forgeAt(host: string | null): ForgeKind {
  if (host === null) return "github";
  if (/(?:^|\.)gitlab\./.test(host)) return "gitlab";
  return /(?:^|\.)(?:codeberg|forgejo|gitea)\./.test(host) ? "forgejo" : "github";
}

/** Without a password that somebody has put into it. */
function plain(remote: string | null): string {
  return (remote ?? "").replace(/\/\/[^@/]*@/, "//");
}
