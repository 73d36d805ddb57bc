import { describe, expect, test } from "vitest";
import { due } from "../../../../src/core/clone/due.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import type { Heartbeat, Signal } from "../../../../src/core/model/instance.ts";
import { aClone, Life } from "../../../support/fleet.ts";

const watch = { watchingSince: 0, lagMs: 0 };

function busy(update?: "turn_boundary"): Life {
  const life = new Life("scribe").declared(update === undefined ? {} : { update });
  life.assigned().planned().prepared().launched().ready().dispatched().reports("mission.accepted");
  return life.on({ type: "health.changed", epoch: 1, health: "healthy", evidence: "beats" });
}
const redeclare = (life: Life, change: Parameters<typeof aClone>[1]) =>
  life.on({ type: "clone.declared", spec: aClone("scribe", change) });

function beat(life: Life, change: Partial<Heartbeat> = {}): Signal {
  return {
    receivedAt: life.at,
    heartbeat: {
      missionId: null,
      clone: "scribe",
      epoch: 1,
      seq: 9,
      lastEventSeq: 2,
      phase: "running",
      lastEventAgeMs: 6_000,
      lastProgressAgeMs: 6_000,
      openToolCalls: [],
      usage: { llmCalls: null, costMicros: null, activeMs: 1 },
      ...change,
    } as Heartbeat,
  };
}
const turns = (life: Life, signal: Signal | undefined) =>
  due(life.state, signal, life.at, watch).filter(({ type }) => type === "turn.reached");
const inSync = (life: Life) => life.state.conditions.find(({ type }) => type === "InSync");

describe("a changed declaration of a clone that works", () => {
  test("is pinned to its mission unless its file says otherwise, and says so", () => {
    const life = redeclare(busy(), { workspaceDigest: "sha256:new" });
    expect(life.state.drift).toMatchObject({
      class: "turn",
      fields: [{ field: "workspaceDigest", class: "turn" }],
    });
    expect(inSync(life)).toMatchObject({ status: "False", reason: "PinnedByMission" });
    expect(turns(life, beat(life))).toEqual([]);
  });

  test("that is hot has no gap to show", () => {
    const life = redeclare(busy(), { afterClosure: "retire" });
    expect(life.state.drift).toBeNull();
    expect(inSync(life)?.status).toBe("True");
    expect(life.state.appliedDigest).toBe(life.state.spec?.digest);
  });

  test("that comes in two commits adds up, and keeps since when it waits", () => {
    const life = redeclare(busy(), { workspaceDigest: "sha256:new" });
    const since = life.state.drift?.since;
    redeclare(life, { workspaceDigest: "sha256:new", orphanPolicy: { action: "pause", afterMs: 1 } });
    expect(life.state.drift).toMatchObject({ since, class: "restart_resume" });
    expect(life.state.drift?.fields.map(({ field }) => field)).toEqual(["workspaceDigest", "orphanPolicy"]);
  });

  test("is taken up between two turns where the file wants that: it ends in order and comes back", () => {
    const life = redeclare(busy("turn_boundary"), { update: "turn_boundary", workspaceDigest: "sha256:new" });
    expect(inSync(life)?.reason).toBe("WaitingForTurnBoundary");
    const [reached] = turns(life, beat(life));
    if (reached === undefined) throw new Error("no turn");
    life.on(reached);
    expect(life.last?.effects).toMatchObject([{ type: "stop", enter: "cancel" }]);
    life.dead();
    expect(life.state).toMatchObject({ phase: "Idle", failures: [], mission: { restarts: 0 } });
    life.planned().prepared();
    expect(life.state).toMatchObject({ drift: null, epoch: 2, appliedDigest: life.state.spec?.digest });
  });

  test.each<[string, (life: Life) => Signal | undefined]>([
    [
      "a tool call is open",
      (life) => beat(life, { openToolCalls: [{ id: "t", ageMs: 1, deadlineMs: null }] }),
    ],
    ["it did something just now", (life) => beat(life, { lastEventAgeMs: 4_999 })],
    ["nothing was heard lately", (life) => ({ ...beat(life), receivedAt: life.at - 20_001 })],
    ["the heartbeat is of another epoch", (life) => beat(life, { epoch: 2 })],
    ["nothing was heard at all", () => undefined],
    [
      "it is held",
      (life) => {
        life.on({
          type: "hold.placed",
          by: operator("eve"),
          hold: {
            kind: "operator",
            owner: "operator:eve",
            since: 0,
            reason: "x",
            message: "x",
            clearBy: "operator",
          },
        });
        return beat(life);
      },
    ],
    [
      "it is not well",
      (life) => {
        life.on({ type: "health.changed", epoch: 1, health: "suspect", evidence: "late" });
        return beat(life);
      },
    ],
  ])("waits while %s", (_name, make) => {
    const life = redeclare(busy("turn_boundary"), { update: "turn_boundary", workspaceDigest: "sha256:new" });
    const signal = make(life);
    expect(turns(life, signal)).toEqual([]);
  });

  test("a turn that comes when nothing is left to take up changes nothing", () => {
    const life = busy("turn_boundary").on({ type: "turn.reached", epoch: 1, evidence: "quiet" });
    expect(life.last?.ignored).toBeDefined();
    expect(life.effects).toEqual([]);
  });
});
