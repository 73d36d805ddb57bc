import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClaimContext,
  type ClaimVerdict,
  type Completion,
  DUPLICATE_WINDOW_MS,
  judgeClaim,
  judgeCompletion,
} from "../../../src/core/ledger/judge.ts";
import { actionDigest, actionKey, markerOf } from "../../../src/core/ledger/key.ts";
import { ACTION_STATES, type ActionClaim, type ActionRow } from "../../../src/core/model/action.ts";
import { T0 } from "../../support/fleet.ts";

const DIGEST = "sha256:this";

function row(change: Partial<ActionRow> = {}): ActionRow {
  return {
    missionId: "m",
    clone: "scribe",
    key: "k",
    action: "external_messaging",
    target: "ann",
    arguments: "{}",
    digest: DIGEST,
    state: "reserved",
    epoch: 1,
    agent: 1,
    reservedAt: T0,
    settledAt: null,
    result: null,
    evidence: "",
    approval: null,
    duplicates: [],
    duplicatesTotal: 0,
    ...change,
  };
}

function claim(change: Partial<ClaimContext> = {}): ClaimContext {
  return { epoch: 1, agent: 1, digest: DIGEST, now: T0 + 1_000, releasedAt: null, ...change };
}

const done = row({ state: "committed", settledAt: T0 });
const lost = row({ state: "unknown", settledAt: T0 + 500 });
const earlier = (ms: number): ActionRow => ({ ...done, duplicates: [T0 + 1_000 - ms] });

describe("a claim", () => {
  const table: [string, ActionRow | null, ClaimContext, ClaimVerdict][] = [
    ["absent: it is reserved", null, claim(), { type: "reserve" }],
    [
      "proven not done: it is reserved anew",
      row({ state: "failed" }),
      claim({ epoch: 3 }),
      { type: "reserve" },
    ],
    [
      "proven not done, with another content",
      row({ state: "failed" }),
      claim({ digest: "other" }),
      { type: "reserve" },
    ],
    ["done: the result is replayed", done, claim(), { type: "replay", duplicates: 1, freeze: false }],
    [
      "done by an older epoch: replayed as well",
      done,
      claim({ epoch: 2 }),
      { type: "replay", duplicates: 1, freeze: false },
    ],
    [
      "the second repeat within the window freezes",
      earlier(1),
      claim(),
      { type: "replay", duplicates: 2, freeze: true },
    ],
    [
      "a repeat before the window does not count",
      earlier(DUPLICATE_WINDOW_MS),
      claim(),
      { type: "replay", duplicates: 1, freeze: false },
    ],
    [
      "one within its last millisecond does",
      earlier(DUPLICATE_WINDOW_MS - 1),
      claim(),
      { type: "replay", duplicates: 2, freeze: true },
    ],
    [
      "one before a person let it go on does not",
      earlier(100),
      claim({ releasedAt: T0 + 950 }),
      { type: "replay", duplicates: 1, freeze: false },
    ],
    [
      "one after that does",
      earlier(10),
      claim({ releasedAt: T0 + 950 }),
      { type: "replay", duplicates: 2, freeze: true },
    ],
    ["done, another content: conflict", done, claim({ digest: "other" }), { type: "conflict" }],
    ["reserved, another content: conflict", row(), claim({ digest: "other" }), { type: "conflict" }],
    [
      "reserved by an older epoch, another content: conflict",
      row(),
      claim({ epoch: 2, digest: "other" }),
      { type: "conflict" },
    ],
    ["unknown, another content: conflict", lost, claim({ digest: "other" }), { type: "conflict" }],
    ["reserved by the same epoch: it is at it", row(), claim(), { type: "in_progress" }],
    ["reserved by an older epoch: look first", row(), claim({ epoch: 2 }), { type: "verify", news: true }],
    [
      "unknown: look first, and the ledger says so already",
      lost,
      claim({ epoch: 2 }),
      { type: "verify", news: false },
    ],
    [
      "unknown, and a person let it go on since",
      lost,
      claim({ epoch: 2, releasedAt: T0 + 500 }),
      { type: "skip" },
    ],
    [
      "unknown since a person let it go on",
      lost,
      claim({ epoch: 2, releasedAt: T0 + 499 }),
      { type: "verify", news: false },
    ],
  ];
  test.each(table)("%s", (_name, found, asked, verdict) => {
    expect(judgeClaim(found, asked)).toEqual(verdict);
  });

  test("is never allowed for what was done, may have been done, or is being done", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ACTION_STATES),
        fc.nat(5),
        fc.nat(5),
        fc.boolean(),
        fc.option(fc.nat(2_000), { nil: null }),
        (state, epoch, by, same, releasedAfter) => {
          const verdict = judgeClaim(
            row({ state, epoch, settledAt: T0 }),
            claim({
              epoch: by,
              digest: same ? DIGEST : "other",
              releasedAt: releasedAfter === null ? null : T0 + releasedAfter,
            }),
          );
          expect(verdict.type === "reserve").toBe(state === "failed");
        },
      ),
    );
  });
});

