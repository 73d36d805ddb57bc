import { createGitHub } from "../../../../src/adapters/forge/github/forge.ts";
import { createSecrets } from "../../../../src/adapters/secrets/secrets.ts";
import { type ForgeContract, forgeContract } from "../../../contract/forge.ts";
import { forgeOwnContract } from "../../../contract/forge-own.ts";
import { hastyClock } from "../../../support/forge/hasty-clock.ts";
import { BOT, OWNER, openStandIn, REPOSITORY } from "../../../support/forge/stand-in.ts";
import { createOrigin, createScratch } from "../../../support/git.ts";

const GITHUB: ForgeContract = {
  name: "github, with a token",
  async newForge() {
    const scratch = await createScratch("forge");
    const origin = await createOrigin({ directory: scratch.path });
    const standIn = await openStandIn({ origin });
    const secrets = createSecrets({ env: { TOKEN: standIn.tokenOf(BOT) }, root: null });
    const open = () =>
      createGitHub({
        policy: {
          type: "github",
          api: standIn.url,
          owner: OWNER,
          repository: REPOSITORY,
          auth: { type: "token", token: { env: "TOKEN" } },
          webhookSecret: null,
          forks: "ignore",
        },
        secrets,
        clock: hastyClock(),
      });
    return {
      forge: open(),
      standIn,
      origin,
      reopen: open,
      async dispose() {
        await standIn.close();
        await scratch.remove();
      },
    };
  },
};

forgeContract(GITHUB);
forgeOwnContract(GITHUB);
