/** What the status branch may say, and what counts as unreadable: a record with a hole in it would run again what is over. */
import { describe, expect, test } from "vitest";
import type { ActionRow } from "../../../src/core/model/action.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import { anchorText, judgeAnchor, readAnchor } from "../../../src/core/record/anchor.ts";
import { GENESIS_HASH, linkHash } from "../../../src/core/record/chain.ts";
import { compareEffectIds } from "../../../src/core/record/order.ts";
import {
  nonceDigest,
  publishedClone,
  readClosedMission,
  readPublishedClone,
  stateFrom,
  textOf,
} from "../../../src/core/record/published.ts";
import { actionTexts, ROWS_PER_FILE, readActions } from "../../../src/core/record/published-actions.ts";
import { effectConflict, receiptConflict } from "../../../src/core/record/versions.ts";
import { walkChain } from "../../../src/core/record/walk.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { newestActions } from "../../support/newest-actions.ts";

const ANCHOR = {
  installation: "factory-test",
  repository: "fleet",
  seq: 1,
  hash: "a".repeat(64),
  first: "b".repeat(64),
};
const unreadable = expect.objectContaining({ code: "record/unreadable", disposition: "stall" });

describe("an anchor", () => {
  test("is read as it was written", () => expect(readAnchor(anchorText(ANCHOR))).toEqual(ANCHOR));

  test.each<[string, unknown]>([
    ["a word", "anchor"],
    ["a number", 7],
    ["nothing", null],
    ["without an installation", { ...ANCHOR, installation: 7 }],
    ["without a repository", { ...ANCHOR, repository: null }],
    ["without a place", { ...ANCHOR, seq: "1" }],
    ["at no whole place", { ...ANCHOR, seq: 1.5 }],
    ["before the first event", { ...ANCHOR, seq: 0 }],
    ["of a hash that is a number", { ...ANCHOR, hash: 7 }],
    ["of a list that is as long as a hash", { ...ANCHOR, hash: Array(64).fill("a") }],
    ["of a hash that is too short", { ...ANCHOR, hash: "a".repeat(63) }],
    ["of a hash that is too long", { ...ANCHOR, first: "a".repeat(65) }],
    ["of a hash with another letter in front", { ...ANCHOR, hash: `x${"a".repeat(63)}` }],
    ["of a hash with another letter at the end", { ...ANCHOR, first: `${"a".repeat(63)}x` }],
    ["of a hash in capitals", { ...ANCHOR, hash: "A".repeat(64) }],
  ])("%s is none", (_, value) => expect(readAnchor(JSON.stringify(value))).toBeNull());

  test("that is no JSON is none", () => expect(readAnchor("{")).toBeNull());

  test("of the journal that was given up has both its place and its hash", () => {
    const chain = { first: ANCHOR.first, seq: 9, hashThere: ANCHOR.hash };
    const judge = (replaces: { seq: number; hash: string } | null) =>
      judgeAnchor(ANCHOR, { ...chain, replaces }).type;
    expect(judge({ seq: 1, hash: ANCHOR.hash })).toBe("replaced_here");
    expect(judge({ seq: 2, hash: ANCHOR.hash })).toBe("on_chain");
    expect(judge({ seq: 1, hash: "c".repeat(64) })).toBe("on_chain");
    expect(judge(null)).toBe("on_chain");
  });
});

