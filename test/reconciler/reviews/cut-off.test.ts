/** A review that ends at any of its requests, before or after the forge has done it: the next one leaves everything there once. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitHub } from "../../../src/adapters/forge/github/forge.ts";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import type { ForgePolicy } from "../../../src/core/model/forge.ts";
import type { Issue } from "../../../src/core/model/issue.ts";
import type { Preview } from "../../../src/ports/proposal-preview.ts";
import { reviewPull } from "../../../src/reconciler/reviews/review-pull.ts";
import { hastyClock } from "../../support/forge/hasty-clock.ts";
import type { Fault } from "../../support/forge/proxy.ts";
import { BOT, OWNER, openStandIn, REPOSITORY, type StandIn } from "../../support/forge/stand-in.ts";
import { createOrigin, createScratch, type Origin, type Scratch } from "../../support/git.ts";

const never = new AbortController().signal;
/** Three batches of annotations. */
const ISSUES: readonly Issue[] = Array.from({ length: 120 }, (_, index) => ({
  severity: "error",
  reason: "UnknownField",
  file: "missions/m.yaml",
  line: index + 1,
  message: "no",
}));
/** More requests than one review sends. */
const REQUESTS_MAX = 30;

describe("a review that is cut off", () => {
  let scratch: Scratch;
  let origin: Origin;
  let standIn: StandIn;
  let policy: ForgePolicy;
  beforeEach(async () => {
    scratch = await createScratch("cut-off");
    origin = await createOrigin({ directory: scratch.path });
    standIn = await openStandIn({ origin });
    policy = {
      type: "github",
      api: standIn.url,
      owner: OWNER,
      repository: REPOSITORY,
      auth: { type: "token", token: { env: "TOKEN" } },
      webhookSecret: null,
      forks: "ignore",
    };
    await standIn.push("main", { "fleet.yaml": "a" });
  });
  afterEach(async () => {
    await standIn.close();
    await scratch.remove();
  });

  /** By a controller that remembers nothing. */
  async function review(number: number, issues: readonly Issue[]): Promise<void> {
    const secrets = createSecrets({ env: { TOKEN: standIn.tokenOf(BOT) }, root: null });
    const forge = createGitHub({ policy, secrets, clock: hastyClock() });
    const pull = await forge.pull(number, never);
    if (pull === null) throw new Error(`there is no #${number}`);
    const planned: Preview = {
      type: "planned",
      verdict: "120 errors",
      markdown: "plan",
      planHash: "p",
      traits: { touches: [], starts: false, stops: false, loosens: false, onlyStops: false },
      issues,
    };
    const preview = { preview: async () => planned, close: async () => {} };
    const lived = () => ({ closed: [], running: [], retired: [] });
    const asked = { pull, forge, policy, base: pull.base.commit, branch: "main" };
    await reviewPull({ preview, lived, now: () => 0 }, asked, never);
  }

  async function newPull(index: number): Promise<{ number: number; head: string }> {
    const branch = `topic-${index}`;
    const head = await standIn.push(branch, { [`${branch}.yaml`]: "b" }, { parent: await origin.head() });
    return { number: await standIn.openPull("ann", branch), head };
  }

  test.each<[string, Fault]>([
    ["before the forge has heard of it", { type: "reset" }],
    ["after the forge has done it", { type: "lose-answer" }],
    ["by a failure of the forge", { type: "status", status: 502 }],
  ])("at each of its requests, %s", async (_, fault) => {
    let cutOff = true;
    for (let at = 1; cutOff; at += 1) {
      expect(at).toBeLessThan(REQUESTS_MAX);
      const { number, head } = await newPull(at);
      let requests = 0;
      standIn.setFault(() => {
        requests += 1;
        return requests === at ? fault : null;
      });
      cutOff = await review(number, ISSUES).then(
        () => false,
        () => true,
      );
      standIn.setFault(null);
      await review(number, ISSUES);
      const runs = await standIn.checks(head);
      expect(runs, `request ${at}`).toMatchObject([
        { status: "completed", conclusion: "failure", output: { annotations_count: 120 } },
      ]);
      expect(await standIn.comments(number), `request ${at}`).toHaveLength(1);
      // And then nothing is left to write.
      standIn.forget();
      await review(number, ISSUES);
      expect(standIn.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    }
  });
});
