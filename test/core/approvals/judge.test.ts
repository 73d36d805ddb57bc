import { describe, expect, test } from "vitest";
import {
  type HistoryStep,
  judgeHistory,
  type PullFacts,
  type ReviewFacts,
} from "../../../src/core/approvals/judge.ts";
import { requirementsFor } from "../../../src/core/approvals/rules.ts";
import type { ApprovalPolicy, ApprovalRule, Subject } from "../../../src/core/model/approvals.ts";
import { aMission } from "../../support/fleet.ts";

const POLICY: ApprovalPolicy = {
  mode: "forge",
  rules: [],
  otherwise: { count: 1, people: [], teams: [] },
};
const { limits } = aMission("audit", "clone");

function subject(digest = "one", change: Partial<Subject> = {}): Subject {
  return {
    name: "mission/audit",
    run: "run-1",
    digest: `sha256:${digest}`,
    limits,
    facts: {
      missionType: "research",
      costUsd: 5,
      labels: { team: "platform" },
      isolation: "pidns",
      secrets: ["API_KEY"],
      paths: ["missions/audit.yaml", "clones/clone.yaml", "overlays/ops/"],
      watched: ["missions"],
      clone: "sha256:clone",
      contract: "sha256:contract",
    },
    ...change,
  };
}

function review(author: string, change: Partial<ReviewFacts> = {}): ReviewFacts {
  return {
    author,
    state: "approved",
    commit: "c".repeat(40),
    subject: subject(),
    writes: true,
    teams: [],
    ...change,
  };
}

function pull(reviews: readonly ReviewFacts[], change: Partial<PullFacts> = {}): PullFacts {
  return { number: 7, author: "ann", refused: null, committers: ["ann"], reviews, ...change };
}

const step = (pulls: readonly PullFacts[], after = subject(), commit = "d".repeat(40)): HistoryStep => ({
  commit,
  after,
  pulls,
});
const judge = (steps: readonly HistoryStep[], target = subject(), policy = POLICY) =>
  judgeHistory(target, steps, { policy });

describe("one approval of somebody who may write", () => {
  test("is enough, and says who, where and at which head", () => {
    expect(judge([step([pull([review("ben")])])])).toEqual({
      approved: true,
      message: "approved by ben at pull request 7, head cccccccccccc, which says sha256:one",
    });
  });

  test("stays good when the head moved without changing the mission", () => {
    const reviews = [review("ben", { commit: "b".repeat(40) })];
    expect(judge([step([pull(reviews)])]).approved).toBe(true);
  });

  test.each<readonly [string, readonly PullFacts[], string]>([
    ["no pull request", [], "brought it without a pull request, so nobody can have approved it"],
    ["no review", [pull([])], "1 approval is missing, from people who may write to the repository"],
    ["the author's own", [pull([review("Ann")])], "Ann has approved, but is the author"],
    [
      "one of somebody who made commits of it",
      [pull([review("ben")], { committers: ["ann", "Ben"] })],
      "ben has approved, but made commits of it",
    ],
    [
      "one without rights",
      [pull([review("eve", { writes: false })])],
      "eve has approved, but is not entitled to",
    ],
    [
      "a comment that says approve",
      [pull([review("ben", { state: "commented" })])],
      "1 approval is missing, from people who may write",
    ],
    [
      "one that was dismissed",
      [pull([review("ben", { state: "dismissed" })])],
      "ben had approved, and that was dismissed",
    ],
    [
      "one of another head",
      [pull([review("ben", { subject: subject("other") })])],
      "ben has approved head cccccccccccc, which says something else of it",
    ],
    [
      "one of a head that is gone",
      [pull([review("ben", { subject: null })])],
      "ben has approved head cccccccccccc, in which it cannot be found",
    ],
    [
      "one that was taken back",
      [pull([review("ben"), review("ben", { state: "changes_requested" })])],
      "ben asked for changes at pull request 7 and has not approved since",
    ],
    [
      "one against which somebody else stands",
      [pull([review("ben"), review("carol", { state: "changes_requested" })])],
      "carol asked for changes",
    ],
    [
      "one from a copy of the repository",
      [pull([review("ben")], { refused: "it comes from a copy of the repository" })],
      "pull request 7 does not count: it comes from a copy",
    ],
  ])("is not: %s", (_, pulls, message) => {
    const said = judge([step(pulls)]);
    expect(said.approved).toBe(false);
    expect(said.message).toContain(message);
  });

  test("a stranger who asks for changes stops nobody, and a comment takes nothing back", () => {
    const reviews = [
      review("ben"),
      review("ben", { state: "commented" }),
      review("eve", { state: "changes_requested", writes: false }),
    ];
    expect(judge([step([pull(reviews)])]).approved).toBe(true);
  });

  test("an approval after all counts again", () => {
    const reviews = [review("ben", { state: "changes_requested" }), review("ben")];
    expect(judge([step([pull(reviews)])]).approved).toBe(true);
  });
});

