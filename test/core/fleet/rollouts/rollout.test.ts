import { describe, expect, test } from "vitest";
import { stepRollouts } from "../../../../src/core/fleet/rollouts/rollout.ts";
import type { DesiredClone } from "../../../../src/core/model/clone.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../../../src/core/model/desired.ts";
import { changeClass, changedFields } from "../../../../src/core/model/drift.ts";
import type { Rollout } from "../../../../src/core/model/rollout.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { aClone, aDesired, anObserved, aVerdict, Life, planOf, T0 } from "../../../support/fleet.ts";

const OLD = "sha256:workspace";
const NEW = "sha256:new";

/** A group of clones, the repository they follow, and the rollouts as they are remembered. */
class Fleet {
  readonly lives = new Map<string, Life>();
  rollouts: ReadonlyMap<string, Rollout> = new Map();
  wanted = new Map<string, string>();
  policy: FleetPolicy["rollout"] = { ...DEFAULT_FLEET_POLICY.rollout };
  now = T0;
  extra: Partial<DesiredClone> = {};

  constructor(...names: string[]) {
    for (const name of names) {
      this.lives.set(name, new Life(name).declared());
      this.wanted.set(name, OLD);
    }
    this.step();
  }

  want(digest: string): this {
    for (const name of this.wanted.keys()) this.wanted.set(name, digest);
    return this;
  }

  /** One pass: the rollouts are stepped, and what the plan declares is declared. */
  step(afterMs = 1_000): this {
    this.now = Math.max(this.now, ...[...this.lives.values()].map(({ at }) => at)) + afterMs;
    const desired = aDesired({
      clones: [...this.wanted].map(([name, workspaceDigest]) =>
        aClone(name, {
          workspaceDigest,
          revision: workspaceDigest,
          ...(workspaceDigest === OLD ? {} : this.extra),
        }),
      ),
      fleet: { ...DEFAULT_FLEET_POLICY, rollout: this.policy },
    });
    const states = new Map([...this.lives].map(([name, life]) => [name, life.state]));
    const made = stepRollouts(this.rollouts, desired, states, this.now);
    expect(stepRollouts(made.rollouts, desired, states, this.now).rollouts).toEqual(made.rollouts);
    const planned = planOf(desired, anObserved([...states.values()], { rollouts: this.rollouts }), this.now);
    expect(planned.rollouts).toEqual(made);
    this.rollouts = made.rollouts;
    this.held = planned.held.map(({ subject, reason }) => `${subject} ${reason}`);
    for (const { clone, event } of planned.steps) {
      if (event.type !== "clone.declared") continue;
      const life = this.lives.get(clone) ?? new Life(clone);
      this.lives.set(clone, life);
      life.at = this.now;
      life.on(event, 0);
    }
    return this;
  }
  held: string[] = [];

  life(name: string): Life {
    const life = this.lives.get(name);
    if (life === undefined) throw new Error(name);
    return life;
  }
  work(name: string): Life {
    return this.life(name).assigned({}, `m-${name}`);
  }
  /** Takes a clone that has work to a running instance. */
  runs(name: string): Life {
    const life = this.life(name)
      .planned()
      .prepared()
      .launched()
      .ready()
      .dispatched()
      .reports("mission.accepted");
    return life.on({ type: "health.changed", epoch: life.state.epoch, health: "healthy", evidence: "beats" });
  }
  closes(name: string, ok: boolean): Life {
    const life = this.life(name).reports("mission.completed").dead();
    return life.on({
      type: "judge.finished",
      missionId: life.state.mission?.missionId ?? "",
      verdict: aVerdict(ok),
    });
  }
  get rollout(): Rollout {
    const [only] = this.rollouts.values();
    if (only === undefined) throw new Error("no group");
    return only;
  }
  has(name: string): string | undefined {
    return this.life(name).state.spec?.workspaceDigest;
  }
  get turns(): string[] {
    return this.rollout.turns.map(({ type }) => type);
  }
}

