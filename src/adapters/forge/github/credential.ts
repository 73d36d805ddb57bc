import type { createAppAuth } from "@octokit/auth-app";
import type { Octokit } from "@octokit/rest";
import type { SecretRef } from "../../../core/model/clone.ts";
import { FactoryError } from "../../../core/model/error.ts";
import type { ForgePolicy } from "../../../core/model/forge.ts";
import type { Secrets } from "../../../ports/secrets.ts";
import { asForgeError } from "./errors.ts";
import { boundedFetch } from "./fetch.ts";

/** What proves to the forge who asks. Secrets are read anew for each use, so that a rotated one is used from then on. */
export interface Credential {
  /** Value of the `authorization` header. Rejects `forge/refused` where the secret does not resolve or is not accepted. */
  authorization(signal: AbortSignal): Promise<string>;
  /** The forge did not accept what it gave out: it is asked for a new one. */
  renew(): void;
  /** Of an App: the name under which it writes. Null for a token, whose owner the forge tells. */
  appLogin(signal: AbortSignal): Promise<string | null>;
}

export function createCredential(policy: ForgePolicy, secrets: Secrets): Credential {
  return policy.auth.type === "token"
    ? tokenCredential(policy.auth.token, secrets)
    : appCredential({ policy, auth: policy.auth, secrets });
}

function tokenCredential(from: SecretRef["from"], secrets: Secrets): Credential {
  return {
    authorization: async (signal) => `token ${(await readSecret(secrets, from, signal)).trim()}`,
    renew() {},
    appLogin: async () => null,
  };
}

type AppAuth = ReturnType<typeof createAppAuth>;

function appCredential({
  policy,
  auth: { appId, installationId, privateKey },
  secrets,
}: {
  readonly policy: ForgePolicy;
  readonly auth: Extract<ForgePolicy["auth"], { type: "app" }>;
  readonly secrets: Secrets;
}): Credential {
  const { api: baseUrl, owner, repository } = policy;
  let opened: { readonly key: string; readonly auth: AppAuth } | null = null;
  let installation = installationId;
  let stale = false;

  async function app(signal: AbortSignal): Promise<AppAuth> {
    const key = await readSecret(secrets, privateKey, signal);
    if (opened?.key !== key) {
      const [{ createAppAuth }, { Octokit }] = await load();
      const { request } = new Octokit({ baseUrl, request: { fetch: boundedFetch } });
      opened = { key, auth: createAppAuth({ appId, privateKey: key, request }) };
    }
    return opened.auth;
  }

  /** Asked as the App itself, which has no installation yet. */
  async function asApp(signal: AbortSignal): Promise<Octokit> {
    const { token } = await (await app(signal))({ type: "app" });
    const [, { Octokit }] = await load();
    return new Octokit({ baseUrl, auth: `Bearer ${token}`, request: { fetch: boundedFetch } });
  }

  return {
    async authorization(signal) {
      try {
        if (installation === null) {
          const { data } = await (await asApp(signal)).apps.getRepoInstallation({
            owner,
            repo: repository,
            request: { signal },
          });
          installation = data.id;
        }
        const auth = await app(signal);
        const { token } = await auth({ type: "installation", installationId: installation, refresh: stale });
        stale = false;
        return `token ${token}`;
      } catch (error) {
        throw asForgeError(error, `asking for a token of the App ${appId}`);
      }
    },
    renew() {
      stale = true;
    },
    async appLogin(signal) {
      try {
        const { data } = await (await asApp(signal)).apps.getAuthenticated({ request: { signal } });
        if (data?.slug === undefined) throw new Error("the forge does not say how the App is called");
        return `${data.slug}[bot]`;
      } catch (error) {
        throw asForgeError(error, `asking who the App ${appId} is`);
      }
    },
  };
}

/** With the first question, and not before. */
function load() {
  return Promise.all([import("@octokit/auth-app"), import("@octokit/rest")]);
}

const NAME = "FORGE";

export async function readSecret(
  secrets: Secrets,
  from: SecretRef["from"],
  signal: AbortSignal,
): Promise<string> {
  const { values, missing } = await secrets.resolve([{ name: NAME, from }], signal);
  const value = values.get(NAME);
  if (value !== undefined) return value;
  throw new FactoryError(
    "forge/refused",
    "stall",
    `the forge's credential is not there: ${missing[0]?.problem ?? "unknown"}`,
  );
}
