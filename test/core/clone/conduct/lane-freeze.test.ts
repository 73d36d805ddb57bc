/** Which action an answer is about, and what a hold that is lifted by hand answers. */

import { describe, expect, test } from "vitest";
import { decidedAction, releasedByHand } from "../../../../src/core/clone/conduct/lane-freeze.ts";
import { phiOf } from "../../../../src/core/clone/health/suspicion.ts";
import { hasExpired, isOver, isStretched } from "../../../../src/core/clone/limits.ts";
import { type NewRequest, withRequest } from "../../../../src/core/clone/questions/requests.ts";
import { type Actor, operator } from "../../../../src/core/model/actor.ts";
import {
  ANSWERED_MAX,
  APPROVALS_MAX,
  type CloneState,
  RELEASES_MAX,
} from "../../../../src/core/model/clone-state.ts";
import type { Hold } from "../../../../src/core/model/hold.ts";
import type { DecisionType, Request } from "../../../../src/core/model/request.ts";
import { Life, T0 } from "../../../support/fleet.ts";

const HOUR = 3_600_000;
const hold = (kind: Hold["kind"], owner: string): Hold => ({
  kind,
  owner,
  since: T0,
  reason: "X",
  message: "x",
  clearBy: "decision",
});
const ask = (kind: Request["kind"], binds: string | null, held: Hold | null = null): NewRequest => ({
  kind,
  binds,
  severity: "high",
  summary: "?",
  evidence: [],
  answers: ["go_on", "stop"],
  hold: held === null ? null : { kind: held.kind, owner: held.owner },
});
/** With these questions, and an incident for each frozen action. */
function frozen(...asked: readonly NewRequest[]): CloneState {
  const { state } = new Life().running();
  const incidents = (["duplicate_action", "crash"] as const).map((of) => ({
    id: of,
    class: of,
    severity: "high" as const,
    at: T0,
    startedAt: T0,
    endedAt: null,
    message: "",
  }));
  const mission = state.mission === null ? null : { ...state.mission, incidents };
  return asked.reduce<CloneState>((before, one) => withRequest(before, one, T0), { ...state, mission });
}
const open = (state: CloneState, n = 0) => state.requests[n] as Request;
const decide = (state: CloneState, decision: DecisionType, n = 0, by: Actor = operator("ann")) =>
  decidedAction(state, { open: open(state, n), decision, by, at: T0 + 9 });
const ended = (state: CloneState) =>
  state.mission?.incidents.filter(({ endedAt }) => endedAt !== null).map(({ class: of }) => of);

describe("an answer", () => {
  test("about no action changes nothing", () => {
    const state = frozen(ask("approval", null), ask("lane", null));
    expect(decide(state, "approve")).toBe(state);
    expect(decide(state, "go_on", 1)).toBe(state);
  });

  test.each<[Request["kind"], DecisionType, object]>([
    [
      "approval",
      "approve",
      {
        approvals: [{ digest: "a", decision: "approved", request: "audit.approval.1", by: [], at: T0 + 9 }],
        released: {},
      },
    ],
    [
      "approval",
      "deny",
      { approvals: [{ digest: "a", decision: "denied", by: [operator("ann")] }], released: {} },
    ],
    ["approval", "go_on", { approvals: [], released: {} }],
    ["lane", "go_on", { approvals: [], released: { a: T0 + 9 } }],
    ["lane", "stop", { approvals: [], released: {} }],
    ["lane", "deny", { approvals: [], released: {} }],
    ["budget", "go_on", { approvals: [], released: {} }],
    ["budget", "deny", { approvals: [], released: {} }],
  ])("to a question of kind %s that is %s", (kind, decision, wanted) => {
    expect(decide(frozen(ask(kind, "a")), decision).mission).toMatchObject(wanted);
  });

  test("that approves is in the name of everybody who agreed", () => {
    const state = frozen(ask("approval", "a"));
    const votes = [operator("ann"), operator("bob")].map((by) => ({ by, at: T0 }));
    const [approval] =
      decidedAction(state, {
        open: { ...open(state), votes },
        decision: "approve",
        by: operator("bob"),
        at: T0,
      }).mission?.approvals ?? [];
    expect(approval?.by).toEqual([operator("ann"), operator("bob")]);
  });

  test("is remembered, the newest ones only", () => {
    let state = frozen(ask("approval", "a"));
    for (let n = 0; n <= APPROVALS_MAX; n++) state = decide(state, "approve", 0, operator("ann"));
    expect(state.mission?.approvals).toHaveLength(APPROVALS_MAX);
    const keys = Array.from({ length: RELEASES_MAX + 1 }, (_, n) => `k${n}`);
    let lane = frozen(ask("lane", "a"));
    keys.forEach((binds, n) => {
      lane = decidedAction(lane, {
        open: { ...open(lane), binds },
        decision: "go_on",
        by: operator("x"),
        at: T0 + (n === 0 ? 10_000 : n),
      });
    });
    const kept = Object.keys(lane.mission?.released ?? {});
    expect(kept).toHaveLength(RELEASES_MAX);
    expect(kept).toContain("k0"); // It was let go last.
    expect(kept).not.toContain("k1");
  });

  test("ends the incidents of actions, unless another one holds the lane", () => {
    expect(ended(decide(frozen(ask("lane", "a")), "go_on"))).toEqual(["duplicate_action"]);
    expect(ended(decide(frozen(ask("lane", "a"), ask("lane", "b")), "go_on"))).toEqual([]);
    expect(ended(decide(frozen(ask("lane", "a"), ask("budget", "b")), "go_on"))).toEqual([
      "duplicate_action",
    ]);
    const bare = { ...frozen(ask("lane", "a")), mission: null };
    expect(decide(bare, "go_on")).toBe(bare);
  });
});