describe("a changed overlay", () => {
  test("waits for a clone that has work, goes to that one first, and to all once it was healthy", () => {
    const fleet = new Fleet("a", "b", "c").want(NEW).step();
    expect(fleet.turns).toEqual(["begun"]);
    expect(fleet.held).toEqual(["a", "b", "c"].map((name) => `clone/${name} RolloutInProgress`));
    fleet.work("b");
    fleet.step();
    expect([fleet.has("a"), fleet.has("b"), fleet.has("c")]).toEqual([OLD, NEW, OLD]);
    fleet.runs("b");
    fleet.step(9 * MINUTE_MS);
    expect(fleet.rollout.candidate).not.toBeNull();
    fleet.step(10 * MINUTE_MS);
    expect(fleet.turns).toEqual(["begun", "canary", "stable"]);
    expect([fleet.has("a"), fleet.has("c")]).toEqual([NEW, NEW]);
    expect(fleet.rollout).toMatchObject({ stable: NEW, candidate: null, refused: null });
  });

  test("is stable as well when its canary's mission was accepted", () => {
    const fleet = new Fleet("a", "b").want(NEW);
    fleet.work("a");
    fleet.step();
    fleet.runs("a");
    fleet.closes("a", true);
    fleet.step();
    expect(fleet.rollout.stable).toBe(NEW);
    expect(fleet.has("b")).toBe(NEW);
  });

  test.each<[string, (fleet: Fleet) => void]>([
    [
      "its mission was rejected",
      (fleet) => {
        fleet.runs("a");
        fleet.closes("a", false);
      },
    ],
    [
      "it failed twice",
      (fleet) => {
        const life = fleet.life("a").planned().prepared();
        for (const _ of [1, 2]) {
          life
            .on({
              type: "instance.launch_failed",
              epoch: life.state.epoch,
              code: "x",
              message: "no such file",
              permanent: false,
            })
            .dead();
          life
            .on({ type: "deadline.passed", deadline: "backoff", epoch: life.state.epoch, evidence: "" })
            .prepared();
        }
      },
    ],
    [
      "it was quarantined",
      (fleet) => {
        const life = fleet.life("a").planned().prepared();
        life
          .on({ type: "instance.launch_failed", epoch: 1, code: "x", message: "refused", permanent: true })
          .dead();
      },
    ],
    [
      "it was not healthy in time",
      (fleet) => {
        fleet.life("a").planned().prepared().launched();
        fleet.step(2 * HOUR_MS);
      },
    ],
  ])("is refused when of its canary %s, which goes back to what was stable", (_name, fails) => {
    const fleet = new Fleet("a", "b").want(NEW);
    fleet.work("a");
    fleet.step();
    expect(fleet.has("a")).toBe(NEW);
    fails(fleet);
    fleet.step();
    expect(fleet.rollout.refused).toMatchObject({ digest: NEW });
    expect([fleet.has("a"), fleet.has("b")]).toEqual([OLD, OLD]);
    fleet.step(HOUR_MS);
    expect(fleet.held).toContain("clone/b PinnedByRollback");
    expect([fleet.has("a"), fleet.has("b")]).toEqual([OLD, OLD]);
    fleet.want(OLD).step();
    expect(fleet.rollout).toMatchObject({ stable: OLD, candidate: null, refused: null });
    expect(fleet.held).toEqual([]);
  });

  test("that is refused stays where it is where no way back is wanted, and reaches nobody else", () => {
    const fleet = new Fleet("a", "b");
    fleet.policy = { ...fleet.policy, autoRevert: false };
    fleet.want(NEW);
    fleet.work("a");
    fleet.step();
    fleet.runs("a");
    fleet.closes("a", false);
    fleet.step().step();
    expect([fleet.has("a"), fleet.has("b")]).toEqual([NEW, OLD]);
  });

  test("a mended one is a candidate of its own, and its way back leads to the stable one", () => {
    const fleet = new Fleet("a", "b").want(NEW);
    fleet.work("a");
    fleet.step();
    fleet.runs("a");
    fleet.closes("a", false);
    fleet.step();
    fleet.want("sha256:mended").step();
    expect(fleet.turns.slice(-2)).toEqual(["withdrawn", "begun"]);
    fleet.work("b");
    fleet.step();
    expect(fleet.rollout.candidate?.canaries["b"]?.workspaceDigest).toBe(OLD);
    expect([fleet.has("a"), fleet.has("b")]).toEqual([OLD, "sha256:mended"]);
  });

  test("taken back before it was tried leaves everything as it was", () => {
    const fleet = new Fleet("a", "b").want(NEW).step().want(OLD).step();
    expect(fleet.turns).toEqual(["begun", "superseded"]);
    expect(fleet.rollout.candidate).toBeNull();
  });

  test("a canary that lost its mission leaves its place to another", () => {
    const fleet = new Fleet("a", "b").want(NEW);
    fleet.work("a");
    fleet.step();
    fleet.life("a").on({ type: "mission.withdrawn", revision: "r", reason: "gone" });
    fleet.work("b");
    fleet.step();
    expect(Object.keys(fleet.rollout.candidate?.canaries ?? {})).toEqual(["a", "b"]);
    expect(fleet.has("b")).toBe(NEW);
  });

  test("without canaries reaches all at once; a new clone has nothing to wait with", () => {
    const fleet = new Fleet("a", "b");
    fleet.policy = { ...fleet.policy, canary: 0 };
    fleet.want(NEW).step();
    expect([fleet.has("a"), fleet.has("b")]).toEqual([NEW, NEW]);
    const other = new Fleet("a").want(NEW);
    other.wanted.set("z", NEW);
    other.step();
    expect([other.has("a"), other.has("z")]).toEqual([OLD, NEW]);
  });

  test("tighter safety waits for nobody", () => {
    const fleet = new Fleet("a", "b");
    fleet.extra = { approvalRequired: ["external_messaging"] };
    fleet.want(NEW).step();
    const spec = fleet.life("a").state.spec;
    expect(spec).toMatchObject({ workspaceDigest: OLD, approvalRequired: ["external_messaging"] });
    expect(fleet.life("a").state.generation).toBe(1);
  });
});

describe("what changed", () => {
  const before = aClone("a", { baseline: { name: "ua", version: "1.2.3" } });
  test.each<[string, Partial<DesiredClone>, string | null]>([
    ["nothing", { revision: "b".repeat(40), provenance: { x: "y" } }, null],
    ["what becomes of it", { afterClosure: "retire" }, "hot"],
    ["approvals", { approvalRequired: ["x"] }, "hot"],
    ["prompts and skills", { workspaceDigest: NEW }, "turn"],
    ["environment", { agent: { ...before.agent, env: { A: "1" } } }, "restart_resume"],
    ["a patch of the baseline", { baseline: { name: "ua", version: "1.2.4" } }, "restart_resume"],
    ["its major version", { baseline: { name: "ua", version: "2.0.0" } }, "replace"],
    ["another skeleton", { baseline: { name: "other", version: "1.2.3" } }, "replace"],
    ["containment", { runtime: { ...before.runtime, isolation: "cgroup" } }, "replace"],
    ["who it is", { name: "b" }, "forbidden"],
    ["what nobody has heard of", { hat: "red" } as Partial<DesiredClone>, "restart_resume"],
    ["several at once", { afterClosure: "retire", workspaceDigest: NEW }, "turn"],
  ])("%s", (_name, change, expected) => {
    expect(changeClass(changedFields(before, { ...before, ...change }))).toBe(expected);
  });
});
