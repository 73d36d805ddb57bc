/** What becomes of each lane when its record is made anew, in words; and what it is made of. */

import { describe, expect, test } from "vitest";
import type { ActionRow } from "../../../src/core/model/action.ts";
import { operator, SUPERVISOR } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { Heartbeat } from "../../../src/core/model/instance.ts";
import { upgradeHeartbeat, upgradeState } from "../../../src/core/model/upgrade-state.ts";
import { anchorText } from "../../../src/core/record/anchor.ts";
import { actionTexts } from "../../../src/core/record/published-actions.ts";
import {
  EPOCH_MARGIN,
  type FoundInstance,
  planRebuild,
  type RebuildRequest,
} from "../../../src/core/record/rebuild.ts";
import { aMission, Life, T0 } from "../../support/fleet.ts";
import { recordFilesOf } from "../../support/published.ts";

const NOW = T0 + 3_600_000;
const COMMIT = "c".repeat(40);
const { missionId } = aMission("audit", "scribe");
const ANCHOR = { installation: "i", repository: "r", seq: 42, hash: "a".repeat(64), first: "b".repeat(64) };

function body(
  epoch: number,
  change: Partial<FoundInstance> & { readonly clone?: string } = {},
): FoundInstance {
  const { clone = "scribe", ...rest } = change;
  return {
    state: "live",
    missionId: null,
    remembered: [],
    orphan: false,
    ...rest,
    handle: { driver: "fake", clone, epoch, nonce: `nonce-${epoch}`, containment: "group", data: {} },
  };
}

function rebuilt(
  states: readonly CloneState[],
  instances: readonly FoundInstance[] = [],
  change: Omit<Partial<RebuildRequest>, "files"> & { readonly files?: Partial<RebuildRequest["files"]> } = {},
) {
  return planRebuild({
    instances,
    workspaces: new Set(["scribe"]),
    keyKept: true,
    commit: COMMIT,
    now: NOW,
    ...change,
    files: { ...recordFilesOf(states), journal: anchorText(ANCHOR), ...change.files },
  });
}
const lane = (...args: Parameters<typeof rebuilt>) => {
  const [first, ...others] = rebuilt(...args).lanes;
  if (first === undefined || others.length > 0) throw new Error("there is not one lane");
  return first;
};

const assigned = () => new Life().declared().assigned();
const judging = () => new Life().running().reports("mission.completed").dead();
const closed = () => judging().judged();
const held = () =>
  assigned().on({
    type: "hold.placed",
    by: operator("ann"),
    hold: {
      kind: "operator",
      owner: "operator:ann",
      since: T0,
      reason: "PausedByHand",
      message: "",
      clearBy: "operator",
    },
  });

