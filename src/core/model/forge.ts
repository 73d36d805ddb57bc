import type { SecretRef } from "./clone.ts";
import type { Role } from "./role.ts";

/** The forge on which people review the fleet repository, as `fleet.yaml` declares it. Secrets are references, never values. */
export interface ForgePolicy {
  readonly type: "github";
  /** Of its REST API, without a final `/`. */
  readonly api: string;
  readonly owner: string;
  readonly repository: string;
  readonly auth: ForgeAuth;
  /** Signs webhooks; null: none are taken. */
  readonly webhookSecret: SecretRef["from"] | null;
  /** What becomes of pull requests that come from a copy of the repository, whose authors may be anybody. */
  readonly forks: "ignore" | "plan";
  /** Closures that nobody has decided are decided on the command line alone; absent: in a pull request, too. */
  readonly closures?: "command_line";
  /** No labels are put on pull requests; absent: they are. */
  readonly labels?: false;
  /** Whose comments are obeyed, by what they may do; absent: nobody's. */
  readonly roles?: ForgeRoles;
}

export type ForgeRoles = Readonly<Partial<Record<Role, ForgePeople>>>;

export interface ForgePeople {
  /** Accounts; a program is meant by its whole name alone: `name[bot]`. */
  readonly people: readonly string[];
  /** Slugs, in the organisation that owns the repository, or `organisation/slug`. */
  readonly teams: readonly string[];
}

export type ForgeAuth =
  | { readonly type: "token"; readonly token: SecretRef["from"] }
  | {
      readonly type: "app";
      readonly appId: string;
      /** Null: the one that the forge names for the repository. */
      readonly installationId: number | null;
      readonly privateKey: SecretRef["from"];
    };

/** Every secret that the forge needs: the fleet's own, and no clone's. */
export function forgeSecrets({ auth, webhookSecret }: ForgePolicy): readonly SecretRef["from"][] {
  const key = auth.type === "token" ? auth.token : auth.privateKey;
  return webhookSecret === null ? [key] : [key, webhookSecret];
}
