/** Actions on the world outside: each at most once, and none that needs a person without one. */

import { type Actor, operator, SUPERVISOR } from "../../../src/core/model/actor.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import type { Fact } from "../../simulation/check/fact.ts";
import { T0 } from "../../support/fleet.ts";
import { actionRow } from "../../support/record.ts";
import {
  fail,
  happened,
  ID,
  judged,
  NOTHING,
  RUNNING,
  same,
  situation,
  type Told,
  withMission,
} from "./story.ts";

const claim = (change: Partial<Extract<CloneEvent, { type: "action.claimed" }>> = {}): CloneEvent => ({
  type: "action.claimed",
  epoch: 1,
  agent: 1,
  key: "k1",
  digest: "sha256:1",
  action: "push",
  target: "origin",
  arguments: "{}",
  approval: null,
  ...change,
});
const completed = (outcome: "done" | "failed", key = "k1"): CloneEvent => ({
  type: "action.completed",
  epoch: 1,
  key,
  outcome,
  verified: false,
  result: null,
  evidence: "",
});
const remembered = (state: "reserved" | "committed" | "failed"): CloneEvent => ({
  type: "action.remembered",
  epoch: 1,
  agent: 1,
  key: "k1",
  digest: "sha256:1",
  action: "push",
  target: "origin",
  arguments: "{}",
  before: null,
  state,
  result: null,
  evidence: "",
});
const on = (event: CloneEvent, state: CloneState = RUNNING): Told => happened(event, same(state));
const did = (missionId: string, key: string): Told => ({
  type: "did",
  clone: "scribe",
  epoch: 2,
  missionId,
  key,
});
const letGo = (reason: string, left = false): Told => {
  const held: CloneState = {
    ...RUNNING,
    holds: [{ kind: "freeze", owner: "x", since: 0, reason, message: "", clearBy: "operator" }],
  };
  return happened(
    {
      type: "hold.released",
      kind: left ? "window" : "freeze",
      owner: "*",
      by: operator("ann"),
      reason: "looked",
    },
    [held, left ? held : RUNNING],
  );
};
const homeless = (event: CloneEvent): Told => {
  const told = on(event) as Extract<Fact, { type: "recorded" }>;
  return { ...told, event: { ...told.event, missionId: null } };
};
const restored = {
  type: "clone.restored",
  actions: [actionRow(ID, "k1", { state: "committed", epoch: 4 })],
} as unknown as CloneEvent;

judged("no-action-twice", [
  ["claimed and done", [on(claim()), on(completed("done"))], null],
  [
    "two actions",
    [on(claim()), on(completed("done")), on(claim({ key: "k2" })), on(completed("done", "k2"))],
    null,
  ],
  [
    "failed, and claimed again",
    [on(claim()), on(completed("failed")), on(claim()), on(completed("done"))],
    null,
  ],
  [
    "claimed while it is under way",
    [on(claim()), on(claim({ epoch: 2 }))],
    "push was let go although it is reserved since epoch 1",
  ],
  [
    "claimed after it was done",
    [on(claim()), on(completed("done")), on(claim())],
    "push was let go although it is committed since epoch 1",
  ],
  [
    "claimed while nobody knows",
    [
      on(claim()),
      on({ type: "action.unknown", epoch: 1, key: "k1", action: "push", unverifiable: false, evidence: "" }),
      on(claim()),
    ],
    "push was let go although it is unknown since epoch 1",
  ],
  [
    "claimed after a loss of the record",
    [on(restored), on(claim())],
    "push was let go although it is committed since epoch 4",
  ],
  ["remembered by its shim, and ended", [on(remembered("reserved")), on(completed("done"))], null],
  ["remembered with what came of it", [on(restored), on(remembered("committed"))], null],
  ["remembered as what failed", [on(remembered("failed")), on(claim())], null],
  [
    "remembered as done, and claimed",
    [on(remembered("committed")), on(claim())],
    "push was let go although it is committed since epoch 1",
  ],
  [
    "remembered as under way after it was done",
    [on(claim()), on(completed("done")), on(remembered("reserved"))],
    "push is told to be reserved although it was done before",
  ],
  [
    "done without a claim",
    [on(completed("done"))],
    "action.completed tells of an action that was never claimed",
  ],
  [
    "done twice",
    [on(claim()), on(completed("done")), on(completed("failed"))],
    "k1 is failed although it was done before",
  ],
  ["failed twice", [on(claim()), on(completed("failed")), on(completed("failed"))], null],
  [
    "a duplicate is no second time",
    [
      on(claim()),
      on({ type: "action.duplicate", epoch: 1, key: "k1", action: "push", count: 1, freeze: false }),
    ],
    null,
  ],
  ["of no mission", [homeless(claim())], "action.claimed belongs to no mission"],
  ["something else of no mission", [homeless(NOTHING)], null],
  [
    "a conflict is no action",
    [on({ type: "action.conflict", epoch: 1, key: "k9", action: "push", digest: "a", recorded: "b" })],
    null,
  ],
  ["seen once", [did("m1", "k1"), did("m1", "k2"), did("m2", "k1")], null],
  [
    "seen again after a person has let it go unseen",
    [did(ID, "k1"), letGo("LedgerIncomplete"), did(ID, "k1")],
    null,
  ],
  [
    "seen again although it stood in the ledger that a person let go",
    [on(claim()), did(ID, "k1"), letGo("LedgerIncomplete"), did(ID, "k1")],
    "k1 was done a second time, by epoch 2",
  ],
  [
    "seen again while it still waits for a person",
    [did(ID, "k1"), letGo("LedgerIncomplete", true), did(ID, "k1")],
    "k1 was done a second time, by epoch 2",
  ],
  [
    "seen again after a person has let go of something else",
    [did(ID, "k1"), letGo("UnknownAction"), did(ID, "k1")],
    "k1 was done a second time, by epoch 2",
  ],
  ["seen twice", [did("m1", "k1"), did("m1", "k1")], "k1 was done a second time, by epoch 2"],
]);