describe("the fate of a lane", () => {
  const GOES_ON = (epoch: number) => `audit run 1 goes on: epoch ${epoch} lives and is adopted`;
  const AGAIN = "audit run 1 is started again at a higher epoch, once nothing of the last one lives";
  test.each<[string, Life, readonly FoundInstance[], string]>([
    ["that has nothing to do", new Life().declared(), [], "idle"],
    ["that has closed its mission", closed(), [], "idle; audit run 1 is closed and stays so"],
    [
      "of which something lives all the same",
      new Life().declared(),
      [body(1)],
      "epoch 1 is ended: no mission on record owns it",
    ],
    ["of which something dead is left", new Life().declared(), [body(1, { state: "dead" })], "idle"],
    ["that works, and lives", new Life().running(), [body(1)], GOES_ON(1)],
    ["that works, and is dead", new Life().running(), [body(1, { state: "dead" })], AGAIN],
    ["that works, and is nowhere", new Life().running(), [], AGAIN],
    ["that works, and something older lives", new Life().running(), [body(0)], AGAIN],
    ["that waited, and nothing lives", assigned(), [], "audit run 1 is started again"],
    ["that was held, and nothing lives", held(), [], "audit run 1 waits: PausedByHand"],
    ["that was begun since", assigned(), [body(1)], GOES_ON(1)],
    ["that was begun since for this mission", assigned(), [body(1, { missionId })], GOES_ON(1)],
    ["that was begun since for another", assigned(), [body(1, { missionId: "m_x" })], AGAIN],
    ["that was begun since and died", assigned(), [body(1, { state: "dead" })], AGAIN],
    ["of an epoch that was none", assigned(), [body(0, { state: "dead" })], "audit run 1 is started again"],
    ["whose mission is judged", judging(), [], "audit run 1 is judged"],
    [
      "whose mission is being ended",
      new Life().running().reports("mission.failed"),
      [],
      "audit run 1 is over (failed) and is closed",
    ],
  ])("%s", (_, life, instances, fate) => expect(lane([life.state], instances).fate).toBe(fate));

  test("whose outputs are lost cannot be judged", () => {
    expect(lane([judging().state], [], { workspaces: new Set() })).toMatchObject({
      fate: "audit run 1 is closed as unknown: its outputs are lost",
      event: { workspace: false },
    });
  });

  test("whose key is lost cannot be heard, and so is not adopted", () => {
    const seen = lane([new Life().running().state], [body(1)], { keyKept: false });
    expect(seen.fate).toBe(AGAIN);
    expect(seen.event.body).toMatchObject({ epoch: 1, adopt: false });
  });
});

describe("the body of a lane", () => {
  const { state } = new Life().running();
  const seen = (...instances: readonly FoundInstance[]) => lane([state], instances).event;

  test("is the newest that may live, and goes on only as the newest of all", () => {
    expect(seen().body).toBeNull();
    expect(seen(body(1), body(3), body(2)).body).toEqual({
      epoch: 3,
      nonce: "nonce-3",
      missionId: null,
      adopt: true,
    });
    expect(seen(body(2), body(3, { state: "dead" })).body).toMatchObject({ epoch: 2, adopt: false });
    expect(seen(body(2, { state: "dead" }), body(3, { state: "dead" })).body).toMatchObject({
      epoch: 3,
      adopt: false,
    });
    expect(seen(body(3, { state: "unknown" as FoundInstance["state"] })).body).toMatchObject({
      epoch: 3,
      adopt: false,
    });
    expect(rebuilt([state], [body(9, { clone: "other" }), body(1)]).lanes[1]?.event.body).toMatchObject({
      epoch: 1,
      adopt: true,
    });
  });

  test("tells which epochs were used up; where nothing tells, a margin is left", () => {
    expect(seen(body(5)).epoch).toBe(5);
    expect(seen(body(5, { orphan: true })).epoch).toBe(5 + EPOCH_MARGIN);
    expect(seen(body(5, { orphan: true }), body(2)).epoch).toBe(5);
    expect(seen().epoch).toBe(1 + EPOCH_MARGIN);
    expect(lane([new Life().declared().state]).event.epoch).toBe(0);
  });

  test("is said as evidence", () => {
    const at = "as the status branch knew it at cccccccccccc";
    expect(seen().evidence).toBe(`${at}; nothing of its instances is left on this machine`);
    expect(seen(body(1)).evidence).toBe(`${at}; epoch 1 lives`);
    expect(seen(body(1, { state: "dead" })).evidence).toBe(`${at}; epoch 1 is not one that can go on`);
  });

  test("may be all that is known of a clone", () => {
    const found = rebuilt([state], [body(2, { clone: "b" }), body(4, { clone: "a" })]);
    expect(found.lanes.map(({ clone, mission, closed }) => [clone, mission, closed])).toEqual([
      ["a", null, 0],
      ["b", null, 0],
      ["scribe", "audit", 0],
    ]);
    expect(found.lanes[0]?.event).toMatchObject({
      asOf: NOW,
      epoch: 4,
      snapshot: { name: "a", phase: "Idle" },
      evidence: "the status branch at cccccccccccc does not know it; epoch 4 lives",
    });
    expect(found.lanes[2]?.event.asOf).toBe(state.recent.at(-1)?.at);
    expect(found.problems).toEqual([]);
  });
});

