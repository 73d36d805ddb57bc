import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { DEFAULT_FLEET_POLICY, type DesiredState } from "../../../src/core/model/desired.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { ForgePolicy } from "../../../src/core/model/forge.ts";
import type { Issue } from "../../../src/core/model/issue.ts";
import type { SteadyClock } from "../../../src/ports/clock.ts";
import { ForgeLimited } from "../../../src/ports/forge.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Preview, ProposalToPreview } from "../../../src/ports/proposal-preview.ts";
import { createReviews, type Reviews } from "../../../src/reconciler/reviews/reviews.ts";
import { aPull, createFakeForge, type FakeForge } from "../../support/forge/fake-forge.ts";
import { until } from "../../support/until.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const POLICY: ForgePolicy = {
  type: "github",
  api: "https://forge.example",
  owner: "acme",
  repository: "fleet",
  auth: { type: "token", token: { env: "TOKEN" } },
  webhookSecret: null,
  forks: "ignore",
};
const ERROR: Issue = {
  severity: "error",
  reason: "UnknownField",
  file: "missions/m.yaml",
  line: 3,
  message: "no",
};

describe("reviews", () => {
  let forge: FakeForge;
  let reviews: Reviews;
  let revision: string;
  let policy: ForgePolicy | null;
  let asked: ProposalToPreview[];
  let moved: number;
  let elsewhere: string | null;
  let preview: (proposal: ProposalToPreview) => Promise<Preview> | Preview;
  const open = (clock: SteadyClock): Reviews =>
    createReviews({
      open: () => ({ ...forge }),
      preview: {
        async preview(proposal) {
          asked.push(proposal);
          return preview(proposal);
        },
        async close() {},
      },
      branch: "main",
      desired: () => desiredWith(revision, policy),
      lived: () => ({ closed: ["m-1"], running: [], retired: [] }),
      obstacle: () => elsewhere,
      pollMs: 20,
      clock,
      log: silentLog,
      onChange() {},
      onMoved() {
        moved += 1;
      },
      onComment() {},
    });
  beforeEach(() => {
    forge = createFakeForge();
    revision = "1".repeat(40);
    policy = POLICY;
    asked = [];
    moved = 0;
    elsewhere = null;
    preview = () => planned();
    reviews = open(systemClock());
  });
  afterEach(() => reviews.close());

  const view = (number: number) => reviews.view()?.pulls.find((pull) => pull.number === number);
  const reviewed = (number: number) =>
    until(() => view(number)?.state === "reviewed", `#${number} to be reviewed`);
  const polls = async (more: number) => {
    const from = forge.lists();
    await until(() => forge.lists() >= from + more, "more polls");
  };

  test("nothing is asked before they are started, and nothing without a forge", async () => {
    policy = null;
    expect(reviews.view()).toBeNull();
    reviews.wake();
    reviews.start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(forge.lists()).toBe(0);
    policy = POLICY;
    await until(() => forge.lists() > 0, "the forge to be asked once it is declared");
  });

  test("nothing is written while another installation acts on the repository", async () => {
    forge.pulls.set(7, aPull(7));
    elsewhere = "factory-b on host-b has the right to act";
    reviews.start();
    reviews.wakePulls([7]);
    await new Promise((resolve) => setImmediate(resolve));
    expect([forge.lists(), forge.checks, forge.comments]).toEqual([0, [], []]);
    elsewhere = null;
    await reviewed(7);
    elsewhere = "it was taken over";
    forge.pulls.set(7, aPull(7, { head: { ...aPull(7).head, commit: "d".repeat(40) } }));
    reviews.wakePulls([7]);
    await until(() => view(7) === undefined, "the list to be given up");
    expect(forge.checks).toHaveLength(1);
  });

  test("each pull request against the obeyed branch gets a check and a comment, once", async () => {
    forge.pulls.set(7, aPull(7));
    forge.pulls.set(8, aPull(8, { base: { branch: "release", commit: "c".repeat(40) } }));
    preview = () => planned([ERROR]);
    reviews.start();
    await reviewed(7);
    await polls(3);
    expect(asked).toMatchObject([
      { base: revision, head: aPull(7).head.commit, headRef: "refs/pull/7/head", lived: { closed: ["m-1"] } },
    ]);
    expect(forge.checks).toMatchObject([
      {
        commit: aPull(7).head.commit,
        name: "factory",
        conclusion: "failure",
        annotations: [{ path: "missions/m.yaml", line: 3, level: "failure" }],
      },
    ]);
    expect(forge.comments).toMatchObject([{ on: 7, marker: "review", body: "the plan" }]);
    expect(reviews.view()).toMatchObject({ shownAs: "check", condition: { status: "True" } });
  });

  test("is looked at again when its head moves, and when what is obeyed does", async () => {
    forge.pulls.set(7, aPull(7));
    reviews.start();
    await reviewed(7);
    const next = aPull(7, { head: { ...aPull(7).head, commit: "d".repeat(40) } });
    forge.pulls.set(7, next);
    await until(() => asked.length === 2, "a look at the new head");
    revision = "2".repeat(40);
    await until(() => asked.length === 3, "a look at the new base");
    await polls(2);
    expect(asked.map(({ base, head }) => [base[0], head[0]])).toEqual([
      ["1", "7"],
      ["1", "d"],
      ["2", "d"],
    ]);
    // The comment stands for the same, whatever is obeyed.
    const keys = forge.comments.map(({ key }) => key);
    expect(keys[1]).toBe(keys[2]);
    expect(keys[0]).not.toBe(keys[1]);
  });

  test("one that somebody wants anew is planned once more, and nothing is said twice", async () => {
    forge.pulls.set(7, aPull(7));
    reviews.start();
    await reviewed(7);
    expect(reviews.planAgain(8)).toContain("#8 is no open pull request against main");
    expect(reviews.planAgain(7)).toContain("made anew");
    await until(() => asked.length === 2, "another plan");
    await reviewed(7);
    expect(new Set(forge.comments.map(({ key }) => key)).size).toBe(1);
  });

  test("one that is closed is forgotten", async () => {
    forge.pulls.set(7, aPull(7));
    reviews.start();
    await reviewed(7);
    forge.pulls.set(7, aPull(7, { state: "closed" }));
    await until(() => view(7) === undefined, "#7 to be forgotten");
  });

  test("one from a copy of the repository is ignored, unless fleet.yaml says that it is planned", async () => {
    forge.pulls.set(7, aPull(7, { fork: true }));
    reviews.start();
    await until(() => view(7)?.state === "ignored", "#7 to be ignored");
    expect(asked).toEqual([]);
    policy = { ...POLICY, forks: "plan" };
    await reviewed(7);
  });

  test("a conflict and a plan that cannot be made are told there", async () => {
    forge.pulls.set(7, aPull(7));
    forge.pulls.set(8, aPull(8));
    preview = ({ headRef }) => {
      if (headRef.includes("7")) return { type: "conflict", paths: ["fleet.yaml"] };
      throw new FactoryError("preview/too-costly", "stall", "the plan takes longer than 60 s");
    };
    reviews.start();
    await reviewed(7);
    await reviewed(8);
    const titles = new Map(
      forge.checks.map(({ commit, title, conclusion }) => [commit[0], `${conclusion}: ${title}`]),
    );
    expect(titles.get("7")).toBe("failure: cannot be merged into main: 1 files are in conflict");
    expect(titles.get("8")).toBe("failure: no plan could be made");
    expect(forge.comments.find(({ on }) => on === 8)?.body).toContain("takes longer than 60 s");
  });

  test("a head that is still moving is asked for again, and nothing is said about it", async () => {
    forge.pulls.set(7, aPull(7));
    preview = () => (asked.length === 1 ? { type: "moved" } : planned());
    reviews.start();
    await reviewed(7);
    expect(forge.checks).toHaveLength(1);
  });

  test.each([
    ["forge/unreachable", "retry", "Unreachable"],
    ["forge/refused", "stall", "CredentialRefused"],
    ["forge/not-found", "stall", "NotFound"],
  ] as const)("%s is a condition, and is over by itself", async (code, disposition, reason) => {
    forge.pulls.set(7, aPull(7));
    forge.fail(new FactoryError(code, disposition, "it will not"));
    reviews.start();
    await until(() => reviews.view()?.condition.status === "False", "the condition");
    expect(reviews.view()?.condition).toMatchObject({
      type: "ForgeReachable",
      reason,
      message: "it will not",
    });
    forge.fail(null);
    await reviewed(7);
    expect(reviews.view()?.condition).toMatchObject({ status: "True", reason: "Reached" });
  });

  test("a limit is waited out: nothing is asked before", async () => {
    const clock = createVirtualClock();
    reviews = open(clock);
    const until = clock.now() + 60_000;
    forge.fail(new ForgeLimited("too much", until));
    reviews.start();
    while (forge.asks() < 2) await clock.step();
    expect(clock.now()).toBeGreaterThanOrEqual(until);
    expect(reviews.view()?.condition).toMatchObject({ status: "False", reason: "Limited" });
  });

  test("one for which the forge's limits leave no room is not planned again before they do, however often the list is read", async () => {
    const clock = createVirtualClock();
    reviews = open(clock);
    forge.pulls.set(7, aPull(7));
    const until = clock.now() + 60_000;
    let room = false;
    preview = () => {
      if (!room) throw new ForgeLimited("the forge's limits leave no room for this", until);
      return planned();
    };
    reviews.start();
    while (forge.lists() < 20) await clock.step();
    expect(asked).toHaveLength(1);
    expect(view(7)).toMatchObject({ state: "waiting", message: expect.stringContaining("no room") });
    room = true;
    while (view(7)?.state !== "reviewed") await clock.step();
    expect(clock.now()).toBeGreaterThanOrEqual(until);
    expect(asked).toHaveLength(2);
  });

  test("what the forge will not take is not offered again until there is something else", async () => {
    forge.pulls.set(7, aPull(7));
    let refused = 0;
    preview = () => {
      refused += 1;
      throw new FactoryError("forge/rejected", "retry", "Validation Failed");
    };
    reviews.start();
    await until(() => view(7)?.state === "failed", "the failure");
    await polls(4);
    expect(refused).toBe(1);
  });

  test("trouble of ours is tried again", async () => {
    forge.pulls.set(7, aPull(7));
    preview = () => {
      if (asked.length === 1) throw new FactoryError("merge/unreachable", "retry", "no route");
      return planned();
    };
    reviews.start();
    await reviewed(7);
    expect(asked.length).toBeGreaterThanOrEqual(2);
  });

  describe("what the forge sends by itself", () => {
    const never = new AbortController().signal;
    const delivery = { headers: {}, body: new Uint8Array() };
    const hint = (id: string, pulls: readonly number[], branches: readonly string[] = []) =>
      ({ type: "hint", id, pulls, branches }) as const;

    test("makes us look, once for each delivery, and is believed in nothing", async () => {
      reviews.start();
      await polls(1);
      forge.pulls.set(7, aPull(7));
      forge.deliver = hint("d-1", [7]);
      const before = forge.asks();
      expect(await reviews.takeDelivery(delivery, never)).toMatchObject({ type: "taken" });
      await reviewed(7);
      expect(forge.asks()).toBeGreaterThan(before);
      expect(await reviews.takeDelivery(delivery, never)).toEqual({
        type: "taken",
        message: "it came before",
      });
      await polls(2);
      expect(asked).toHaveLength(1);
    });

    test("wakes the source where the obeyed branch has moved, and for no other branch", async () => {
      forge.deliver = hint("d-1", [], ["topic"]);
      await reviews.takeDelivery(delivery, never);
      expect(moved).toBe(0);
      forge.deliver = hint("d-2", [], ["main"]);
      await reviews.takeDelivery(delivery, never);
      expect(moved).toBe(1);
    });

    test("is refused where it is not the forge's, and unexpected where there is none", async () => {
      forge.deliver = { type: "refused", message: "its signature is not the forge's" };
      expect(await reviews.takeDelivery(delivery, never)).toEqual(forge.deliver);
      policy = null;
      expect(await reviews.takeDelivery(delivery, never)).toMatchObject({ type: "unexpected" });
    });

    test("that is lost is found by polling", async () => {
      reviews.start();
      await polls(1);
      forge.pulls.set(7, aPull(7));
      await reviewed(7);
    });
  });

  test("a forge that hangs holds up nobody who closes", async () => {
    const go = forge.hang();
    reviews.start();
    await until(() => forge.asks() > 0, "the forge to be asked");
    await reviews.close();
    go();
  });
});

function planned(issues: readonly Issue[] = []): Preview {
  return {
    type: "planned",
    verdict: "starts 1",
    markdown: "the plan",
    planHash: "p",
    traits: { touches: [], starts: false, stops: false, loosens: false, onlyStops: false },
    issues,
  };
}

function desiredWith(revision: string, forge: ForgePolicy | null): DesiredState {
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