const careful = withMission(RUNNING, {
  contract: {
    ...(RUNNING.mission?.contract as NonNullable<CloneState["mission"]>["contract"]),
    constraints: { allowed_tools: [], forbidden_tools: [], approval_required: ["push"] },
  },
});
const decided = (decision: "approved" | "denied", request = "r1", digest = "sha256:1") => ({
  digest,
  decision,
  request,
  by: [operator("ann")],
  at: 0,
});
const knows = (state: CloneState, ...approvals: ReturnType<typeof decided>[]): CloneState =>
  withMission(state, { approvals });

/** A question about the action, open until it is answered. */
function asks(quorum: number, requestedBy: readonly Actor[] = [], approvers: readonly string[] = []): Told[] {
  const open = situation("waits for an approval").requests[0] ?? fail();
  const asked: CloneState = {
    ...careful,
    requests: [{ ...open, id: "r1", kind: "approval", binds: "sha256:1" }],
  };
  const event: CloneEvent = {
    type: "approval.requested",
    epoch: 1,
    digest: "sha256:1",
    action: "push",
    target: "origin",
    arguments: "{}",
    expiresAt: T0 + HOUR_MS,
    approvers,
    quorum,
    requestedBy,
  };
  return [happened(NOTHING, same(careful)), happened(event, [careful, asked])];
}
function agrees(
  name: string,
  change: Partial<Extract<CloneEvent, { type: "request.decided" }>> = {},
  ignored = false,
): Told {
  const event: CloneEvent = {
    type: "request.decided",
    request: "r1",
    decision: { type: "approve" },
    by: operator(name),
    reason: "",
    ...change,
  };
  return happened(event, same(careful), { ignored });
}
const done = on(claim({ approval: "r1" }), careful);

judged("approved-first", [
  ["it needs no approval", [on(claim())], null],
  ["approved", [on(claim({ approval: "r1" }), knows(careful, decided("approved")))], null],
  ["not approved", [on(claim(), careful)], "push was let go although nobody has approved it"],
  [
    "approved by another answer",
    [on(claim({ approval: "r2" }), knows(careful, decided("approved")))],
    "push was let go although nobody has approved it",
  ],
  [
    "another action was approved",
    [on(claim({ approval: "r1" }), knows(careful, decided("approved", "r1", "sha256:2")))],
    "push was let go although nobody has approved it",
  ],
  [
    "denied",
    [on(claim({ approval: "r1" }), knows(careful, decided("denied")))],
    "push was let go although it was denied",
  ],
  [
    "denied though nobody was needed",
    [on(claim(), knows(RUNNING, decided("denied")))],
    "push was let go although it was denied",
  ],
  [
    "denied after it was approved",
    [on(claim({ approval: "r1" }), knows(careful, decided("approved"), decided("denied")))],
    "push was let go although it was denied",
  ],
  [
    "while the lane is held",
    [on(claim(), situation("pause asked for"))],
    "push was let go although the lane is held",
  ],
  ["not an action", [on(NOTHING, situation("pause asked for"))], null],
  ["approved by as many as have to", [...asks(2), agrees("ann"), agrees("bob"), done], null],
  ["one voice of two", [...asks(2), agrees("ann"), done], "push was let go although nobody has approved it"],
  [
    "the same voice twice",
    [...asks(2), agrees("ann"), agrees("ann"), done],
    "push was let go although nobody has approved it",
  ],
  [
    "by the one who asked for it",
    [...asks(1, [operator("ann")]), agrees("ann"), done],
    "push was let go although nobody has approved it",
  ],
  [
    "by somebody who may not",
    [...asks(1, [], ["eve"]), agrees("ann"), done],
    "push was let go although nobody has approved it",
  ],
  ["by one of those who may", [...asks(1, [], ["eve", "ann"]), agrees("ann"), done], null],
  [
    "by the controller itself",
    [...asks(1), agrees("ann", { by: SUPERVISOR }), done],
    "push was let go although nobody has approved it",
  ],
  [
    "twice for one approval",
    [...asks(1), agrees("ann"), done, done],
    "push was let go although its approval was used before",
  ],
  [
    "denied by one of two",
    [...asks(2), agrees("ann"), agrees("bob", { decision: { type: "deny" } }), done],
    "push was let go although it was denied",
  ],
  [
    "after its time was over",
    [
      ...asks(1),
      happened({ type: "request.reminded", request: "r1" }, same(careful), { atMs: HOUR_MS }),
      done,
    ],
    "push was let go although it was denied",
  ],
  [
    "reminded before its time was over",
    [
      ...asks(1),
      happened({ type: "request.reminded", request: "r1" }, same(careful), { atMs: HOUR_MS - 1 }),
      agrees("ann"),
      done,
    ],
    null,
  ],
  [
    "an answer that was not taken",
    [...asks(1), agrees("ann", {}, true), done],
    "push was let go although nobody has approved it",
  ],
]);