describe("what a record is made of", () => {
  const { state } = new Life().running();
  const row = (change: Partial<ActionRow>): ActionRow => ({
    missionId,
    clone: "scribe",
    key: "k",
    action: "mail",
    target: "ann",
    arguments: "",
    digest: "sha256:1",
    state: "committed",
    epoch: 1,
    agent: 1,
    reservedAt: T0,
    settledAt: T0,
    result: null,
    evidence: "",
    approval: null,
    duplicates: [],
    duplicatesTotal: 0,
    ...change,
  });
  const ledger = (clone: string, ...rows: readonly ActionRow[]) => ({
    clone,
    text: actionTexts(rows)[0] ?? "",
  });

  test("has the actions of its own living mission", () => {
    const actions = new Map([
      ["1", ledger("scribe", row({ key: "mine" }))],
      ["2", ledger("scribe", row({ key: "of another mission", missionId: "m_x" }))],
      ["3", ledger("other", row({ key: "of another clone" }))],
    ]);
    expect(lane([state], [], { files: { actions } }).event.actions.map(({ key }) => key)).toEqual(["mine"]);
    expect(lane([closed().state], [], { files: { actions } }).event.actions).toEqual([]);
  });

  test("names the journal that it takes the place of", () => {
    expect(rebuilt([state]).anchor).toEqual(ANCHOR);
    expect(lane([state]).event.anchor).toEqual({ seq: 42, hash: ANCHOR.hash });
    const none = rebuilt([state], [], { files: { journal: null } });
    expect(none).toMatchObject({ anchor: null, problems: [], lanes: [{ event: { anchor: null } }] });
  });

  test("says of every file that it cannot be read", () => {
    const broken = rebuilt([state], [], {
      files: {
        fleet: null,
        formerSettings: null,
        journal: "{",
        lanes: new Map([["lanes/1", "{"]]),
        closures: new Map([["closures/1", "{"]]),
        closed: new Map([["closed/1", "{"]]),
        clones: new Map([["record/1", "{"]]),
        actions: new Map([["actions/1", { clone: "scribe", text: "{" }]]),
      },
    });
    expect(broken).toMatchObject({ anchor: null, lanes: [] });
    expect(broken.problems).toHaveLength(6);
    expect(broken.problems[0]).toContain("journal");
    for (const path of ["lanes/1", "closures/1", "closed/1", "record/1", "actions/1"])
      expect(broken.problems.filter((one) => one.includes(path))).toHaveLength(1);
  });

  test("counts what was closed, and keeps it", () => {
    const seen = lane([closed().state]);
    expect(seen.closed).toBe(1);
    expect(seen.event.snapshot.past).toMatchObject([{ missionId, outcome: "accepted" }]);
  });
});

