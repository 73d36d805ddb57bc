/** One closure and its pull request, on a real repository and a forge's stand-in, cut off at each request. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitHub } from "../../../src/adapters/forge/github/forge.ts";
import { createGitProposals } from "../../../src/adapters/git/proposals.ts";
import { createGitSource } from "../../../src/adapters/git/source.ts";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import type { ClosedMission } from "../../../src/core/model/clone-state.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Source } from "../../../src/ports/source.ts";
import { askInPull, type ClosurePullParts, callOff } from "../../../src/reconciler/closures/closure-pull.ts";
import { aClone, aDesired, Life } from "../../support/fleet.ts";
import { hastyClock } from "../../support/forge/hasty-clock.ts";
import type { Fault } from "../../support/forge/proxy.ts";
import { BOT, OWNER, openStandIn, REPOSITORY, type StandIn } from "../../support/forge/stand-in.ts";
import { createOrigin, createScratch, type Origin, type Scratch } from "../../support/git.ts";

const never = new AbortController().signal;
const CLONE = `# who writes
apiVersion: factory/v1
kind: Clone
metadata: {name: scribe}
spec:
  baseline: ua@1.0.0 # pinned
  state: ready
`;
const FILE = "clones/scribe.yaml";
const BRANCH = "factory/closure/audit-1";
/** More requests than one look sends. */
const REQUESTS_MAX = 20;

