/** What the record is told of the kill switch: each engagement and each release once, and no release that nobody made. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldPart } from "../../../../src/core/fleet/event-rules.ts";
import { fileDifference } from "../../../../src/core/fleet/kill-switch/file-difference.ts";
import {
  type DeclaredSwitch,
  declaredInForce,
  declaredNews,
  SWITCH_EVENTS,
  switchNews,
} from "../../../../src/core/fleet/kill-switch/switch-events.ts";
import { operator } from "../../../../src/core/model/actor.ts";
import { INITIAL_FLEET, type RecordedSwitch } from "../../../../src/core/model/fleet-state.ts";
import {
  ENGAGED_MAX,
  engage,
  merged,
  NOTHING_ENGAGED,
  parseSwitch,
  release,
  type SwitchEntry,
  type SwitchScope,
  type SwitchState,
  scopeText,
  switchText,
} from "../../../../src/core/model/kill-switch.ts";
import { T0 } from "../../../support/fleet.ts";

const NOTHING: RecordedSwitch = INITIAL_FLEET.killSwitch;
const FLEET: SwitchScope = { type: "fleet" };
const AUDIT: SwitchScope = { type: "mission", name: "audit" };
const at = (n: number): string => new Date(T0 + n * 1_000).toISOString();
const entry = (scope: SwitchScope, n = 0, by = "operator:ann"): SwitchEntry => ({
  scope,
  by,
  reason: "too much",
  at: at(n),
});

function released(state: SwitchState, scope: SwitchScope | null, n = 9): SwitchState {
  const next = release(state, { scope, by: "operator:bob", reason: "fixed", atMs: T0 + n * 1_000 });
  if (next === null) throw new Error("nothing to release");
  return next;
}

const news = (recorded: RecordedSwitch, inForce: SwitchState) => switchNews(recorded, inForce, () => "file");

function recordAll(recorded: RecordedSwitch, inForce: SwitchState): RecordedSwitch {
  return foldPart(SWITCH_EVENTS, recorded, { events: news(recorded, inForce), at: T0 });
}

describe("the record of the switch", () => {
  test("is told who engaged what, and then who released it", () => {
    const state = engage(NOTHING_ENGAGED, entry(AUDIT));
    expect(switchNews(NOTHING, state, () => "command")).toEqual([
      { type: "switch.engaged", by: operator("ann"), entry: entry(AUDIT), from: "command" },
    ]);
    const recorded = recordAll(NOTHING, state);
    expect(news(recorded, state)).toEqual([]);
    const freed = released(state, AUDIT);
    expect(news(recorded, freed)).toMatchObject([
      { type: "switch.released", by: operator("bob"), entry: { scope: AUDIT, releaseReason: "fixed" } },
    ]);
    expect(recordAll(recorded, freed)).toEqual({ ...freed, declared: [] });
  });

  test("hears of both when one came and went while nobody recorded it", () => {
    const state = released(engage(NOTHING_ENGAGED, entry(AUDIT)), AUDIT);
    expect(news(NOTHING, state).map(({ type }) => type)).toEqual(["switch.engaged", "switch.released"]);
    expect(news(recordAll(NOTHING, state), state)).toEqual([]);
  });

  test("keeps what is engaged when a file does not mention it", () => {
    const recorded = recordAll(NOTHING, engage(NOTHING_ENGAGED, entry(FLEET)));
    expect(news(recorded, NOTHING_ENGAGED)).toEqual([]);
    expect(recorded.engaged).toEqual([entry(FLEET)]);
  });

  test("of a release takes away that engagement and no newer one of the scope", () => {
    const first = engage(NOTHING_ENGAGED, entry(FLEET));
    const again = engage(released(first, FLEET), entry(FLEET, 20));
    const recorded = recordAll(recordAll(NOTHING, first), again);
    expect(recorded.engaged).toEqual([entry(FLEET, 20)]);
    expect(recordAll(recorded, released(first, FLEET)).engaged).toEqual([entry(FLEET, 20)]);
  });

  test("is told once more of a file that cannot be understood again after a person released it", () => {
    const broken = parseSwitch("{");
    const recorded = recordAll(NOTHING, broken);
    expect(recorded.engaged).toMatchObject([{ scope: FLEET, by: "unknown" }]);
    const freed = released(broken, FLEET);
    const after = recordAll(recorded, freed);
    expect(after.engaged).toEqual([]);
    expect(news(after, merged(freed, broken)).map(({ type }) => type)).toEqual(["switch.engaged"]);
  });

  test("never lets go of one to make room for another: too many scopes are the whole fleet", () => {
    let state = NOTHING_ENGAGED;
    for (let n = 0; n < ENGAGED_MAX + 5; n++)
      state = engage(state, entry({ type: "mission", name: `m${n}` }, n));
    expect(state.engaged).toHaveLength(ENGAGED_MAX);
    expect(state.engaged.at(-1)).toMatchObject({
      scope: FLEET,
      reason: expect.stringContaining("mission m199"),
    });
    const recorded = recordAll(NOTHING, state);
    expect(recorded.engaged).toEqual(state.engaged);
    expect(news(recorded, state)).toEqual([]);
    const free = released(state, null);
    expect(recordAll(recorded, free)).toEqual({ ...free, declared: [] });
    expect(parseSwitch(switchText(free))).toEqual(free);
  });
});

describe("whatever people do with the file and by commands", () => {
  const scopes: readonly SwitchScope[] = [
    FLEET,
    AUDIT,
    { type: "mission", name: "bench" },
    { type: "label", key: "team", value: "a" },
  ];
  const deed = fc.record({
    place: fc.constantFrom("memory", "file"),
    what: fc.constantFrom("engage", "release", "record", "merge", "lose the file", "crash"),
    scope: fc.integer({ min: 0, max: scopes.length - 1 }),
  });

  test("what the record says is engaged was engaged by somebody and released by nobody", () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
        let memory: SwitchState = NOTHING_ENGAGED;
        let file: SwitchState = NOTHING_ENGAGED;
        let recorded = NOTHING;
        const asked = new Set<string>();
        for (const [n, { place, what, scope: index }] of deeds.entries()) {
          const scope = scopes[index] ?? FLEET;
          const before = place === "memory" ? memory : file;
          let after = before;
          if (what === "engage") after = engage(before, entry(scope, n));
          if (what === "release") {
            after =
              release(before, { scope, by: "operator:bob", reason: "", atMs: T0 + n * 1_000 }) ?? before;
            for (const one of before.engaged)
              if (!after.engaged.includes(one)) asked.add(`${scopeText(one.scope)} ${one.at}`);
          }
          if (place === "memory") memory = after;
          else file = after;
          if (what === "merge") {
            memory = merged(merged(memory, recorded), file);
            file = memory;
          }
          const engagedBefore = recorded.engaged;
          if (what === "record") recorded = recordAll(recorded, memory);
          if (what === "lose the file") file = NOTHING_ENGAGED;
          if (what === "crash") memory = merged(recorded, file);
          for (const one of engagedBefore)
            if (!recorded.engaged.some((other) => other.at === one.at && other.scope === one.scope))
              expect([...asked]).toContain(`${scopeText(one.scope)} ${one.at}`);
        }
        memory = merged(merged(memory, recorded), file);
        recorded = recordAll(recorded, memory);
        expect(news(recorded, memory)).toEqual([]);
        expect(new Set(recorded.engaged.map(({ scope }) => scopeText(scope)))).toEqual(
          new Set(memory.engaged.map(({ scope }) => scopeText(scope))),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe("what fleet.yaml engages", () => {
  const said = (
    change: Partial<DeclaredSwitch["killSwitch"]> = {},
    usable = true,
    digit = "a",
  ): DeclaredSwitch => ({
    revision: digit.repeat(40),
    usable,
    killSwitch: { engaged: false, labels: {}, missions: [], ...change },
  });
  const scopesOf = (entries: readonly SwitchEntry[]): readonly string[] =>
    entries.map(({ scope }) => scopeText(scope));
  function declaredAt(recorded: RecordedSwitch, declared: DeclaredSwitch): RecordedSwitch {
    return foldPart(SWITCH_EVENTS, recorded, { events: declaredNews(recorded, declared), at: T0 });
  }
  const all = said({ engaged: true, labels: { team: "a" }, missions: ["audit"] });

  test("is on record with its commit, and released by the commit that no longer says it", () => {
    const recorded = declaredAt(NOTHING, all);
    expect(scopesOf(recorded.declared)).toEqual(["fleet", "label team=a", "mission audit"]);
    expect(recorded.engaged).toEqual([]);
    expect(declaredNews(recorded, all)).toEqual([]);
    const less = said({ missions: ["audit"] }, true, "b");
    expect(declaredNews(recorded, less)).toMatchObject([
      {
        type: "switch.released",
        by: { type: "repository", commit: "b".repeat(40) },
        entry: { scope: FLEET },
      },
      { type: "switch.released", entry: { scope: { type: "label" }, at: "commit aaaaaaaaaaaa" } },
    ]);
    expect(scopesOf(declaredAt(recorded, less).declared)).toEqual(["mission audit"]);
    expect(declaredAt(recorded, less).released).toEqual([]);
  });

  test("holds while the file cannot be read, also after a restart; a broken file adds and releases nothing", () => {
    const recorded = declaredAt(NOTHING, all);
    expect(declaredInForce(recorded, null)).toEqual(recorded.declared);
    const broken = said({ missions: ["bench"] }, false, "b");
    expect(scopesOf(declaredInForce(recorded, broken))).toEqual([
      "fleet",
      "label team=a",
      "mission audit",
      "mission bench",
    ]);
    expect(declaredNews(recorded, broken).map(({ type }) => type)).toEqual(["switch.engaged"]);
    expect(scopesOf(declaredInForce(recorded, said({}, true, "b")))).toEqual([]);
  });
});

describe("the file and the record", () => {
  const state = engage(engage(NOTHING_ENGAGED, entry(FLEET)), entry(AUDIT));

  test("that agree differ in nothing", () => {
    expect(fileDifference(recordAll(NOTHING, state), state)).toEqual({ missingInFile: [], notOnRecord: [] });
  });

  test("say what stands in one of them alone", () => {
    const recorded = recordAll(NOTHING, engage(NOTHING_ENGAGED, entry(FLEET)));
    expect(fileDifference(recorded, NOTHING_ENGAGED).missingInFile).toEqual([
      expect.stringContaining("engaged for fleet by operator:ann"),
    ]);
    const { missingInFile, notOnRecord } = fileDifference(recorded, released(state, FLEET));
    expect(missingInFile).toEqual([]);
    expect(notOnRecord).toEqual([
      expect.stringContaining("releases it for fleet by operator:bob"),
      expect.stringContaining("engages it for mission audit by operator:ann"),
    ]);
  });
});
