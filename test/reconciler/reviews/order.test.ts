/** Pull requests that change the same, merge queues, and labels: as the controller's reviews tell of them. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { DEFAULT_FLEET_POLICY } from "../../../src/core/model/desired.ts";
import type { ForgePolicy } from "../../../src/core/model/forge.ts";
import type { PlanTraits } from "../../../src/core/proposal/touched.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Preview, ProposalToPreview } from "../../../src/ports/proposal-preview.ts";
import { createReviews, type Reviews } from "../../../src/reconciler/reviews/reviews.ts";
import { aDesired } from "../../support/fleet.ts";
import { aPull, createFakeForge, type FakeForge } from "../../support/forge/fake-forge.ts";
import { until } from "../../support/until.ts";

const POLICY: ForgePolicy = {
  type: "github",
  api: "https://forge.example",
  owner: "acme",
  repository: "fleet",
  auth: { type: "token", token: { env: "TOKEN" } },
  webhookSecret: null,
  forks: "ignore",
};
const NOTHING: PlanTraits = { touches: [], starts: false, stops: false, loosens: false, onlyStops: false };

describe("reviews, one beside the other", () => {
  let forge: FakeForge;
  let reviews: Reviews;
  let policy: ForgePolicy;
  /** By head: what it would do; by `base head`: another hash. */
  let traits: Map<string, Partial<PlanTraits>>;
  let hashes: Map<string, string>;
  /** What stood on the branch before a commit. */
  let before: Map<string, string>;
  beforeEach(() => {
    forge = createFakeForge();
    policy = POLICY;
    traits = new Map();
    hashes = new Map();
    before = new Map();
    reviews = createReviews({
      open: () => forge,
      preview: {
        preview: async ({ base, head }: ProposalToPreview): Promise<Preview> => ({
          type: "planned",
          verdict: "starts 1",
          markdown: "the plan",
          planHash: hashes.get(`${base} ${head}`) ?? "same",
          traits: { ...NOTHING, ...traits.get(head) },
          issues: [],
        }),
        async close() {},
      },
      subjects: {
        changes: async ({ from }) => ({
          changes: [{ commit: from, before: before.get(from) ?? null }],
          complete: true,
        }),
      },
      branch: "main",
      desired: () => aDesired({ revision: REVISION, fleet: { ...DEFAULT_FLEET_POLICY, forge: policy } }),
      lived: () => ({ closed: [], running: [], retired: [] }),
      obstacle: () => null,
      pollMs: 10,
      clock: systemClock(),
      log: silentLog,
      onChange() {},
      onMoved() {},
      onComment() {},
    });
  });
  afterEach(() => reviews.close());
  const open = (number: number, what: Partial<PlanTraits> = {}, change: Parameters<typeof aPull>[1] = {}) => {
    const pull = aPull(number, change);
    forge.pulls.set(number, pull);
    traits.set(pull.head.commit, what);
    return pull;
  };
  const last = (commit: string) => forge.checks.findLast((check) => check.commit === commit);
  const says = (number: number, conclusion: string) =>
    until(
      () => last(aPull(number).head.commit)?.conclusion === conclusion,
      `the check of #${number} to be ${conclusion}`,
    );
  const settle = () => new Promise((resolve) => setTimeout(resolve, 60));

  test("the later one waits until the earlier one is closed, and says for which", async () => {
    open(5, { touches: ["mission/m"] });
    open(9, { touches: ["mission/m"] });
    reviews.start();
    await says(9, "pending");
    await says(5, "success");
    expect(forge.comments.findLast(({ on }) => on === 9)?.body).toMatch(
      /^⏳ \*\*It waits for #5, which changes mission\/m too\.\*\*\n/,
    );
    expect(forge.labels.get(9)?.labels.map(({ name }) => name)).toEqual(["factory:waits"]);
    // Nothing more is written while nothing changes.
    await settle();
    const written = forge.checks.length;
    await settle();
    expect(forge.checks).toHaveLength(written);
    forge.pulls.set(5, aPull(5, { state: "closed" }));
    await says(9, "success");
    expect(forge.comments.findLast(({ on }) => on === 9)?.body).toBe("the plan");
  });

  test("a draft lets others pass, and takes its place again when it is ready", async () => {
    open(5, { touches: ["mission/m"] }, { draft: true });
    open(9, { touches: ["mission/m"] });
    reviews.start();
    await says(9, "success");
    forge.pulls.set(5, aPull(5));
    await says(9, "pending");
  });

  test("what changes something else, or only stops, waits for nobody; nor does anybody wait for one about a closure", async () => {
    open(5, { touches: ["mission/m"] });
    open(6, { touches: ["clone/c"] }, { head: { ...aPull(6).head, branch: "factory/closure/audit-1" } });
    open(8, { touches: ["clone/c"] });
    open(9, { touches: ["mission/m"], onlyStops: true });
    reviews.start();
    for (const number of [5, 6, 8, 9]) await says(number, "success");
    await settle();
    expect(forge.checks.map(({ conclusion }) => conclusion)).toEqual(Array(4).fill("success"));
    expect(forge.labels.get(6)?.labels.map(({ name }) => name)).toEqual(["factory:closure"]);
  });

  test("labels say what it does, once, and none are put where the fleet says so", async () => {
    open(5, { starts: true, loosens: true });
    reviews.start();
    await until(() => forge.labels.has(5), "labels");
    expect(forge.labels.get(5)).toMatchObject({
      prefix: "factory:",
      labels: [{ name: "factory:starts" }, { name: "factory:loosens" }],
    });
    policy = { ...POLICY, labels: false };
    open(6, { starts: true });
    await says(6, "success");
    await settle();
    expect(forge.labels.has(6)).toBe(false);
  });

  test("one that was merged onto something else than it was planned on says so where that makes a difference", async () => {
    const five = open(5);
    const six = open(6);
    const between = "9".repeat(40);
    const merge = (number: number) => "e".repeat(39) + number;
    before.set(merge(5), between);
    before.set(merge(6), between);
    hashes.set(`${between} ${five.head.commit}`, "sha256:bbbb");
    hashes.set(`${REVISION} ${five.head.commit}`, "sha256:aaaa");
    reviews.start();
    await says(5, "success");
    await says(6, "success");
    for (const pull of [five, six])
      forge.pulls.set(pull.number, { ...pull, state: "merged", mergeCommit: merge(pull.number) });
    await until(() => forge.comments.some(({ marker }) => marker === "stale-plan"), "the word about it");
    await settle();
    const told = forge.comments.filter(({ marker }) => marker === "stale-plan");
    expect(told).toMatchObject([
      { on: 5, body: expect.stringMatching(/`aaaa`, on `111111111111`.*`999999999999`.*`bbbb`/) },
    ]);
  });

  const entry = (number: number, base: string) => ({
    number,
    commit: String(number).repeat(2).padEnd(40, "f"),
    ref: `refs/heads/gh-readonly-queue/main/pr-${number}-${base}`,
    base,
  });

  test("a commit of the merge queue gets its check, once", async () => {
    open(5);
    const first = entry(5, REVISION);
    forge.queue.push(first);
    reviews.start();
    await until(() => last(first.commit)?.conclusion === "success", "the check in the queue");
    await settle();
    expect(forge.checks.filter(({ commit }) => commit === first.commit)).toHaveLength(1);
    expect(forge.comments.filter(({ on }) => on === 5)).toHaveLength(1);
  });

  test("what stands behind others there fails where they change what it does, with both hashes", async () => {
    const five = open(5);
    const ahead = entry(4, REVISION);
    const second = entry(5, ahead.commit);
    hashes.set(`${ahead.commit} ${second.commit}`, "sha256:bbbb");
    hashes.set(`${REVISION} ${five.head.commit}`, "sha256:aaaa");
    forge.queue.push(second);
    reviews.start();
    await until(() => last(second.commit) !== undefined, "the check in the queue");
    expect(last(second.commit)).toMatchObject({ conclusion: "failure", title: "stale plan" });
    expect(last(second.commit)?.summary).toMatch(/`aaaa`.*`bbbb`/);
  });

  test("a branch that only has the name of a queue's lets nothing pass: neither a head of its own, nor a closed one", async () => {
    open(5, { touches: ["mission/m"] });
    const nine = open(9, { touches: ["mission/m"] });
    forge.queue.push({ ...entry(9, REVISION), commit: nine.head.commit }, entry(77, REVISION));
    reviews.start();
    await says(9, "pending");
    await settle();
    expect(last(nine.head.commit)?.conclusion).toBe("pending");
    expect(forge.checks.some(({ commit }) => commit === entry(77, REVISION).commit)).toBe(false);
  });
});

const REVISION = "1".repeat(40);
