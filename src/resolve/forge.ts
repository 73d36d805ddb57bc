import type { SecretRef } from "../core/model/clone.ts";
import { FactoryError } from "../core/model/error.ts";
import type { ForgeAuth, ForgePeople, ForgePolicy, ForgeRoles } from "../core/model/forge.ts";
import { ROLES, type Role } from "../core/model/role.ts";
import type { Forge } from "../documents/schema/forge.ts";

/** `spec.forge` in the words of the core. That it is whole was checked with the document. */
export function forgePolicy(declared: Forge): ForgePolicy {
  const [owner = "", repository = ""] = declared.repository.split("/");
  return {
    type: declared.type,
    api: declared.api.replace(/\/+$/, ""),
    owner,
    repository,
    auth: authOf(declared.auth),
    webhookSecret: declared.webhook_secret === undefined ? null : fromOf(declared.webhook_secret),
    forks: declared.forks,
    ...(declared.roles === undefined ? {} : { roles: rolesOf(declared.roles) }),
    // Absent where nothing is said: what is in force on a record of before is the same then.
    ...(declared.closures === "command_line" ? { closures: declared.closures } : {}),
    ...(declared.labels ? {} : { labels: declared.labels }),
  };
}

function rolesOf(declared: NonNullable<Forge["roles"]>): ForgeRoles {
  const roles: Partial<Record<Role, ForgePeople>> = {};
  for (const role of ROLES) {
    const people = declared[role];
    if (people !== undefined) roles[role] = people;
  }
  return roles;
}

function authOf({ token, app_id: appId, installation_id, private_key }: Forge["auth"]): ForgeAuth {
  if (token !== undefined) return { type: "token", token: fromOf(token) };
  if (appId === undefined || private_key === undefined) throw incomplete();
  return {
    type: "app",
    appId: String(appId),
    installationId: installation_id ?? null,
    privateKey: fromOf(private_key),
  };
}

function fromOf({ from: { env, file } }: NonNullable<Forge["webhook_secret"]>): SecretRef["from"] {
  if (env !== undefined) return { env };
  if (file !== undefined) return { file };
  throw incomplete();
}

function incomplete(): FactoryError {
  return new FactoryError("forge/incomplete", "crash", "spec.forge was taken up without having been checked");
}
