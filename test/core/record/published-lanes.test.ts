import { describe, expect, test } from "vitest";
import { decide } from "../../../src/core/clone/decide.ts";
import { type CloneState, initialState } from "../../../src/core/model/clone-state.ts";
import { anchorText } from "../../../src/core/record/anchor.ts";
import { publishedClone } from "../../../src/core/record/published.ts";
import { publishedMemory, readClosureFile, readLaneFile } from "../../../src/core/record/published-lanes.ts";
import { planRebuild } from "../../../src/core/record/rebuild.ts";
import { aClone, aMission, Life, T0 } from "../../support/fleet.ts";
import { oldRecordFilesOf, recordFilesOf } from "../../support/published.ts";

const ANCHOR = { installation: "i", repository: "r", seq: 9, hash: "a".repeat(64), first: "b".repeat(64) };

function waiting(name: string): CloneState {
  let state = initialState(name, T0);
  for (const event of [
    { type: "clone.declared", spec: { ...aClone(name), provenance: { agent: `clones/${name}.yaml:7` } } },
    { type: "mission.assigned", mission: aMission(`of-${name}`, name) },
  ] as const)
    state = decide(state, event, T0).state;
  return state;
}

const closed = (name: string): CloneState => ({
  ...new Life().running().reports("mission.completed", { summary: "done" }).dead().judged().state,
  name,
});

const names = (count: number) =>
  Array.from({ length: count }, (_, index) => `factory_bulk-${index}_20261123`);

function laneBack(state: CloneState, among: readonly CloneState[], memory = publishedMemory()) {
  const found = [...recordFilesOf(among, memory).lanes].flatMap(([path, text]) => readLaneFile(path, text));
  const lane = found.find(({ clone }) => clone === state.name);
  if (lane === undefined) throw new Error(`there is no lane of ${state.name}`);
  return lane;
}

describe("lanes in files of many", () => {
  test("come back with everything that was published of them, alone and among others", () => {
    const { state } = new Life().running();
    const others = names(40).map(waiting);
    for (const among of [[state], [...others, state]]) {
      const { conditions: _, ...back } = laneBack(state, among).state;
      const { conditions: __, ...wanted } = publishedClone(state).state;
      expect(back).toEqual(JSON.parse(JSON.stringify(wanted)));
    }
    for (const one of others)
      expect(laneBack(one, others)).toMatchObject({
        clone: one.name,
        state: { spec: { provenance: { agent: `clones/${one.name}.yaml:7` } } },
      });
  });

  test("have the status of every condition and since when; what it means is derived by the next record", () => {
    const { state } = new Life().running();
    const { conditions } = laneBack(state, [state]).state;
    const known = ({
      type,
      status,
      since,
      observedGeneration,
      observedCommit,
    }: (typeof conditions)[number]) => ({
      type,
      status,
      since,
      observedGeneration,
      observedCommit,
    });
    expect(conditions.map(known)).toEqual(state.conditions.map(known));
    const lanes = (files: ReturnType<typeof recordFilesOf>) =>
      planRebuild({
        files: { ...files, journal: anchorText(ANCHOR) },
        instances: [],
        workspaces: new Set([state.name]),
        keyKept: true,
        commit: "",
        now: T0 + 1,
      }).lanes;
    const [now] = lanes(recordFilesOf([state]));
    const [before] = lanes(oldRecordFilesOf([state]));
    if (now === undefined || before === undefined) throw new Error("there is no lane");
    const restored = ({ clone, event }: typeof now) =>
      decide(initialState(clone, T0 + 1), event, T0 + 1).state;
    expect(restored(now)).toEqual(restored(before));
    expect(restored(now).conditions.some(({ reason }) => reason === "Restored")).toBe(false);
  });

  test("take a few hundred bytes each where they look alike", () => {
    const many = names(1_000).map(waiting);
    const texts = [...recordFilesOf(many).lanes.values()];
    expect(texts.join("").length / many.length).toBeLessThan(1_500);
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(64 * 1024);
    expect(texts.length).toBeLessThan(1_000 / 8);
  });

  test("come back although the first of their file has changed since they were written", () => {
    const [first, ...others] = names(8).map(waiting);
    if (first === undefined) throw new Error("there is no lane");
    const memory = publishedMemory();
    for (const lastFailure of [null, "once", "twice"]) {
      const among = [{ ...first, lastFailure }, ...others];
      for (const one of among)
        expect(laneBack(one, among, memory).state).toMatchObject({
          name: one.name,
          lastFailure: one.lastFailure,
        });
    }
  });

  test("that rest are not written again because one of them begins to move", () => {
    const many = names(200).map(waiting);
    const before = recordFilesOf(many).lanes;
    const moved = many.map((state, index) =>
      index === 77
        ? decide(state, { type: "start.planned", revision: "f".repeat(40), why: "" }, T0 + 1).state
        : state,
    );
    const after = recordFilesOf(moved).lanes;
    const changed = [...after].filter(([path, text]) => before.get(path) !== text).map(([path]) => path);
    expect(changed.filter((path) => path.startsWith("moving/"))).toEqual([`moving/${names(200)[77]}.jsonl`]);
    // Its own file of those that rest, and where the boundaries have moved a neighbour.
    expect(changed.length).toBeLessThanOrEqual(4);
    expect([...after.values()].join("").length).toBeLessThan([...before.values()].join("").length * 1.2);
  });

  test("keep a name apart from text that looks like what stands for it", () => {
    const name = "factory_odd_20261123";
    const odd = { ...waiting(name), lastFailure: `{{clone}} is not ${name}` };
    for (const among of [[odd], [waiting("factory_a_20261123"), odd, waiting("factory_z_20261123")]])
      expect(laneBack(odd, among).state).toMatchObject({ name, lastFailure: `{{clone}} is not ${name}` });
    // Short enough to stand in every word.
    expect(laneBack(waiting("e"), [waiting("a"), waiting("e")]).state).toMatchObject({ name: "e" });
  });

  test("that are long are cut into files that can be read back", () => {
    const many = names(32).map((name, index) => ({
      ...waiting(name),
      lastFailure: `${index}x`.repeat(50_000),
    }));
    const texts = [...recordFilesOf(many).lanes.values()];
    expect(texts.length).toBeGreaterThan(4);
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThanOrEqual(1024 * 1024);
    for (const one of many) expect(laneBack(one, many).state.lastFailure).toBe(one.lastFailure);
  });

  test("of another clone's line cannot be used", () => {
    const [[path, text] = ["", ""]] = [...recordFilesOf([waiting("factory_a_20261123")]).lanes];
    const wrong = text
      .replace('"id":"factory_a_20261123"', '"id":"factory_b_20261123"')
      .replace('"own":"{{clone}}"', '"own":null');
    expect(() => readLaneFile(path, wrong)).toThrow(
      /cannot be used: its line of factory_b_20261123 tells of/,
    );
  });
});

