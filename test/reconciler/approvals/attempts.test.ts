/** Attempts to start what nobody has approved: each leaves a sentence that says why, and nothing starts. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FactoryError } from "../../../src/core/model/error.ts";
import { Life } from "../../support/fleet.ts";
import { cloneFile, cloneName } from "../../support/fleet-files.ts";
import { type ApprovalWorld, createApprovalWorld, fleet, mission } from "./approval-world.ts";

describe("a mission of a pull request", () => {
  let world: ApprovalWorld;
  beforeEach(async () => {
    world = await createApprovalWorld();
  });
  afterEach(() => world.close());

  const refused = async (message: string, name = "audit") => {
    const { steps, held } = await world.planned();
    expect(
      steps.filter(({ type, mission: of }) => (type === "assign" || type === "start") && of === name),
    ).toEqual([]);
    expect(held).toContainEqual(
      expect.objectContaining({
        subject: `mission/${name}`,
        reason: "ApprovalMissing",
        message: expect.stringContaining(message),
      }),
    );
  };
  const starts = async (name = "audit") => {
    const { steps, held } = await world.planned();
    expect(held.filter(({ subject }) => subject === `mission/${name}`)).toEqual([]);
    expect(steps.flatMap(({ type, mission: of }) => (of === name ? [type] : []))).toEqual([
      "assign",
      "start",
    ]);
  };
  const approved = async (number = 7, files = mission()) => {
    await world.propose(number, files);
    world.review(number, "ben");
  };

  test.each(["merge", "squash", "rebase"] as const)("that ben approved starts, merged by %s", async (how) => {
    await approved();
    await world.merge(7, how);
    await starts();
  });

  test("brought along by a pull request of ours about a closure never starts, whoever approves and under whatever name it was pushed", async () => {
    await world.propose(7, mission());
    const pull = world.forge.pulls.get(7);
    if (pull === undefined) throw new Error("there is none");
    const head = { ...pull.head, branch: "factory/closure/other-1" };
    world.forge.pulls.set(7, { ...pull, author: "factory-bot", head });
    world.forge.made.set(7, ["factory-bot"]);
    world.review(7, "ben");
    world.review(7, "carol");
    await world.merge(7);
    await refused("it comes from factory/closure/other-1, which we push to and others can");
  });

  test("starts when it was made of several commits, and rebased one after the other", async () => {
    await world.propose(7, mission({ maxRuntimeMinutes: 5 }));
    await world.propose(7, mission());
    world.review(7, "ben");
    await world.merge(7, "rebase");
    await starts();
  });

  test("starts where the branch moved on before the merge, without touching it", async () => {
    await approved();
    await world.origin.commit({ "README.md": "# Fleet\n" });
    await world.merge(7);
    await world.origin.commit({ "README.md": "# Our fleet\n" });
    await starts();
  });

  test("starts when its head moved after the approval, without touching it", async () => {
    await approved();
    await world.propose(7, { "README.md": "# Fleet\n" });
    await world.merge(7, "squash");
    await starts();
  });

  test("1: a direct push", async () => {
    const commit = await world.origin.commit(mission());
    await refused(`commit ${commit.slice(0, 12)} brought it without a pull request`);
  });

  test("2: merged by an administrator without approval", async () => {
    await world.propose(7, mission());
    await world.merge(7);
    await refused("at pull request 7 1 approval is missing, from people who may write to the repository");
  });

  test("3: changed after the approval", async () => {
    await approved();
    await world.propose(7, mission({ maxRuntimeMinutes: 600 }));
    await world.merge(7);
    await refused("ben has approved head");
  });

  test("4: approved on a head that was pushed over, and is gone", async () => {
    await approved();
    const base = (await world.origin.head()) ?? "";
    await world.propose(7, mission(), base);
    world.forge.reviewed.set(7, []);
    world.review(7, "ben", { commit: "a".repeat(40) });
    await world.merge(7);
    await refused("in which it cannot be found");
  });

  test("5: pushed over by something else after the approval", async () => {
    const base = (await world.origin.head()) ?? "";
    await approved();
    await world.propose(7, { ...mission({ labels: { team: "other" } }) }, base);
    await world.merge(7);
    await refused("which says something else of it");
  });

  test("6: the base moved, and the merge gives it another clone", async () => {
    await approved();
    await world.origin.commit(cloneFile(cloneName("audit"), { command: ["sh", "-c", "evil"] }));
    await world.merge(7);
    await refused("which says something else of it");
  });

  test("7: approved by the author", async () => {
    await world.propose(7, mission());
    world.review(7, "Ann");
    await world.merge(7);
    await refused("Ann has approved, but is the author");
  });

  test("8: approved by somebody who pushed to it", async () => {
    await approved();
    world.forge.made.set(7, ["ann", "ben"]);
    await world.merge(7);
    await refused("ben has approved, but made commits of it");
  });

  test("9: approved by somebody without rights", async () => {
    await world.propose(7, mission());
    world.review(7, "eve");
    await world.merge(7);
    await refused("eve has approved, but is not entitled to");
  });

  test("10: rights that were taken away after the approval", async () => {
    await approved();
    await world.merge(7);
    await starts();
    world.forge.rights.set("ben", "read");
    await refused("ben has approved, but is not entitled to");
  });

  test("11: a comment that says approve", async () => {
    await world.propose(7, mission());
    world.review(7, "ben", { state: "commented" });
    await world.merge(7);
    await refused("1 approval is missing");
  });

  test("12: an approval that was dismissed", async () => {
    await world.propose(7, mission());
    world.review(7, "ben", { state: "dismissed" });
    await world.merge(7);
    await refused("ben had approved, and that was dismissed");
  });

  test("13: changes that somebody asked for", async () => {
    await approved();
    world.review(7, "carol", { state: "changes_requested" });
    await world.merge(7);
    await refused("carol asked for changes at pull request 7");
  });

  test("14: a pull request from a copy of the repository", async () => {
    await approved();
    const made = world.forge.pulls.get(7);
    if (made !== undefined) world.forge.pulls.set(7, { ...made, fork: true });
    await world.merge(7);
    await refused("it comes from a copy of the repository");
  });

  test("15: squashed into something else than was approved", async () => {
    await approved();
    await world.merge(7, "squash", mission({ maxRuntimeMinutes: 600 }));
    await refused("which says something else of it");
  });

  test("16: a mission that came into the same pull request after the approval", async () => {
    await approved();
    await world.propose(7, mission({}, "other"));
    await world.merge(7);
    await starts();
    await refused("in which it cannot be found", "other");
  });

  test("17: pushed, and carried along by the approval of something else", async () => {
    await world.origin.commit(mission());
    await world.propose(8, { "README.md": "# Fleet\n" });
    world.review(8, "ben");
    await world.merge(8);
    await refused("brought it without a pull request");
  });

  test("18: pushed, and changed by an approved pull request after that", async () => {
    await world.origin.commit(mission());
    await approved(8, cloneFile(cloneName("audit"), { command: ["sleep", "601"] }));
    await world.merge(8);
    await refused("brought it without a pull request");
  });

  test("19: its clone, pushed after the approval", async () => {
    await approved();
    await world.merge(7);
    await world.origin.commit(cloneFile(cloneName("audit"), { command: ["sh", "-c", "evil"] }));
    await refused("brought it without a pull request");
  });

  test("20: what agents see of the machine, pushed after the approval", async () => {
    await approved();
    await world.merge(7);
    const text = String((await world.origin.files()).get("fleet.yaml"));
    await world.origin.commit({ "fleet.yaml": text.replace("allow_group: false", "allow_group: true") });
    await refused("brought it without a pull request");
  });

  test("21: looser limits, pushed after the approval; tighter ones wait for nobody", async () => {
    await approved();
    await world.merge(7);
    await world.origin.commit(mission({ maxRuntimeMinutes: 1 }));
    await starts();
    await world.origin.commit(mission({ maxRuntimeMinutes: 500 }));
    await refused("brought it without a pull request");
  });

  test("22: the mission of a pull request that is still open, pushed past it", async () => {
    await approved();
    await world.origin.commit(mission());
    world.forge.merged.set((await world.origin.head()) ?? "", [7]);
    await refused("brought it without a pull request");
  });

  test("23: a forge that does not answer is not taken for an approval", async () => {
    await approved();
    await world.merge(7);
    world.forge.fail(new FactoryError("forge/unreachable", "retry", "no answer from the forge"));
    const { steps, held } = await world.planned();
    expect(steps.some(({ type }) => type === "assign")).toBe(false);
    expect(held).toContainEqual(
      expect.objectContaining({
        subject: "mission/audit",
        reason: "ApprovalUnknown",
        message: expect.stringContaining("no answer from the forge"),
      }),
    );
  });

  test("a second approval, as a rule asks for, lets it start after the merge", async () => {
    await world.close();
    world = await createApprovalWorld(
      fleet({
        mode: "forge",
        rules: [{ when: { mission_type: ["custom", "research", "coding", "automation"] }, count: 2 }],
      }),
    );
    await approved();
    await world.merge(7);
    await refused("1 approval is missing");
    world.review(7, "carol");
    await starts();
  });

  test("a membership that was revoked counts for nothing", async () => {
    await world.close();
    world = await createApprovalWorld(fleet({ mode: "forge", default: { teams: ["platform"] } }));
    world.forge.teams.set("platform", ["ben"]);
    await approved();
    await world.merge(7);
    await starts();
    world.forge.teams.set("platform", []);
    await refused(
      "1 approval is missing, from a member of team platform: ben has approved, but is not entitled to",
    );
  });
});

describe("the rules themselves", () => {
  let world: ApprovalWorld;
  beforeEach(async () => {
    world = await createApprovalWorld(fleet({ mode: "forge", default: { count: 2 } }));
  });
  afterEach(() => world.close());

  const waits = async (message: string) => {
    const { held } = await world.planned();
    expect(held).toContainEqual(
      expect.objectContaining({
        subject: "fleet",
        reason: "ApprovalMissing",
        message: expect.stringContaining(message),
      }),
    );
    expect(world.fleet().approvals?.policy.otherwise.count).toBe(2);
  };

  test("24: loosened in the pull request that they should judge", async () => {
    await world.propose(7, { ...fleet({ mode: "none" }), ...mission() });
    world.review(7, "ben");
    await world.merge(7);
    await waits("1 approval is missing");
    const { steps, held } = await world.planned();
    expect(steps.some(({ type }) => type === "assign")).toBe(false);
    expect(held).toContainEqual(
      expect.objectContaining({ subject: "mission/audit", reason: "ApprovalMissing" }),
    );
    world.review(7, "carol");
    await world.planned();
    expect(world.fleet().approvals).toMatchObject({
      policy: { mode: "none" },
      because: expect.stringContaining("approved by ben and carol at pull request 7"),
    });
  });

  test("25: loosened by a push, and then a mission is pushed", async () => {
    await world.origin.commit(fleet({ mode: "none" }));
    await waits("brought it without a pull request");
    await world.origin.commit(mission());
    const { steps } = await world.planned();
    expect(steps.some(({ type }) => type === "assign")).toBe(false);
  });

  test("26: another forge, pushed, is not asked", async () => {
    const text = String((await world.origin.files()).get("fleet.yaml"));
    await world.origin.commit({ "fleet.yaml": text.replace("acme/fleet", "eve/fleet") });
    await waits("brought it without a pull request");
    expect(world.fleet().approvals?.forge).toMatchObject({ owner: "acme" });
  });

  test("27: no forge any more, pushed", async () => {
    const text = String((await world.origin.files()).get("fleet.yaml"));
    await world.origin.commit({
      "fleet.yaml": text
        .replace(/ {2}forge:[\s\S]*?(?=\n {2}approvals:)/, "")
        .replace("mode: forge", "mode: none"),
    });
    await waits("brought it without a pull request");
  });
});

describe("limits of a mission that lives", () => {
  test("28: looser ones wait, with what would satisfy them, while tighter ones beside them are in force at once", async () => {
    const world = await createApprovalWorld();
    try {
      await world.propose(7, mission({ maxRuntimeMinutes: 60, maxLlmCalls: 100 }));
      world.review(7, "ben");
      await world.merge(7);
      const wanted = await world.desired();
      const [spec, declared] = [wanted.clones.get(cloneName("audit")), wanted.missions.get("audit")];
      if (spec === undefined || declared === undefined) throw new Error("the fleet has no audit");
      const lane = new Life(cloneName("audit"))
        .on({ type: "clone.declared", spec })
        .on({ type: "mission.assigned", mission: declared })
        .planned()
        .prepared();
      await world.origin.commit(mission({ maxRuntimeMinutes: 600, maxLlmCalls: 50 }));
      const { limit, held } = await world.planned([lane.state]);
      expect(limit.map(({ event }) => event)).toMatchObject([
        {
          type: "mission.limits_changed",
          limits: { budget: { max_runtime_minutes: 60, max_llm_calls: 50 } },
        },
      ]);
      expect(held).toContainEqual(
        expect.objectContaining({
          subject: "mission/audit",
          step: "limit",
          reason: "ApprovalMissing",
          message: expect.stringContaining("its budget would be looser: commit"),
        }),
      );
      // A pause by anybody who can push.
      await world.origin.commit(mission({ maxRuntimeMinutes: 60, maxLlmCalls: 100, state: "paused" }));
      const paused = await world.planned([lane.state]);
      expect(paused.limit.map(({ event }) => event)).toMatchObject([
        { type: "mission.limits_changed", limits: { state: "paused" } },
      ]);
      expect(paused.held.filter(({ subject }) => subject === "mission/audit")).toEqual([]);
    } finally {
      await world.close();
    }
  });
});