describe("limits", () => {
  const wider = { ...limits, heartbeat_interval_seconds: 20 };

  test("tighter than what was approved are approved", () => {
    const approved = step([pull([review("ben", { subject: subject("one", { limits: wider }) })])]);
    expect(
      judge([{ ...approved, after: subject("one", { limits: wider }) }, step([], subject())]).approved,
    ).toBe(true);
  });

  test("looser ones are not, also where a push brought them after the approval", () => {
    const pushed = step([], subject("one", { limits: wider }), "e".repeat(40));
    const said = judge([step([pull([review("ben")])]), pushed], subject("one", { limits: wider }));
    expect(said.approved).toBe(false);
    expect(said.message).toContain("commit eeeeeeeeeeee brought it without a pull request");
  });
});

describe("a history", () => {
  const ben = (after: Subject, number: number): HistoryStep =>
    step([pull([review("ben", { subject: after })], { number })], after);

  test("one approval does not make good what was pushed before it", () => {
    const steps = [ben(subject(), 7), step([], subject("pushed")), ben(subject("last"), 8)];
    const said = judge(steps, subject("last"));
    expect(said.approved).toBe(false);
    expect(said.message).toContain("without a pull request");
  });

  test("going back to what was approved is approved, and what builds on that can be", () => {
    const back = [ben(subject(), 7), step([], subject("pushed")), step([], subject())];
    expect(judge(back).approved).toBe(true);
    expect(judge([...back, ben(subject("last"), 8)], subject("last")).approved).toBe(true);
  });

  test("several commits of one pull request are judged by where they end", () => {
    const facts = pull([review("ben", { subject: subject("two") })]);
    const steps = [step([facts], subject("one")), step([facts], subject("two"))];
    expect(judge(steps, subject("two")).approved).toBe(true);
    expect(judge(steps, subject("one")).approved).toBe(false);
  });

  test("what was in force before needs nobody's word", () => {
    const given = subject("given");
    expect(judgeHistory(given, [], { policy: POLICY, given }).approved).toBe(true);
  });

  test("nothing is said of what has no history", () => {
    expect(judge([]).approved).toBe(false);
  });
});

describe("rules", () => {
  const rule = (change: Partial<ApprovalRule>): ApprovalRule => ({
    when: {},
    count: 1,
    people: [],
    teams: [],
    ...change,
  });

  test.each<readonly [string, ApprovalRule["when"], boolean]>([
    ["nothing", {}, true],
    ["its type", { missionTypes: ["coding", "research"] }, true],
    ["another type", { missionTypes: ["coding"] }, false],
    ["a cost below", { costOverUsd: 4 }, true],
    ["its cost", { costOverUsd: 5 }, false],
    ["its label", { labels: { team: "platform" } }, true],
    ["one label of two", { labels: { team: "platform", tier: "1" } }, false],
    ["its isolation", { isolation: ["pidns"] }, true],
    ["another isolation", { isolation: ["group"] }, false],
    ["secrets", { secrets: true }, true],
    ["no secrets", { secrets: false }, false],
    ["its file", { paths: ["missions/*.yaml"] }, true],
    ["a folder above", { paths: ["overlays/"] }, true],
    ["any depth", { paths: ["**/audit.yaml"] }, true],
    ["no other depth", { paths: ["*.yaml"] }, false],
    ["a dot that is one", { paths: ["missions/auditXyaml"] }, false],
    ["two that fit and one that does not", { secrets: true, costOverUsd: 1, isolation: ["group"] }, false],
  ])("a rule about %s", (_, when, fits) => {
    const needs = requirementsFor({ ...POLICY, rules: [rule({ when, count: 3 })] }, subject().facts);
    expect(needs.map(({ count }) => count)).toEqual([fits ? 3 : 1]);
  });

  test("a cost that nothing limits is more than any", () => {
    const facts = { ...subject().facts, costUsd: null };
    const policy = { ...POLICY, rules: [rule({ when: { costOverUsd: 1_000 }, count: 2 })] };
    expect(requirementsFor(policy, facts)).toMatchObject([{ count: 2 }]);
  });

  test("every rule that fits has to be satisfied, each by those whom it names", () => {
    const policy: ApprovalPolicy = {
      ...POLICY,
      rules: [
        rule({ when: { secrets: true }, teams: ["security"] }),
        rule({ when: { costOverUsd: 1 }, count: 2, people: ["Carol"], teams: ["platform"] }),
      ],
    };
    const dave = review("dave", { teams: ["platform", "security"], writes: false });
    const half = judge([step([pull([dave, review("ben")])])], subject(), policy);
    expect(half.approved).toBe(false);
    expect(half.message).toContain(
      "1 approval is missing, from Carol or a member of team platform: ben has approved, but is not entitled to",
    );
    expect(half.message).not.toContain("security");
    expect(judge([step([pull([dave, review("carol")])])], subject(), policy).approved).toBe(true);
  });
});