describe("a hold that is lifted by hand", () => {
  const [a, b] = [hold("freeze", "action:a"), hold("freeze", "action:b")];
  const event = { by: operator("ann"), reason: "looked at it" };
  const lift = (state: CloneState, ...lifted: readonly Hold[]) =>
    releasedByHand(state, { event, lifted }, T0 + 9);
  const kinds = (state: CloneState) => state.requests.map(({ kind, binds }) => `${kind} ${binds}`);

  test("answers the question that went with it, and no other", () => {
    const state = frozen(ask("lane", "a", a), ask("lane", "b", b), ask("budget", "a", a), ask("lane", "c"));
    const next = lift(state, a);
    expect(kinds(next)).toEqual(["lane b", "budget a", "lane c"]);
    expect(next.mission).toMatchObject({
      released: { a: T0 + 9 },
      answered: [
        {
          id: "audit.lane.1",
          kind: "lane",
          openedAt: T0,
          decidedAt: T0 + 9,
          by: operator("ann"),
          decision: "go_on",
          detail: "looked at it",
        },
      ],
    });
    expect(ended(next)).toEqual([]);
    expect(kinds(lift(state, a, b))).toEqual(["budget a", "lane c"]);
  });

  test.each<[string, Hold]>([
    ["another owner's", hold("freeze", "action:x")],
    ["of another kind", hold("operator", "action:a")],
  ])("that is %s answers nothing", (_, other) => {
    const state = frozen(ask("lane", "a", a));
    expect(lift(state, other)).toBe(state);
    expect(kinds(lift(state, other, a))).toEqual([]);
  });

  test("keeps the newest answers, and knows of lanes that bind to nothing", () => {
    const full = frozen(ask("lane", "a", a));
    const answered = Array.from({ length: ANSWERED_MAX }, (_, n) => ({ id: `old ${n}` }) as never);
    const state = { ...full, mission: full.mission === null ? null : { ...full.mission, answered } };
    const next = lift(state, a);
    expect(next.mission?.answered).toHaveLength(ANSWERED_MAX);
    expect(next.mission?.answered.at(-1)?.id).toBe("audit.lane.1");
    expect(lift(frozen(ask("lane", null, a)), a).mission?.released).toEqual({});
  });
});

describe("a wait", () => {
  test.each<[number, number, number | undefined, boolean]>([
    [T0 + 15 * 60_000, T0, undefined, false],
    [T0 + 15 * 60_000 + 1, T0, undefined, true],
    [T0 + 15 * 60_000 + 1, T0, HOUR, false],
    [T0 + HOUR + 1, T0, HOUR, true],
    [T0 - HOUR, T0, undefined, false],
  ])("until %i at %i, of %s at most, is longer than any of ours: %s", (until, now, most, stretched) => {
    expect(isStretched(until, now, most)).toBe(stretched);
    if (most === undefined) expect(isOver(until, now)).toBe(stretched || until <= now);
  });

  test.each<[Partial<Hold>, boolean]>([
    [{}, false],
    [{ until: T0 }, true],
    [{ until: T0 + 1 }, false],
    [{ until: T0 + HOUR }, false],
    [{ until: T0 + 1, clearBy: "supervisor" }, false],
    [{ until: T0, clearBy: "supervisor" }, true],
    [{ until: T0 + HOUR, clearBy: "supervisor" }, true],
    [{ until: T0, kind: "window" }, false],
    [{ until: T0, kind: "throttle", clearBy: "supervisor" }, false],
  ])("of a hold %j is over: %s", (change, over) =>
    expect(hasExpired({ ...hold("gate", "x"), ...change }, T0)).toBe(over),
  );
});

test("a longer grace makes the same silence less suspicious", () => {
  const phi = (graceMs: number) =>
    phiOf({ mean: 10_000, deviation: 1_000, silentMs: 12_000, cadenceMs: 10_000, graceMs });
  expect(phi(0)).toBeGreaterThan(phi(1_000));
  expect(phi(2_000)).toBeCloseTo(-Math.log10(0.5), 5);
  expect(phi(4_000)).toBeLessThan(0.02);
  expect(phi(4_000)).toBeGreaterThan(0);
});