describe("a lane that was published", () => {
  const { state } = new Life().running();
  const good = publishedClone(state);
  const read = (value: unknown) => readPublishedClone("record/x.json", JSON.stringify(value));

  test("is as old as its newest event, or as its phase", () => {
    expect(good.asOf).toBe(state.recent.at(-1)?.at);
    expect(publishedClone({ ...state, recent: [] }).asOf).toBe(state.phaseSince);
  });

  test("says of a nonce only how it can be recognised", () => {
    expect(nonceDigest("a")).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(nonceDigest("a")).not.toBe(nonceDigest("b"));
    expect(good.state.instance?.nonce).toBe(nonceDigest(state.instance?.nonce ?? ""));
  });

  test("comes back without a version, and knows the runs that it knew", () => {
    const known = { ...good, state: { ...good.state, forgottenRuns: { old: 3, lost: 1 } } };
    const closed = [
      { name: "lost", run: 4, missionId: "m_lost" },
      { name: "old", run: 2, missionId: "m_old" },
    ];
    const back = stateFrom({ ...known, closed }, new Map());
    expect(back).toMatchObject({ version: 0, recent: [], past: [], forgottenRuns: { old: 3, lost: 4 } });
  });

  test.each<[string, unknown]>([
    ["a list", [good]],
    ["a word", "clone"],
    ["a number", 7],
    ["nothing", null],
    ["another format", { ...good, format: 2 }],
    ["no clone", { ...good, clone: 7, state: { ...good.state, name: 7 } }],
    ["no time", { ...good, asOf: "now" }],
    ["a state that is a list", { ...good, state: [] }],
    ["no state", { ...good, state: null }],
    ["no list of what is closed", { ...good, closed: {} }],
    ["the state of another clone", { ...good, state: { ...good.state, name: "other" } }],
    ["no epoch", { ...good, state: { ...good.state, epoch: "1" } }],
    ["no phase", { ...good, state: { ...good.state, phase: null } }],
  ])("as %s cannot be used", (_, value) => expect(() => read(value)).toThrow(unreadable));

  test("as no JSON cannot be used, and says which file", () => {
    expect(() => readPublishedClone("record/x.json", "{")).toThrow(unreadable);
    expect(() => readPublishedClone("record/x.json", "{")).toThrow("record/x.json");
    expect(read(good)).toEqual(JSON.parse(JSON.stringify(good)));
  });
});

describe("a closed mission that was published", () => {
  const [closed] = new Life().running().reports("mission.failed").dead().state.past;
  const read = (value: unknown) => readClosedMission("record/x.json", JSON.stringify(value));

  test("comes back as it was", () => {
    if (closed === undefined) throw new Error("nothing was closed");
    expect(readClosedMission("x", textOf(closed))).toEqual(JSON.parse(JSON.stringify(closed)));
  });

  test.each(["missionId", "name", "run", "outcome", "terminal", "scorecard"])(
    "without its %s cannot be used",
    (field) => {
      for (const value of [null, [], true])
        expect(() => read({ ...closed, [field]: value })).toThrow(unreadable);
    },
  );
});

describe("a ledger that was published", () => {
  const row = (n: number): ActionRow => ({
    missionId: "m",
    clone: "scribe",
    key: `k${n}`,
    action: "mail",
    target: "ann",
    arguments: "{}",
    digest: "sha256:1",
    state: "committed",
    epoch: 1,
    agent: 2,
    reservedAt: T0 + n,
    settledAt: T0 + n,
    result: "secret",
    evidence: "e",
    approval: null,
    duplicates: [1],
    duplicatesTotal: 1,
  });
  const rows = (count: number) => Array.from({ length: count }, (_, n) => row(n));
  const part = (change: object) => {
    const {
      mission_id,
      rows: [first],
    } = JSON.parse(actionTexts([row(0)])[0] ?? "");
    return JSON.stringify({ mission_id, rows: [first, { ...first, ...change }] });
  };

  test("comes back without what nobody said may be read by everybody", () => {
    const [text = ""] = actionTexts(rows(2));
    expect(text).not.toContain("secret");
    expect(readActions("x", text, "scribe")).toEqual(
      rows(2).map((one) => ({
        ...one,
        arguments: "",
        result: null,
        evidence: "known from the status branch; what came of it was lost with the record",
        duplicates: [],
        duplicatesTotal: 0,
      })),
    );
  });

  test("is cut into files that can be read back", () => {
    expect(actionTexts([])).toEqual([]);
    const sizes = (count: number) =>
      actionTexts(rows(count)).map((text) => readActions("x", text, "scribe").length);
    expect(sizes(ROWS_PER_FILE)).toEqual([ROWS_PER_FILE]);
    expect(sizes(ROWS_PER_FILE + 1)).toEqual([ROWS_PER_FILE, 1]);
  });

  test("of a time when nobody counted agents is that of the first one", () => {
    expect(readActions("x", part({ agent: undefined }), "scribe")[1]?.agent).toBe(1);
  });

  test.each<[string, string]>([
    ["is no JSON", "{"],
    ["is a word", '"rows"'],
    ["is nothing", "null"],
    ["names no mission", JSON.stringify({ rows: [] })],
    ["has no rows", JSON.stringify({ mission_id: "m", rows: {} })],
    ["has a row that is nothing", JSON.stringify({ mission_id: "m", rows: [null] })],
    ["has a row that is a word", JSON.stringify({ mission_id: "m", rows: ["row"] })],
    ...["key", "action", "target", "digest"].map((field): [string, string] => [
      `has a row without ${field}`,
      part({ [field]: 7 }),
    ]),
    ...["epoch", "reserved_at"].map((field): [string, string] => [
      `has a row without ${field}`,
      part({ [field]: "7" }),
    ]),
    ["has a row in no state", part({ state: "perhaps" })],
  ])("that %s cannot be used", (_, text) =>
    expect(() => readActions("record/x.json", text, "scribe")).toThrow(unreadable),
  );

  test("keeps the newest rows in the order in which they were reserved", () => {
    const at = (key: string, reservedAt: number): ActionRow => ({ ...row(0), key, reservedAt });
    const all = [at("d", 2), at("a", 3), at("b", 1), at("c", 1)];
    const keys = (limit: number) => newestActions(all, limit).map(({ key }) => key);
    expect(keys(9)).toEqual(["b", "c", "d", "a"]);
    expect(keys(2)).toEqual(["d", "a"]);
    expect([keys(0), keys(-1)]).toEqual([[], []]);
    expect(newestActions([at("c", 1), at("b", 1)], 9).map(({ key }) => key)).toEqual(["b", "c"]);
  });
});

