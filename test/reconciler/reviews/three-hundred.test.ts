/** Three hundred clones change at once: what we ask of the forge stays within the limits that it publishes, and nothing is left out. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGitHub } from "../../../src/adapters/forge/github/forge.ts";
import { createProposedMerges } from "../../../src/adapters/git/proposed-merges.ts";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { createProposalPlanner } from "../../../src/cli/plan/proposal-planner.ts";
import { DEFAULT_FLEET_POLICY, type DesiredState } from "../../../src/core/model/desired.ts";
import type { ForgePolicy } from "../../../src/core/model/forge.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Preview, ProposalPreview } from "../../../src/ports/proposal-preview.ts";
import { createWriteBack } from "../../../src/reconciler/publish/write-back.ts";
import { createReviews, type Reviews } from "../../../src/reconciler/reviews/reviews.ts";
import { createFakeStatusBranch } from "../../support/fake/status-branch.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../../support/fleet-files.ts";
import type { Seen } from "../../support/forge/proxy.ts";
import { type Arrived, limitsBroken } from "../../support/forge/published-limits.ts";
import { BOT, OWNER, openStandIn, REPOSITORY, type StandIn } from "../../support/forge/stand-in.ts";
import {
  createOrigin,
  createScratch,
  type Files,
  git,
  type Origin,
  type Scratch,
} from "../../support/git.ts";
import { createIdleClock, type IdleClock } from "../../support/idle-clock.ts";

const COUNT = 300;
const NAMES = Array.from({ length: COUNT }, (_, index) => `m${String(index + 1).padStart(3, "0")}`);
const POLL_MS = 2 * MINUTE_MS;
/** Of real time, on a machine that is busy. */
const WITHIN_MS = 240_000;