describe("a completion", () => {
  const says = (type: "done" | "failed"): Completion => ({ type });
  const found = (what: "done" | "not_done" | "unverifiable"): Completion => ({
    type: "verified",
    found: what,
  });
  const refused = expect.objectContaining({ type: "refuse" });
  const table: [string, ActionRow | null, Completion, number, unknown][] = [
    ["of nothing", null, says("done"), 1, refused],
    ["of what this epoch began", row(), says("done"), 1, { type: "commit", verified: false }],
    ["that failed", row(), says("failed"), 1, { type: "fail", verified: false }],
    ["of what an older epoch began, without a look", row(), says("done"), 2, refused],
    ["of what an older epoch began, looked at", row(), found("done"), 2, { type: "commit", verified: true }],
    [
      "of what an older epoch began, found not done",
      row(),
      found("not_done"),
      2,
      { type: "fail", verified: true },
    ],
    ["that cannot be verified", row(), found("unverifiable"), 2, { type: "freeze" }],
    ["that this epoch lost track of", row(), found("unverifiable"), 1, { type: "freeze" }],
    ["of what is unknown, without a look", lost, says("done"), 1, refused],
    ["of what is unknown, looked at", lost, found("done"), 1, { type: "commit", verified: true }],
    ["told twice", done, says("done"), 1, { type: "repeat" }],
    ["told twice, looked at", done, found("done"), 2, { type: "repeat" }],
    ["that takes back what is done", done, says("failed"), 1, refused],
    ["that doubts what is done", done, found("unverifiable"), 1, refused],
    ["that failed, told twice", row({ state: "failed" }), says("failed"), 1, { type: "repeat" }],
    ["that failed and then was done without a claim", row({ state: "failed" }), says("done"), 1, refused],
  ];
  test.each(table)("%s", (_name, at, completion, epoch, verdict) => {
    expect(judgeCompletion(at, completion, { epoch, agent: 1 })).toEqual(verdict);
  });
});

describe("keys and digests", () => {
  const on = { missionId: "m", lane: "scribe" };
  const mail: ActionClaim = {
    action: "external_messaging",
    target: "ann",
    arguments: { subject: "hello", tags: ["a", "b"] },
    payload: "the text",
    idempotencyKey: null,
  };
  test("equal actions have one key, whatever the order of their arguments", () => {
    const other = { ...mail, arguments: { tags: ["a", "b"], subject: "hello" } };
    expect(actionKey(other, on)).toBe(actionKey(mail, on));
    expect(actionDigest(other)).toBe(actionDigest(mail));
  });
  test.each([
    ["action", { action: "other" }],
    ["target", { target: "bob" }],
    ["arguments", { arguments: { subject: "hello", tags: ["b", "a"] } }],
  ])("another %s is another action", (_what, change) => {
    expect(actionKey({ ...mail, ...change }, on)).not.toBe(actionKey(mail, on));
    expect(actionDigest({ ...mail, ...change })).not.toBe(actionDigest(mail));
  });
  test("another mission or lane is another action", () => {
    const keys = [on, { ...on, missionId: "n" }, { ...on, lane: "other" }].map((place) =>
      actionKey(mail, place),
    );
    expect(new Set(keys).size).toBe(3);
  });
  test("the payload is part of what is done, not of which action it is", () => {
    const other = { ...mail, payload: "another text" };
    expect(actionKey(other, on)).toBe(actionKey(mail, on));
    expect(actionDigest(other)).not.toBe(actionDigest(mail));
  });
  test("a key that is given is taken", () => {
    expect(actionKey({ ...mail, idempotencyKey: "mail-1" }, on)).toBe("mail-1");
  });
  test("the marker is the same for every attempt and short", () => {
    expect(markerOf("m", "k")).toMatch(/^factory-[0-9a-f]{16}$/);
    expect(markerOf("m", "k")).toBe(markerOf("m", "k"));
    expect(markerOf("n", "k")).not.toBe(markerOf("m", "k"));
  });
});