describe("a state of an older version", () => {
  const { state } = new Life().running();
  const old = (change: object): Parameters<typeof upgradeState>[0] => ({ ...state, ...change });

  test("comes out as it went in, where it is of today", () => expect(upgradeState(state)).toEqual(state));

  test("has spent what its living mission has", () => {
    const mission = { ...state.mission, llmCalls: 3, costMicros: 5 };
    expect(upgradeState(old({ spent: undefined, mission })).spent).toEqual({ llmCalls: 3, costMicros: 5 });
    expect(upgradeState(old({ spent: undefined, mission: null })).spent).toEqual({
      llmCalls: 0,
      costMicros: 0,
    });
    expect(upgradeState(old({ spent: { llmCalls: 9, costMicros: 9 } })).spent.llmCalls).toBe(9);
  });

  test("gives its incidents an id, a severity and an end", () => {
    const incidents = [
      { class: "crash", at: 1, message: "" },
      { class: "stuck", at: 2, message: "", id: "stuck.9", severity: "low", startedAt: 1, endedAt: null },
    ];
    const mission = { ...state.mission, incidents, incidentsSeen: undefined };
    expect(upgradeState(old({ mission })).mission).toMatchObject({
      incidentsSeen: 2,
      incidents: [
        { id: "crash.1", severity: "medium", startedAt: 1, endedAt: 1 },
        { id: "stuck.9", severity: "low", startedAt: 1, endedAt: null },
      ],
    });
    expect(upgradeState(old({ mission: { ...mission, incidentsSeen: 7 } })).mission?.incidentsSeen).toBe(7);
  });

  test("asks no question where it knew of none", () => {
    expect(upgradeState(old({ requests: undefined })).requests).toEqual([]);
    const request = { id: "q", requestedBy: SUPERVISOR, acknowledged: null, votes: [] };
    expect(upgradeState(old({ requests: [request] })).requests).toEqual([
      { ...request, approvers: [], barred: [] },
    ]);
  });

  test("says of a heartbeat how far its usage can be trusted", () => {
    const beat = { epoch: 1, usage: { llmCalls: 1, costMicros: 2, activeMs: 3 } } as unknown as Heartbeat;
    expect(upgradeHeartbeat(beat)).toBe(beat);
    const derived = { ...beat, usage: { ...beat.usage, derived: true as const } };
    expect(upgradeHeartbeat(derived).usage).toEqual({ ...beat.usage, trust: "derived" });
  });

  test("says by actors who did what, where it said so by texts", () => {
    const scribe = { type: "instance", clone: "scribe", epoch: null };
    const said = { text: "go", at: 1 };
    const done = closed().state.past[0];
    const { mission } = state;
    const stored = old({
      requests: [
        {
          id: "q",
          requestedBy: "scribe",
          barred: ["scribe", "eve"],
          acknowledged: { by: "operator:ann", at: 1 },
          votes: [{ by: "operator:bob", at: 2 }],
        },
      ],
      mission: {
        ...mission,
        conduct: { ...mission?.conduct, messages: [{ ...said, by: "operator:ann" }] },
        answered: [{ id: "r", by: "supervisor" }],
        approvals: [{ digest: "d", by: "operator:ann, operator:bob" }],
        raises: { max_cost_usd: { from: 1, to: 2, by: "operator:ann" } },
        terminal: { status: "failed", by: "clone" },
      },
      past: [
        {
          ...done,
          terminal: { status: "cancelled", by: "kill-switch" },
          decidedBy: "declared in the clone's file",
          verdict: { criteria: [{ id: "a", review: { by: "operator:ann" } }, { id: "b" }] },
        },
        { ...done, terminal: { status: "cancelled", by: "repository" }, decidedBy: "operator:ann" },
      ],
    });
    const upgraded = upgradeState(stored);
    const [ann, bob] = [operator("ann"), operator("bob")];
    expect(upgraded.requests).toMatchObject([
      {
        requestedBy: scribe,
        barred: [scribe, { type: "person", name: "eve" }],
        acknowledged: { by: ann, at: 1 },
        votes: [{ by: bob, at: 2 }],
      },
    ]);
    expect(upgraded.mission).toMatchObject({
      conduct: { messages: [{ ...said, by: ann }] },
      answered: [{ by: SUPERVISOR }],
      approvals: [{ digest: "d", by: [ann, bob] }],
      raises: { max_cost_usd: { from: 1, to: 2, by: ann } },
      terminal: { status: "failed", by: scribe },
    });
    expect(upgraded.past).toMatchObject([
      {
        terminal: { by: { type: "controller", part: "kill-switch" } },
        decidedBy: { type: "repository", commit: null },
        verdict: { criteria: [{ review: { by: ann } }, { id: "b" }] },
      },
      { terminal: { by: { type: "repository", commit: null } }, decidedBy: ann },
    ]);
    expect(upgradeState(upgraded)).toEqual(upgraded);
  });
});