describe(`${COUNT} clones at once`, () => {
  let scratch: Scratch;
  let origin: Origin;
  let standIn: StandIn;
  let clock: IdleClock;
  let policy: ForgePolicy;
  let preview: ProposalPreview;
  let arrived: { readonly at: number; readonly seen: Seen }[];
  let reviews: Reviews | null;
  let revision: string;

  beforeEach(async () => {
    scratch = await createScratch("three-hundred");
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
    revision = await standIn.push("main", fleet());
    arrived = [];
    standIn.setFault((seen) => {
      arrived.push({ at: clock.monotonic(), seen });
      return null;
    });
    clock = createIdleClock();
    clock.start();
    preview = realPreview();
    reviews = null;
  });
  afterEach(async () => {
    clock.stop();
    await reviews?.close();
    await preview.close();
    await standIn.close();
    await scratch.remove();
  });

  /** As the program makes it; while git and the plan's thread work, the clock stands still. */
  function realPreview(): ProposalPreview {
    const merges = createProposedMerges({
      url: origin.path,
      branch: "main",
      directory: join(scratch.path, "reviews.git"),
    });
    const planner = createProposalPlanner({ clock: systemClock() });
    return {
      preview: (proposal, signal) =>
        clock.during(async () => {
          const merge = await merges.merge(proposal, signal);
          if (merge.type !== "merged") return merge;
          const { directory, commit: merged } = merge;
          return planner.plan({ ...proposal, directory, merged, repository: "acme/fleet" }, signal);
        }),
      close: () => planner.close(),
    };
  }

  function start(): Reviews {
    const secrets = createSecrets({ env: { TOKEN: standIn.tokenOf(BOT) }, root: null });
    const forge = createGitHub({ policy, secrets, clock });
    reviews = createReviews({
      open: () => forge,
      preview,
      branch: "main",
      desired: () => desiredWith(revision, policy),
      lived: () => ({ closed: [], running: [], retired: [] }),
      obstacle: () => null,
      pollMs: POLL_MS,
      clock,
      log: silentLog,
      onChange() {},
      onMoved() {},
      onComment() {},
    });
    reviews.start();
    return reviews;
  }

  async function untilReviewed(count: number): Promise<void> {
    const deadline = performance.now() + WITHIN_MS;
    for (;;) {
      const pulls = reviews?.view()?.pulls ?? [];
      const done = pulls.filter(({ state }) => state === "reviewed");
      if (done.length >= count) return;
      if (performance.now() > deadline) {
        const others = pulls.filter(({ state }) => state !== "reviewed").slice(0, 3);
        throw new Error(`${done.length} of ${count} reviewed; ${JSON.stringify(others)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** A branch for each name, with a commit of its own. In one go: as many pushes take a minute. */
  async function branchEach(): Promise<ReadonlyMap<string, string>> {
    const stream = NAMES.map((name) =>
      [
        `commit refs/heads/${name}`,
        `committer ann <ann@example.com> 1767225600 +0000`,
        `data ${name.length}`,
        `${name}`,
        `from ${revision}`,
        `M 100644 inline notes/${name}.txt`,
        `data ${name.length}`,
        `${name}`,
        "",
      ].join("\n"),
    );
    await git(origin.path, ["fast-import", "--quiet"], { input: stream.join("\n") });
    const lines = await origin.git(
      "for-each-ref",
      "--format=%(refname:lstrip=2) %(objectname)",
      "refs/heads/m*",
    );
    const all = new Map(lines.split("\n").map((line) => line.split(" ") as [string, string]));
    return new Map(NAMES.map((name) => [name, all.get(name) ?? ""]));
  }

  const broken = (): readonly string[] =>
    limitsBroken(arrived.map(({ at, seen }): Arrived => ({ ...seen, at })));
  const writes = (): readonly Seen[] =>
    arrived.map(({ seen }) => seen).filter(({ method }) => method !== "GET");

  test("by one pull request: one check and one comment, which fits and says what it leaves out", async () => {
    await standIn.push("all", Object.assign({}, ...NAMES.map(change)), { parent: revision });
    const number = await standIn.openPull("ann", "all");
    start();
    await untilReviewed(1);
    const [comment, ...others] = await standIn.comments(number);
    expect(others).toEqual([]);
    expect(comment?.body).toContain(`${COUNT}`);
    expect(broken()).toEqual([]);
    // The label that says what it does: made where the repository does not have it yet, and put on.
    const labels = writes().filter(({ path }) => path.includes("/labels"));
    expect(labels.length).toBeLessThanOrEqual(2);
    expect(writes().length - labels.length).toBe(2);
  });

  test("by one pull request with 700 errors: each batch of annotations fits, and the rest is counted", async () => {
    const faulty = NAMES.map((name) => mission(name, (text) => `${text}    colour: red\n    shape: round\n`));
    const head = await standIn.push("faulty", Object.assign({}, ...faulty), { parent: revision });
    await standIn.openPull("ann", "faulty");
    start();
    await untilReviewed(1);
    const [check] = await standIn.checks(head);
    expect(check).toMatchObject({ status: "completed", conclusion: "failure" });
    expect(check?.output.annotations_count).toBe(300);
    expect(check?.output.summary).toMatch(/further problems are not shown here/);
    expect(broken()).toEqual([]);
  });

  test("by as many pull requests: each gets its check and its comment, once", async () => {
    // Plans of their own are none of the question, and as many of a fleet so large take minutes.
    await preview.close();
    preview = { preview: async ({ head }) => plannedAt(head), close: async () => {} };
    const heads = await branchEach();
    const numbers = new Map<number, string>();
    for (const [name, head] of heads) numbers.set(await standIn.openPull("ann", name), head);
    const began = clock.monotonic();
    start();
    await untilReviewed(COUNT);
    const took = clock.monotonic() - began;
    for (const [number, head] of numbers) {
      expect(await standIn.checks(head), `#${number}`).toMatchObject([{ conclusion: "success" }]);
      expect(await standIn.comments(number), `#${number}`).toHaveLength(1);
    }
    expect(broken()).toEqual([]);
    expect(writes()).toHaveLength(2 * COUNT);
    // The forge's hour has room for 500 writings, and these are 600.
    expect(took / HOUR_MS).toBeLessThan(2);
  }, 300_000);
});

/** Whoever asks without a budget is found out: as fast as the machine can, and slower but without an hour's limit. */
test("the oracle sees what is beyond each limit", () => {
  const at = (ms: number, more: Partial<Arrived> = {}): Arrived => ({
    at: ms,
    method: "POST",
    path: "/repos/acme/fleet/issues/1/comments",
    body: JSON.stringify({ body: "text" }),
    status: 201,
    together: 1,
    ...more,
  });
  const times = (count: number, gapMs: number, more: Partial<Arrived> = {}): readonly Arrived[] =>
    Array.from({ length: count }, (_, index) => at(index * gapMs, more));
  const get = { method: "GET", status: 200, body: "" };
  expect(limitsBroken(times(500, 8 * SECOND_MS))).toEqual([]);
  expect(limitsBroken(times(80, 700))).toEqual([expect.stringContaining("700 ms between two")]);
  expect(limitsBroken(times(81, 700))[0]).toContain("81 requests a minute that make content");
  expect(limitsBroken(times(501, 5 * SECOND_MS))).toEqual([
    expect.stringContaining("501 requests an hour that make content"),
  ]);
  expect(limitsBroken(times(901, 10, get))).toEqual([expect.stringContaining("901 points a minute")]);
  expect(limitsBroken(times(5_001, 600, get))).toEqual([expect.stringContaining("5001 requests an hour")]);
  expect(limitsBroken(times(5_001, 600, { ...get, status: 304 }))).toEqual([]);
  expect(limitsBroken([at(0, { together: 101 })])).toEqual([
    expect.stringContaining("101 requests at the same"),
  ]);
  expect(limitsBroken([at(0, { body: JSON.stringify({ body: "x".repeat(65_537) }) })])).toEqual([
    expect.stringContaining("65537 characters"),
  ]);
  const output = { annotations: Array.from({ length: 51 }, () => ({})) };
  expect(limitsBroken([at(0, { body: JSON.stringify({ output }) })])).toEqual([
    expect.stringContaining("51 annotations"),
  ]);
  const status = { path: "/repos/acme/fleet/statuses/abc", body: JSON.stringify({ context: "factory" }) };
  expect(limitsBroken(times(1_001, 8 * SECOND_MS, status))).toEqual([
    expect.stringContaining("1001 statuses of one name"),
  ]);
});

test(`the status of ${COUNT} clones that change every second is pushed four times a minute, and whole`, async () => {
  let now = 0;
  const branch = createFakeStatusBranch();
  const pushes: number[] = [];
  const files = (): Map<string, string> =>
    new Map(NAMES.map((name) => [`clones/${name}/status.yaml`, `at: ${now}\n`]));
  const writer = createWriteBack({
    branch: {
      read: (signal) => branch.read(signal),
      publish(status, signal) {
        pushes.push(now);
        return branch.publish(status, signal);
      },
    },
    derive: () => ({ files: files(), trailers: {}, subject: "status" }),
    clock: { now: () => now, sleep: async () => {} },
    log: silentLog,
  });
  for (let second = 0; second < 600; second += 1) {
    now += SECOND_MS;
    for (const _ of NAMES) writer.touch(second % 7 === 0);
    await writer.tick(new AbortController().signal);
  }
  const within = pushes.map((at) => pushes.filter((other) => other > at - MINUTE_MS && other <= at).length);
  expect(Math.max(...within)).toBe(4);
  expect(branch.files.size).toBe(COUNT);
});

function fleet(): Files {
  const parts = NAMES.map((name) => ({
    ...cloneFile(cloneName(name), { command: ["sleep", "600"] }),
    ...mission(name, (text) => text),
  }));
  return { ...fleetFiles({ parallel: COUNT }), ...Object.assign({}, ...parts) };
}

/** Another budget, and with it a plan. */
function change(name: string): Files {
  return {
    ...missionFile(name, { clone: cloneName(name), maxRuntimeMinutes: 90 }),
    ...cloneFile(cloneName(name), { command: ["sleep", "900"] }),
  };
}

function mission(name: string, edit: (text: string) => string): Files {
  const files = missionFile(name, { clone: cloneName(name) });
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, edit(String(text))]));
}

/** Every eighth as long as a comment of ours can be. */
function plannedAt(head: string): Preview {
  const text = `What ${head} would do.\n`;
  const markdown = head.startsWith("0") || head.startsWith("f") ? text.repeat(2_000) : text;
  return {
    type: "planned",
    verdict: "changes 1 mission; no problems",
    markdown,
    planHash: head,
    traits: { touches: [], starts: false, stops: false, loosens: false, onlyStops: false },
    issues: [],
  };
}

function desiredWith(revision: string, forge: ForgePolicy): DesiredState {
  return {
    revision,
    fleet: { ...DEFAULT_FLEET_POLICY, forge },
    clones: new Map(),
    missions: new Map(),
    broken: new Set(),
    stops: new Map(),
    postmortems: new Map(),
    issues: [],
    confirmDeletion: null,
  };
}
