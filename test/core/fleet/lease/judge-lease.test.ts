import { describe, expect, test } from "vitest";
import { HOLDER_PART, holdsFor, judgeLease } from "../../../../src/core/fleet/lease/judge-lease.ts";
import { LEASE_MS_MAX, leaseText, readLease } from "../../../../src/core/fleet/lease/lease-text.ts";
import {
  EPOCHS_PER_TERM,
  judgeTakeover,
  type TakeoverFacts,
} from "../../../../src/core/fleet/lease/takeover.ts";
import type { FleetLease } from "../../../../src/core/model/fleet-lease.ts";

const FOR_MS = 60_000;

function lease(change: Partial<FleetLease> = {}): FleetLease {
  return {
    installation: "factory-one",
    key: "ssh-ed25519 ONE",
    host: "one.example",
    machine: "m1",
    home: "h1",
    directory: "d1",
    term: 3,
    nonce: "n1",
    beat: 7,
    forMs: FOR_MS,
    released: false,
    ...change,
  };
}

const ME = { key: "ssh-ed25519 TWO", directory: "d2", nonce: null };
const HOLDER = { key: "ssh-ed25519 ONE", directory: "d1", nonce: "n1" };

describe("whose the right to act is", () => {
  const judge = (one: FleetLease | null, by: Partial<Parameters<typeof judgeLease>[1]> = {}) =>
    judgeLease(one, { me: ME, standingMs: 0, holderGone: false, ...by });

  test.each([
    ["nobody's where there is none", null, {}, { type: "free" }],
    ["another's while it is renewed", lease(), {}, { type: "held", leftMs: FOR_MS, copied: false }],
    ["another's to the last moment", lease(), { standingMs: FOR_MS - 1 }, { type: "held", leftMs: 1 }],
    ["nobody's when it stood still for its whole time", lease(), { standingMs: FOR_MS }, { type: "free" }],
    ["nobody's when it was given back", lease({ released: true }), {}, { type: "free" }],
    ["nobody's when its holder is proven gone", lease(), { holderGone: true }, { type: "free" }],
    ["ours by key, directory and nonce", lease(), { me: HOLDER }, { type: "ours" }],
    ["not ours any more once it was given back", lease({ released: true }), { me: HOLDER }, { type: "free" }],
    [
      "free where our record began anew in the same directory",
      lease(),
      { me: { ...HOLDER, nonce: null } },
      { type: "free" },
    ],
    [
      "another's where it has our key and lies in another directory: one of the two is a copy",
      lease(),
      { me: { ...HOLDER, directory: "copy" } },
      { type: "held", copied: true },
    ],
  ] as const)("%s", (_, one, by, expected) => {
    expect(judge(one, by)).toMatchObject(expected);
  });

  test("a holder stands down before anybody may take over", () => {
    expect(HOLDER_PART).toBeLessThan(1);
    expect(judge(lease(), { standingMs: holdsFor(FOR_MS) })).toMatchObject({ type: "held" });
  });
});

describe("as a text", () => {
  test("it is the same again", () => {
    expect(readLease(leaseText(lease()))).toEqual(lease());
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["a name missing", leaseText(lease()).replace('"host"', '"hose"')],
    ["a term of nothing", leaseText(lease({ term: 0 }))],
    ["a name without end", leaseText(lease({ installation: "x".repeat(10_000) }))],
    ["a beat that is no number", leaseText(lease()).replace('"beat": 7', '"beat": "7"')],
  ])("%s is none", (_, text) => {
    expect(readLease(text)).toBeNull();
  });

  test("nobody is kept waiting for longer than a day, whatever it says", () => {
    expect(readLease(leaseText(lease({ forMs: Number.MAX_SAFE_INTEGER })))?.forMs).toBe(LEASE_MS_MAX);
  });
});

describe("taking over with a rebuilt record", () => {
  const judge = (change: Partial<TakeoverFacts> = {}) =>
    judgeTakeover({
      lease: lease(),
      here: false,
      holderGone: false,
      reachable: false,
      standingMs: 0,
      saidGone: null,
      ...change,
    });

  test("waits while the holder may be at work, and says what a person can do", () => {
    const verdict = judge({ standingMs: 20_000 });
    expect(verdict).toMatchObject({ type: "wait", leftMs: 40_000 });
    expect(verdict.type === "wait" && verdict.message).toMatch(
      /factory-one on one\.example.*40 s.*--gone factory-one/,
    );
    expect(judge({ saidGone: "factory-other" }).type).toBe("wait");
  });

  test("begins above every epoch that an older term can have made", () => {
    expect(judge({ holderGone: true, reachable: true })).toMatchObject({
      type: "may",
      term: 4,
      epochFloor: 3 * EPOCHS_PER_TERM,
      unproven: null,
    });
  });

  test("what lives on a machine that nobody can look at from here stays unproven", () => {
    const verdict = judge({ standingMs: FOR_MS });
    expect(verdict.type === "may" && verdict.unproven).toMatch(/cannot be looked at/);
    expect(judge({ standingMs: FOR_MS, reachable: true })).toMatchObject({ type: "may", unproven: null });
    expect(judge({ saidGone: "factory-one" })).toMatchObject({ type: "may", unproven: null });
  });

  test("in its own place nothing has to be proven, and epochs go on", () => {
    expect(judge({ here: true })).toMatchObject({ type: "may", term: 4, epochFloor: 0, unproven: null });
    expect(judge({ lease: null })).toMatchObject({ type: "may", term: 1, epochFloor: 0 });
  });
});
