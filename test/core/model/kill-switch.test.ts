import { describe, expect, test } from "vitest";
import {
  engage,
  entryText,
  merged,
  NOTHING_ENGAGED,
  parseSwitch,
  RELEASED_MAX,
  type ReleasedEntry,
  release,
  type SwitchEntry,
  type SwitchScope,
} from "../../../src/core/model/kill-switch.ts";

const FLEET: SwitchScope = { type: "fleet" };
const TEAM: SwitchScope = { type: "label", key: "team", value: "platform" };
const AUDIT: SwitchScope = { type: "mission", name: "audit" };
const ENTRY: SwitchEntry = { scope: FLEET, by: "operator:ann", reason: "too much", at: "2026-11-23" };
const RELEASED: ReleasedEntry = {
  ...ENTRY,
  releasedBy: "operator:bob",
  releasedAt: "2026-11-24",
  releaseReason: "fixed",
};
const file = (content: object): string => JSON.stringify(content);

describe("a file", () => {
  test.each<SwitchScope>([FLEET, TEAM, AUDIT])("says for what it is engaged: %j", (scope) => {
    expect(parseSwitch(file({ engaged: [{ ...ENTRY, scope }] }))).toEqual({
      engaged: [{ ...ENTRY, scope }],
      released: [],
    });
  });

  test.each<[string, object]>([
    ["no scope", { ...ENTRY, scope: undefined }],
    ["a scope that is a word", { ...ENTRY, scope: "fleet" }],
    ["a scope that is nothing", { ...ENTRY, scope: null }],
    ["a scope that is a list", { ...ENTRY, scope: [] }],
    ["a scope of another kind", { ...ENTRY, scope: { type: "all", key: "a", value: "b", name: "c" } }],
    ["a mission without a name", { ...ENTRY, scope: { type: "mission", key: "a", value: "b" } }],
    ["a label without a key", { ...ENTRY, scope: { type: "label", value: "platform" } }],
    ["a label without a value", { ...ENTRY, scope: { type: "label", key: "team" } }],
    ["nobody's name", { ...ENTRY, by: 7 }],
    ["no reason", { ...ENTRY, reason: null }],
    ["no time", { ...ENTRY, at: 7 }],
  ])("with an entry that has %s engages everything", (_, entry) => {
    const { engaged, released } = parseSwitch(file({ engaged: [ENTRY, entry], released: [RELEASED] }));
    expect(engaged).toMatchObject([{ scope: FLEET, by: "unknown" }]);
    expect(released).toEqual([RELEASED]);
  });

  test.each<[string, string]>([
    ["a list", file([ENTRY])],
    ["a word", '"off"'],
    ["nothing", "null"],
    ["no list of what is engaged", file({ engaged: ENTRY, released: [RELEASED] })],
  ])("that is %s engages everything, and remembers no release", (_, text) => {
    expect(parseSwitch(text)).toMatchObject({ engaged: [{ scope: FLEET, by: "unknown" }], released: [] });
  });

  test("keeps the releases that can be understood, and engages nothing for the others", () => {
    const released = [RELEASED, { ...RELEASED, releasedAt: 7 }, { ...RELEASED, by: null }, ENTRY, null];
    expect(parseSwitch(file({ engaged: [], released }))).toEqual({ engaged: [], released: [RELEASED] });
    expect(parseSwitch(file({ engaged: [ENTRY], released: "none" })).released).toEqual([]);
  });

  test("keeps as much of a reason as can be shown", () => {
    const [entry] = parseSwitch(file({ engaged: [{ ...ENTRY, reason: "x".repeat(600) }] })).engaged;
    expect(entry?.reason).toBe("x".repeat(500));
  });
});

describe("releasing", () => {
  const state = engage(engage(NOTHING_ENGAGED, ENTRY), { ...ENTRY, scope: AUDIT });
  const act = { by: "operator:bob", reason: "fixed", atMs: Date.UTC(2026, 10, 24) };

  test("everything leaves nothing engaged", () => {
    const next = release(state, { ...act, scope: null });
    expect(next?.engaged).toEqual([]);
    expect(next?.released.map(({ scope, releasedAt }) => [scope.type, releasedAt])).toEqual([
      ["fleet", "2026-11-24T00:00:00.000Z"],
      ["mission", "2026-11-24T00:00:00.000Z"],
    ]);
  });

  test("keeps the newest releases only", () => {
    let next = NOTHING_ENGAGED;
    for (let n = 0; n <= RELEASED_MAX; n++) {
      const entry = { ...ENTRY, reason: `reason ${n}` };
      next = release(engage(next, entry), { ...act, scope: FLEET }) ?? next;
    }
    expect(next.released).toHaveLength(RELEASED_MAX);
    expect(next.released[0]?.reason).toBe("reason 1");
    expect(next.released.at(-1)?.reason).toBe(`reason ${RELEASED_MAX}`);
  });
});

describe("two that were brought together", () => {
  const day = (n: number): string => new Date(Date.UTC(2026, 0, n)).toISOString();
  const releases = (days: readonly number[]) => ({
    engaged: [],
    released: days.map((n) => ({ ...RELEASED, at: day(n - 1), releasedAt: day(n) })),
  });
  const daysOf = (state: ReturnType<typeof merged>) => state.released.map(({ releasedAt }) => releasedAt);

  test("know every release once, in the order of time", () => {
    const both = merged(releases([2, 5, 9]), releases([1, 5, 7]));
    expect(daysOf(both)).toEqual([1, 2, 5, 7, 9].map(day));
  });

  test("know the newest releases, when there were too many", () => {
    const odd = releases(Array.from({ length: RELEASED_MAX }, (_, n) => 2 * n + 1));
    const even = releases(Array.from({ length: RELEASED_MAX }, (_, n) => 2 * n + 2));
    const newest = Array.from({ length: RELEASED_MAX }, (_, n) => day(RELEASED_MAX + n + 1));
    expect(daysOf(merged(odd, even))).toEqual(newest);
    expect(daysOf(merged(even, odd))).toEqual(newest);
  });

  test("an entry that only one of them saw released is released", () => {
    expect(merged({ engaged: [ENTRY], released: [] }, { engaged: [], released: [RELEASED] }).engaged).toEqual(
      [],
    );
  });
});

test("an entry says for what, by whom, since when, and why where somebody said so", () => {
  expect(entryText({ ...ENTRY, scope: TEAM })).toBe(
    "the kill switch is engaged for label team=platform by operator:ann since 2026-11-23: too much",
  );
  expect(entryText({ ...ENTRY, scope: AUDIT, reason: "" })).toBe(
    "the kill switch is engaged for mission audit by operator:ann since 2026-11-23",
  );
});
