import { describe, expect, test } from "vitest";
import { initialState } from "../../../src/core/model/clone-state.ts";
import { CHANGES_MAX, type KeptState, keptState, stateWrite } from "../../../src/core/record/state-writes.ts";
import { Life, T0 } from "../../support/fleet.ts";

/** Keeps a life as a store does; answers what was written and what can be read back. */
function keep(states: readonly ReturnType<typeof initialState>[]) {
  let kept: KeptState | null = null;
  let snapshot = "";
  let changes: string[] = [];
  let written = 0;
  let whole = 0;
  let most = 0;
  for (const state of states) {
    const write = stateWrite(kept, state);
    written += write.text.length;
    whole += JSON.stringify(state).length;
    if (write.type === "change") changes.push(write.text);
    else {
      snapshot = write.text;
      changes = [];
    }
    kept = write.kept;
    most = Math.max(most, changes.length);
    const read = keptState(snapshot, changes);
    expect(read.state).toEqual(JSON.parse(JSON.stringify(state)));
    expect({ ...read, state: null }).toEqual({ ...kept, state: null });
    expect(changes.join("").length).toBeLessThan(snapshot.length);
  }
  return { written, whole, most };
}

describe("states as snapshots and changes", () => {
  test("are read back as they were after every event of a life, for a fraction of their length", () => {
    const life = new Life().running();
    const states = [initialState("scribe", T0)];
    for (let round = 0; round < 100; round++)
      states.push(life.reports("mission.progress", { summary: `${round}` }).state);
    const { written, whole, most } = keep(states);
    expect(written).toBeLessThan(whole / 5);
    expect(most).toBeLessThanOrEqual(CHANGES_MAX);
    expect(most).toBeGreaterThan(5);
  });

  test("a state that grows out of its snapshot gets a new one", () => {
    const small = initialState("scribe", T0);
    const first = stateWrite(null, small);
    expect(first.type).toBe("snapshot");
    const large = { ...small, version: 1, appliedDigest: "x".repeat(first.text.length) };
    expect(stateWrite(first.kept, large)).toMatchObject({ type: "snapshot", kept: { changes: 0 } });
    expect(stateWrite(first.kept, { ...small, version: 1 })).toMatchObject({
      type: "change",
      text: '{"~":{"version":{"=":1}}}',
    });
  });

  test("however small the changes, there are never more than can be read back soon", () => {
    const large = { ...initialState("scribe", T0), appliedDigest: "x".repeat(5_000) };
    const states = Array.from({ length: 200 }, (_, version) => ({ ...large, version }));
    expect(keep(states).most).toBe(CHANGES_MAX);
  });

  test("a state that is kept cannot be changed any more", () => {
    const { state } = stateWrite(null, { ...initialState("scribe", T0), failures: [] }).kept;
    expect(() => (state.failures as unknown[]).push("later")).toThrow(TypeError);
  });
});