describe("the pull request of a closure", () => {
  let scratch: Scratch;
  let origin: Origin;
  let standIn: StandIn;
  let source: Source;
  let life: Life;
  let writesFail: boolean;
  let controllers: number;
  beforeEach(async () => {
    scratch = await createScratch("closure-pull");
    origin = await createOrigin({ directory: scratch.path });
    standIn = await openStandIn({ origin });
    await standIn.push("main", { "fleet.yaml": "a", [FILE]: CLONE });
    controllers = 0;
    writesFail = false;
    life = closed();
    source = createGitSource({ url: origin.path, branch: "main", directory: join(scratch.path, "mirror") });
  });
  afterEach(async () => {
    await source.close();
    await standIn.close();
    await scratch.remove();
  });

  const newest = (): ClosedMission => {
    const found = life.state.past.at(-1);
    if (found === undefined) throw new Error("nothing is closed");
    return found;
  };

  /** Of a controller that remembers nothing but its record. */
  async function parts(): Promise<ClosurePullParts> {
    controllers += 1;
    const secrets = createSecrets({ env: { TOKEN: standIn.tokenOf(BOT) }, root: null });
    const forge = createGitHub({
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
    const seen = await source.observe(never);
    if (seen.type !== "ok") throw new Error(`the source says ${seen.type}`);
    return {
      forge,
      source,
      proposals: createGitProposals({
        url: origin.path,
        base: "main",
        directory: join(scratch.path, `own-${controllers}`),
        clock: systemClock(),
      }),
      recorder: {
        states: new Map(),
        onChange() {},
        async write(_, make) {
          if (writesFail) throw new Error("the disk is full");
          for (const event of (await make(life.state))?.events ?? []) life.on(event);
          return undefined as never;
        },
      },
      desired: aDesired({
        revision: seen.snapshot.revision,
        clones: [aClone("scribe", { afterClosure: "ask" })],
      }),
      branch: "main",
      published: () => null,
      outputsOf: () => null,
      log: silentLog,
    };
  }
  const ask = async () => askInPull(await parts(), { state: life.state, closed: newest() }, never);
  const off = async () =>
    callOff(await parts(), { state: life.state, closed: newest(), because: "It is decided." }, never);
  interface Found {
    readonly number: number;
    readonly state: string;
    readonly body: string;
  }
  const pulls = () =>
    standIn.ask<readonly Found[]>("acme", "GET", `/repos/${OWNER}/${REPOSITORY}/pulls?state=all`);
  const textOn = async (branch: string) => (await origin.files(branch)).get(FILE);
  const FAULTS: readonly [string, Fault][] = [
    ["before the forge has heard of it", { type: "reset" }],
    ["after the forge has done it", { type: "lose-answer" }],
    ["by a failure of the forge", { type: "status", status: 502 }],
  ];

  /** Does it with a fault at each of its requests in turn, and once more without: what is there then is the same. */
  async function cutOffEverywhere(
    fault: Fault,
    act: () => Promise<unknown>,
    check: (at: string) => Promise<void>,
  ) {
    let cutOff = true;
    for (let at = 1; cutOff; at += 1) {
      expect(at).toBeLessThan(REQUESTS_MAX);
      let requests = 0;
      standIn.setFault(() => {
        requests += 1;
        return requests === at ? fault : null;
      });
      cutOff = await act().then(
        () => false,
        () => true,
      );
      standIn.setFault(null);
      await act();
      await check(`request ${at}`);
    }
  }

  test.each(FAULTS)(
    "is opened once, cut off at each request %s",
    async (_, fault) => {
      // Each time as the first time: another run, so another branch.
      let run = 0;
      let cutOff = true;
      for (let at = 1; cutOff; at += 1) {
        expect(at).toBeLessThan(REQUESTS_MAX);
        run += 1;
        life = closed(run);
        let requests = 0;
        standIn.setFault(() => {
          requests += 1;
          return requests === at ? fault : null;
        });
        cutOff = await ask().then(
          () => false,
          () => true,
        );
        standIn.setFault(null);
        expect(await ask()).toBe("open");
        const found = (await pulls()).filter(({ body }) => body.includes(`closure/audit-${run} `));
        expect(found, `request ${at}`).toMatchObject([{ state: "open" }]);
        expect(newest().pull, `request ${at}`).toMatchObject({ state: "open", number: found[0]?.number });
        expect(await textOn(`factory/closure/audit-${run}`)).toBe(
          CLONE.replace("state: ready", "state: retired"),
        );
        // And then nothing is left to write.
        standIn.forget();
        await ask();
        expect(standIn.requests.filter(({ method }) => method !== "GET")).toEqual([]);
      }
    },
    180_000,
  );

  test("one whose record failed afterwards is found again, and not doubled", async () => {
    writesFail = true;
    await expect(ask()).rejects.toThrow("disk");
    writesFail = false;
    await ask();
    expect(await pulls()).toHaveLength(1);
    expect(newest().pull?.state).toBe("open");
  });

  test.each(FAULTS)(
    "is called off with one comment, cut off at each request %s",
    async (_, fault) => {
      await ask();
      const [pull] = await pulls();
      await cutOffEverywhere(fault, off, async (at) => {
        expect(await pulls(), at).toMatchObject([{ state: "closed" }]);
        expect(await standIn.comments(pull?.number ?? 0), at).toHaveLength(1);
        expect(newest().pull?.state, at).toBe("closed");
      });
    },
    120_000,
  );

  test("closed by a person it is left closed, and said; so is one that was merged, by whom", async () => {
    await ask();
    const [pull] = await pulls();
    const path = `/repos/${OWNER}/${REPOSITORY}/pulls/${pull?.number}`;
    await standIn.ask("ann", "PATCH", path, { state: "closed" });
    await origin.commit({ "README.md": "more" });
    expect(await ask()).toBe("settled");
    expect(newest().pull).toMatchObject({ state: "closed", mergedBy: null });
    expect(await pulls()).toMatchObject([{ state: "closed" }]);
    await standIn.ask("ann", "PATCH", path, { state: "open" });
    expect(await ask()).toBe("open");
    await standIn.merge("ben", pull?.number ?? 0);
    await origin.git("update-ref", "-d", `refs/heads/${BRANCH}`);
    expect(await ask()).toBe("settled");
    expect(newest().pull).toMatchObject({ state: "merged", mergedBy: { login: "ben" } });
    // The branch that was deleted with the merge stays away.
    expect(await origin.head(BRANCH)).toBeNull();
  });

  test("follows a base whose file has changed, keeping what people wrote there", async () => {
    await ask();
    await standIn.push("main", { [FILE]: CLONE.replace("# pinned", "# pinned, see #12") });
    await ask();
    expect(await textOn(BRANCH)).toContain("# pinned, see #12");
    expect(await textOn(BRANCH)).toContain("state: retired");
    expect((await origin.log(BRANCH))[1]).toBe(await origin.head());
    // Where nothing of the file has changed, nothing is pushed.
    const before = await origin.head(BRANCH);
    await standIn.push("main", { "README.md": "x" });
    await ask();
    expect(await origin.head(BRANCH)).toBe(before);
  });

  test("a branch that a person has pushed to is left alone, and the text says so", async () => {
    await ask();
    const theirs = await standIn.push(BRANCH, { [FILE]: CLONE.replace("ready", "ready # not yet") });
    await standIn.push("main", { [FILE]: `${CLONE}# more\n` });
    expect(await ask()).toBe("open");
    expect(await origin.head(BRANCH)).toBe(theirs);
    const [pull] = await pulls();
    expect(pull?.body).toContain("Somebody has pushed to this branch");
  });

  test("somebody else's branch of that name is not proposed in our name", async () => {
    await standIn.push(BRANCH, { "missions/evil.yaml": "x" }, { parent: await origin.head() });
    await expect(ask()).rejects.toMatchObject({ code: "closure/branch-taken", disposition: "stall" });
    expect(await pulls()).toEqual([]);
  });

  test("a decision that came while it was asked for calls it off, and the clone is not touched by it", async () => {
    await ask();
    life.on({
      type: "closure.decided",
      missionId: newest().missionId,
      decision: "standby",
      by: { type: "operator", name: "ann" },
    });
    await off();
    expect(newest()).toMatchObject({ decision: "standby", pull: { state: "closed" } });
    expect(await textOn("main")).toBe(CLONE);
  });
});

function closed(run = 1): Life {
  const life = new Life("scribe").declared({ afterClosure: "ask", overlays: [] });
  life.assigned({ run }).planned().prepared().launched().ready().dispatched().reports("mission.accepted");
  return life.reports("mission.completed").dead().judged();
}