describe("a chain", () => {
  const link = { seq: 1, at: 1, clone: "a", missionId: null, eventText: "{}" };
  const hash = linkHash(GENESIS_HASH, link);
  const begun = () => {
    const walk = walkChain();
    expect(walk.next({ ...link, prevHash: GENESIS_HASH, hash })).toBeNull();
    return walk;
  };

  test("goes on at its head, and stays there where it is broken", () => {
    const walk = begun();
    expect(walk.head).toEqual({ seq: 1, hash });
    const second = { ...link, seq: 2 };
    const next = linkHash(hash, second);
    expect(walk.next({ ...second, prevHash: hash, hash: GENESIS_HASH })?.message).toContain("was changed");
    expect(walk.next({ ...second, prevHash: GENESIS_HASH, hash: next })?.message).toContain(
      "does not follow",
    );
    expect(walk.next({ ...second, seq: 3, prevHash: hash, hash: next })?.message).toContain("is missing");
    expect(walk.head.seq).toBe(1);
    expect(walk.next({ ...second, prevHash: hash, hash: next })).toBeNull();
    expect(walk.head).toEqual({ seq: 2, hash: next });
  });

  test.each([
    ["where the record says", { seq: 1, hash }, null],
    ["there with another hash", { seq: 1, hash: GENESIS_HASH }, 1],
    ["before the record's head", { seq: 5, hash }, 2],
    ["behind the record's head", { seq: 0, hash: GENESIS_HASH }, 1],
  ])("that ends %s", (_, recorded, brokenAtSeq) => {
    expect(begun().end(recorded)?.brokenAtSeq ?? null).toBe(brokenAtSeq);
  });
});

test.each([
  ["a", "a", 0],
  ["a/1", "a/1", 0],
  ["a", "a/0", -1],
  ["a/0", "a", 1],
  ["a/2", "a/10", -1],
  ["a/01", "a/1", -1],
  ["a/1", "a/01", 1],
  ["a/x", "a/1", 1],
  ["a/1x", "a/2", -1],
  ["10", "9x", -1],
  ["9x", "10", 1],
])("effect %s and effect %s: %i", (one, other, order) => {
  expect(Math.sign(compareEffectIds(one, other))).toBe(order);
});

test("what somebody else has written in between is decided again", () => {
  for (const error of [receiptConflict("key 7"), effectConflict("id 7")]) {
    expect(error).toBeInstanceOf(FactoryError);
    expect(error).toMatchObject({
      code: "store/conflict",
      disposition: "yield",
      message: expect.stringContaining("7"),
    });
  }
});
