import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, sha256Hex } from "../../../src/core/model/digest.ts";
import { GENESIS_HASH, linkHash } from "../../../src/core/record/chain.ts";
import { compareEffectIds, isNewerSignal } from "../../../src/core/record/order.ts";
import { checkVersions } from "../../../src/core/record/versions.ts";
import { walkChain } from "../../../src/core/record/walk.ts";

describe("the chain", () => {
  it("hashes the previous hash and the canonical event, as anybody would who reads its description", () => {
    const event = fc.jsonValue();
    fc.assert(
      fc.property(event, fc.string(), fc.option(fc.string()), fc.nat(), (event, clone, missionId, at) => {
        const whole = canonicalJson({ seq: 7, at, clone, missionId, event });
        const link = { seq: 7, at, clone, missionId, eventText: canonicalJson(event) };
        expect(linkHash(GENESIS_HASH, link)).toBe(sha256Hex(GENESIS_HASH + whole));
      }),
    );
  });

  it("names the first link that does not follow", () => {
    const walk = walkChain();
    const link = { seq: 1, at: 1, clone: "a", missionId: null, eventText: "{}" };
    const hash = linkHash(GENESIS_HASH, link);
    expect(walk.next({ ...link, prevHash: GENESIS_HASH, hash })).toBeNull();
    expect(walk.next({ ...link, seq: 3, prevHash: hash, hash })).toMatchObject({ brokenAtSeq: 2 });
    expect(walk.next({ ...link, seq: 2, prevHash: GENESIS_HASH, hash })).toMatchObject({ brokenAtSeq: 2 });
    expect(walk.end({ seq: 1, hash })).toBeNull();
    expect(walk.end({ seq: 4, hash })).toMatchObject({ brokenAtSeq: 2 });
  });
});

describe("the order of things", () => {
  it("puts effects in the order in which they were asked for", () => {
    const ids = ["b/1/0", "a/10/2", "a/10/10", "a/9/0", "a-b/1/0"];
    expect(ids.toSorted(compareEffectIds)).toEqual(["a/9/0", "a/10/2", "a/10/10", "a-b/1/0", "b/1/0"]);
  });

  it("takes a heartbeat of a higher epoch, or of a higher seq in the same", () => {
    const stored = { epoch: 3, seq: 10 };
    expect(isNewerSignal({ epoch: 4, seq: 1 }, stored)).toBe(true);
    expect(isNewerSignal({ epoch: 3, seq: 11 }, stored)).toBe(true);
    expect(isNewerSignal({ epoch: 3, seq: 10 }, stored)).toBe(false);
    expect(isNewerSignal({ epoch: 2, seq: 99 }, stored)).toBe(false);
  });
});

describe("versions", () => {
  const events = [{ clone: "a" }, { clone: "a" }, { clone: "b" }];
  const stored = { clone: (name: string) => (name === "a" ? 5 : 0), fleet: () => 3 };

  it("pass when every state is the fold of its events", () => {
    checkVersions(
      {
        events,
        states: [
          { name: "a", version: 7 },
          { name: "b", version: 1 },
        ],
      },
      stored,
    );
  });

  it.each([
    [
      [
        { name: "a", version: 6 },
        { name: "b", version: 1 },
      ],
      "clone a",
    ],
    [[{ name: "a", version: 7 }], "clone b"],
    [
      [
        { name: "a", version: 7 },
        { name: "a", version: 7 },
        { name: "b", version: 1 },
      ],
      "two states of clone a",
    ],
  ])("are refused otherwise", (states, message) => {
    expect(() => checkVersions({ events, states }, stored)).toThrow(message);
  });

  it.each([
    [1, { version: 4 }, null],
    [0, undefined, null],
    [0, { version: 3 }, null],
    [1, { version: 3 }, "the fleet: stored version 3 plus 1 events is not version 3"],
    [1, { version: 5 }, "the fleet: stored version 3 plus 1 events is not version 5"],
    [2, undefined, "the fleet: 2 events without the state that follows from them"],
  ])("of the fleet follow from its events: %i events, %j", (count, fleet, message) => {
    const batch = {
      events: Array.from({ length: count }, () => ({ clone: null })),
      states: [],
      ...(fleet === undefined ? {} : { fleet }),
    };
    const check = () => checkVersions(batch, stored);
    if (message === null) check();
    else expect(check).toThrow(message);
  });
});
