import type { ForgePermission } from "../../../ports/forge.ts";
import type { Connection } from "./connection.ts";
import { isNotFound } from "./errors.ts";

/** By GitHub's names; what is not listed is taken for nothing. */
const PERMISSIONS: Readonly<Record<string, ForgePermission>> = {
  admin: "admin",
  maintain: "write",
  write: "write",
  push: "write",
  triage: "read",
  read: "read",
  pull: "read",
};

export async function permissionOf(
  { at, ask }: Connection,
  login: string,
  signal: AbortSignal,
): Promise<ForgePermission> {
  const call = { what: `asking what ${login} may do`, urgency: "ask", signal } as const;
  try {
    const { data } = await ask(call, (octokit, options) =>
      octokit.repos.getCollaboratorPermissionLevel({ ...at, ...options, username: login }),
    );
    return PERMISSIONS[data.permission] ?? "none";
  } catch (error) {
    if (isNotFound(error)) return "none";
    throw error;
  }
}

/** `team`: its slug, in the organisation that owns the repository, or `organisation/slug`. */
export async function isTeamMember(
  { at, ask }: Connection,
  { team, login }: { readonly team: string; readonly login: string },
  signal: AbortSignal,
): Promise<boolean> {
  const [first = "", second] = team.split("/");
  const where =
    second === undefined ? { org: at.owner, team_slug: first } : { org: first, team_slug: second };
  const call = { what: `asking whether ${login} is in ${team}`, urgency: "ask", signal } as const;
  try {
    const { data } = await ask(call, (octokit, options) =>
      octokit.teams.getMembershipForUserInOrg({ ...where, ...options, username: login }),
    );
    return data.state === "active";
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