describe("closures in files of many", () => {
  test("come back as they were", () => {
    const states = names(100)
      .map(closed)
      .map((state, index) => ({
        ...state,
        past: state.past.map((one) => ({ ...one, missionId: `m_${index}`, closedAt: one.closedAt + index })),
      }));
    const { closures } = recordFilesOf(states);
    const back = [...closures].flatMap(([path, text]) => readClosureFile(path, text));
    const byId = (list: readonly { readonly missionId: string }[]) =>
      [...list].sort((a, b) => (a.missionId < b.missionId ? -1 : 1));
    expect(byId(back)).toEqual(byId(JSON.parse(JSON.stringify(states.flatMap(({ past }) => past)))));
    expect(closures.size).toBeLessThan(100 / 16 + 1);
  });

  test("of missions that are closed later leave the older files as they are", () => {
    const states = names(300)
      .map(closed)
      .map((state, index) => ({
        ...state,
        past: state.past.map((one) => ({ ...one, missionId: `m_${index}`, closedAt: T0 + index * 60_000 })),
      }));
    const before = recordFilesOf(states.slice(0, 299)).closures;
    const after = recordFilesOf(states).closures;
    expect([...after].filter(([path, text]) => before.get(path) !== text)).toHaveLength(1);
  });

  test("are the newest ones that fit; of older ones the lane says that they are over", () => {
    const [one] = closed("factory_a_20261123").past;
    if (one === undefined) throw new Error("nothing is closed");
    const past = Array.from({ length: 500 }, (_, index) => ({
      ...one,
      name: `bulk-${index}`,
      missionId: `m_${index}`,
      closedAt: T0 + index,
    }));
    const state = { ...closed("factory_a_20261123"), past };
    const most = 50_000;
    const { closures, lanes } = recordFilesOf([state], publishedMemory(), most);
    expect([...closures.values()].join("").length).toBeLessThanOrEqual(most);
    const [lane] = planRebuild({
      files: { ...recordFilesOf([]), lanes, closures, journal: anchorText(ANCHOR) },
      instances: [],
      workspaces: new Set(),
      keyKept: true,
      commit: "",
      now: T0,
    }).lanes;
    const { past: kept = [], forgottenRuns = {} } = (lane?.event.snapshot ?? {}) as Partial<CloneState>;
    expect(kept.length).toBeGreaterThan(50);
    expect(kept.map(({ name }) => name)).toEqual(past.slice(-kept.length).map(({ name }) => name));
    expect(Object.keys(forgottenRuns)).toHaveLength(500 - kept.length);
  });
});

test("a branch of the format before tells the same, and of one lane twice the newer word counts", () => {
  const states = [closed("factory_a_20261123"), new Life().running().state];
  const rebuilt = (files: ReturnType<typeof recordFilesOf>) =>
    planRebuild({
      files: { ...files, journal: anchorText(ANCHOR) },
      instances: [],
      workspaces: new Set(),
      keyKept: true,
      commit: "",
      now: T0,
    });
  const old = oldRecordFilesOf(states);
  const now = recordFilesOf(states);
  const told = ({ lanes, problems }: ReturnType<typeof rebuilt>) => ({
    problems,
    lanes: lanes.map(({ clone, fate, closed: over, event }) => ({
      clone,
      fate,
      over,
      past: event.snapshot.past,
    })),
  });
  expect(told(rebuilt(old))).toEqual(told(rebuilt(now)));
  const [stale] = [new Life().declared().state];
  if (stale === undefined) throw new Error("there is no state");
  const mixed = { ...now, clones: oldRecordFilesOf([stale]).clones };
  expect(told(rebuilt(mixed))).toEqual(told(rebuilt(now)));
});
