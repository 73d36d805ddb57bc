import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitHub } from "../../../../src/adapters/forge/github/forge.ts";
import { createSecrets } from "../../../../src/adapters/secrets/secrets.ts";
import type { ForgePolicy } from "../../../../src/core/model/forge.ts";
import { hastyClock } from "../../../support/forge/hasty-clock.ts";
import { BOT, OWNER, openStandIn, REPOSITORY, type StandIn } from "../../../support/forge/stand-in.ts";
import { createOrigin, createScratch, type Origin, type Scratch } from "../../../support/git.ts";

const never = new AbortController().signal;
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2_048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

describe("who asks", () => {
  let scratch: Scratch;
  let origin: Origin;
  let standIn: StandIn;
  beforeEach(async () => {
    scratch = await createScratch("credential");
    origin = await createOrigin({ directory: scratch.path });
    standIn = await openStandIn({ origin, app: { id: 12, slug: "factory", privateKey } });
  });
  afterEach(async () => {
    await standIn.close();
    await scratch.remove();
  });

  const open = (auth: ForgePolicy["auth"], env: Record<string, string>) =>
    createGitHub({
      policy: {
        type: "github",
        api: standIn.url,
        owner: OWNER,
        repository: REPOSITORY,
        auth,
        webhookSecret: null,
        forks: "ignore",
      },
      secrets: createSecrets({ env, root: null }),
      clock: hastyClock(),
    });
  const app = (installationId: number | null): ForgePolicy["auth"] => ({
    type: "app",
    appId: "12",
    installationId,
    privateKey: { env: "KEY" },
  });

  test.each([[77], [null]])("an App writes under its own name, installed as %s", async (installation) => {
    await standIn.push("main", { "fleet.yaml": "a" });
    await standIn.push("topic", { "fleet.yaml": "b" }, { parent: await origin.head() });
    const on = await standIn.openPull("ann", "topic");
    const forge = open(app(installation), { KEY: privateKey });
    expect(await forge.identity(never)).toBe("factory[bot]");
    const comment = { on, marker: "review", key: "one", body: "Hello." };
    expect((await forge.ensureComment(comment, never)).did).toBe("created");
    expect((await forge.ensureComment(comment, never)).did).toBe("unchanged");
    expect((await standIn.comments(on)).map(({ user }) => user.login)).toEqual(["factory[bot]"]);
    const tokens = standIn.requests.filter(({ path }) => path.endsWith("/access_tokens"));
    expect(tokens).toHaveLength(1);
  });

  test("an App whose token was taken from it asks for another one", async () => {
    const forge = open(app(77), { KEY: privateKey });
    await forge.openPulls("main", never);
    standIn.setFault(({ path }) => (path.endsWith("/pulls") ? { type: "status", status: 401 } : null));
    await expect(forge.openPulls("main", never)).rejects.toMatchObject({ code: "forge/refused" });
    standIn.setFault(null);
    await forge.openPulls("main", never);
    const tokens = standIn.requests.filter(({ path }) => path.endsWith("/access_tokens"));
    expect(tokens).toHaveLength(2);
  });

  test("a key that the forge does not know is refused, and says whose", async () => {
    await expect(open(app(77), { KEY: "no key" }).identity(never)).rejects.toMatchObject({
      message: expect.stringContaining("the App 12"),
    });
  });

  test("a token is read anew for each request: the next one is used as soon as it is there", async () => {
    const env: Record<string, string> = { TOKEN: standIn.tokenOf("eve") };
    const forge = open({ type: "token", token: { env: "TOKEN" } }, env);
    expect(await forge.identity(never)).toBe("eve");
    standIn.revoke("eve");
    await expect(forge.openPulls("main", never)).rejects.toMatchObject({ code: "forge/refused" });
    env["TOKEN"] = standIn.tokenOf(BOT);
    await forge.openPulls("main", never);
    expect(await forge.identity(never)).toBe(BOT);
  });

  test("a secret that is not there is told by its reference", async () => {
    const forge = open({ type: "token", token: { env: "TOKEN" } }, {});
    await expect(forge.openPulls("main", never)).rejects.toMatchObject({
      code: "forge/refused",
      message: expect.stringContaining("environment variable TOKEN of the controller is not set"),
    });
    expect(standIn.requests).toEqual([]);
  });
});
