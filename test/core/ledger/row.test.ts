import { describe, expect, test } from "vitest";
import { type NewRequest, withRequest } from "../../../src/core/clone/questions/requests.ts";
import {
  decisionOn,
  needsApproval,
  openApproval,
  openFreeze,
  ruleFor,
} from "../../../src/core/ledger/approval.ts";
import { type ActionEvent, foldAction, isLedgerEvent, shownArguments } from "../../../src/core/ledger/row.ts";
import { type ActionRow, ARGUMENTS_SHOWN_MAX, DUPLICATES_KEPT_MAX } from "../../../src/core/model/action.ts";
import type { Request } from "../../../src/core/model/request.ts";
import { aClone, Life, T0 } from "../../support/fleet.ts";

const ON = { missionId: "m", clone: "scribe" };
const CLAIMED = {
  type: "action.claimed",
  key: "k",
  action: "external_messaging",
  target: "ann",
  arguments: "{}",
  digest: "sha256:this",
  epoch: 1,
  agent: 2,
  approval: null,
} as unknown as ActionEvent;
const event = (type: string, change: object = {}) =>
  ({ type, key: "k", epoch: 1, agent: 2, ...change }) as unknown as ActionEvent;

/** The row after these, a second apart. */
function rowAfter(...events: readonly ActionEvent[]): ActionRow | null {
  return events.reduce<ActionRow | null>(
    (row, next, n) => foldAction(row, next, { ...ON, at: T0 + n * 1_000 }),
    null,
  );
}

describe("a row", () => {
  test("of a claim is reserved, and nothing is known of its end", () => {
    expect(rowAfter(CLAIMED)).toEqual({
      missionId: "m",
      clone: "scribe",
      key: "k",
      action: "external_messaging",
      target: "ann",
      arguments: "{}",
      digest: "sha256:this",
      state: "reserved",
      epoch: 1,
      agent: 2,
      reservedAt: T0,
      settledAt: null,
      result: null,
      evidence: "",
      approval: null,
      duplicates: [],
      duplicatesTotal: 0,
    });
  });

  test.each([
    ["done", "committed"],
    ["failed", "failed"],
  ])("that ended as %s is %s", (outcome, state) => {
    const ended = event("action.completed", { outcome, result: "id 7", evidence: "sent" });
    expect(rowAfter(CLAIMED, ended)).toMatchObject({
      state,
      settledAt: T0 + 1_000,
      result: "id 7",
      evidence: "sent",
    });
  });

  test("of which nobody knows says so", () => {
    expect(rowAfter(CLAIMED, event("action.unknown", { evidence: "it died" }))).toMatchObject({
      state: "unknown",
      settledAt: T0 + 1_000,
      evidence: "it died",
    });
  });

  test.each(["action.completed", "action.duplicate", "action.unknown"])(
    "%s of what was never claimed is none",
    (type) => {
      expect(rowAfter(event(type, { outcome: "done" }))).toBeNull();
    },
  );

  test("counts every duplicate, keeps the times of the newest, and keeps both when it is claimed anew", () => {
    const asked = Array.from({ length: DUPLICATES_KEPT_MAX + 2 }, () => event("action.duplicate"));
    const row = rowAfter(CLAIMED, ...asked);
    expect(row?.duplicates).toEqual(asked.slice(2).map((_, n) => T0 + (n + 3) * 1_000));
    expect(row?.duplicatesTotal).toBe(asked.length);
    const again = rowAfter(CLAIMED, ...asked, CLAIMED);
    expect(again).toMatchObject({ duplicates: row?.duplicates, duplicatesTotal: asked.length });
  });

  test("is made of the ledger's events alone", () => {
    const types = ["action.claimed", "action.completed", "action.duplicate", "action.unknown"] as const;
    for (const type of types) expect(isLedgerEvent(event(type))).toBe(true);
    expect(isLedgerEvent({ type: "window.ended", evidence: "" })).toBe(false);
  });
});

test("arguments are shown to a length, and how much more there is", () => {
  const shortest = "x".repeat(ARGUMENTS_SHOWN_MAX);
  expect(shownArguments(shortest)).toBe(shortest);
  expect(shownArguments(`${shortest}yz`)).toBe(`${shortest} […2 more]`);
});

describe("who is asked", () => {
  const rules = ["payment", "external_messaging"].map((action) => ({
    action,
    approvers: [`for-${action}`],
    quorum: 2,
    expiresMs: 1,
  }));
  const { state } = new Life().running();
  const withRules = { ...state, spec: aClone("scribe", { approvalRules: rules }) };

  test("follows the rule of that action, or one operator", () => {
    expect(ruleFor(withRules, "external_messaging")).toEqual(rules[1]);
    for (const asked of [withRules, state, { ...state, spec: null }])
      expect(ruleFor(asked, "other")).toEqual({
        action: "other",
        approvers: [],
        quorum: 1,
        expiresMs: null,
      });
  });

  test("is nobody where neither the clone nor the mission asks for it", () => {
    const careful = { ...state, spec: aClone("scribe", { approvalRequired: ["payment"] }) };
    expect(needsApproval(careful, "payment")).toBe(true);
    expect(needsApproval(careful, "other")).toBe(false);
    expect(needsApproval({ ...careful, mission: null }, "payment")).toBe(true);
    expect(needsApproval({ ...careful, spec: null, mission: null }, "payment")).toBe(false);
  });
});

describe("what is open about an action", () => {
  const asked = (kind: Request["kind"], binds: string): NewRequest => ({
    kind,
    binds,
    severity: "high",
    summary: "?",
    evidence: [],
    answers: ["approve", "deny"],
    hold: null,
  });
  const { state } = new Life().running();
  const both = [
    asked("approval", "a"),
    asked("lane", "a"),
    asked("approval", "b"),
    asked("lane", "b"),
  ].reduce((open, next) => withRequest(open, next, T0), state);

  test("is the question of that kind about that very action", () => {
    expect(openApproval(both, "b")).toMatchObject({ kind: "approval", binds: "b" });
    expect(openFreeze(both, "b")).toMatchObject({ kind: "lane", binds: "b" });
    expect(openFreeze(both, "a")).toMatchObject({ kind: "lane", binds: "a" });
    expect([openApproval(both, "c"), openFreeze(both, "c")]).toEqual([null, null]);
  });

  test("is nothing decided where there is no mission", () => {
    expect(decisionOn({ ...state, mission: null }, "a")).toBeNull();
    expect(decisionOn(state, "a")).toBeNull();
  });
});
