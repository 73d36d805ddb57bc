import { describe, expect, test } from "vitest";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { mediaTypeOf } from "../../../src/core/model/media-type.ts";
import { outputsOf } from "../../../src/core/status/outputs.ts";
import { aVerdict, Life } from "../../support/fleet.ts";
import { closed } from "./snapshot.ts";

const completed = () => new Life("scribe").running().reports("mission.completed").dead();
const statesOf = (...states: readonly CloneState[]) => new Map(states.map((state) => [state.name, state]));
const newest = (name: string, ...states: readonly CloneState[]) =>
  outputsOf({ name, run: null }, statesOf(...states));

describe("what a mission handed in", () => {
  test("is asked for by the name of the mission or of its clone", () => {
    const { state } = completed().judged();
    const seen = newest("audit", state);
    expect(seen).toMatchObject({ mission: "audit", run: 1, clone: "scribe", outcome: "accepted" });
    expect(newest("scribe", state)).toEqual(seen);
    expect(newest("nobody", state)).toBeNull();
    expect(newest("toString", state)).toBeNull();
  });

  test("is told with digest, size and kind, and with what is wrong", () => {
    const { state } = completed().judged(false);
    const output = {
      path: "out.json",
      required: true,
      state: "kept",
      mediaType: "application/json",
      statusPath: null,
    };
    expect(newest("audit", state)?.outputs).toMatchObject([{ ...output, problems: ["it is missing"] }]);
    const [past] = state.past;
    const none = { ...aVerdict(false).outputs[0], sha256: null, bytes: null };
    const verdict = { ...aVerdict(false), outputs: [none] };
    const without = { ...state, past: [{ ...past, verdict }] } as unknown as CloneState;
    expect(newest("audit", without)?.outputs).toMatchObject([{ state: "missing", bytes: null }]);
  });

  test("what its agent named besides was not kept, and stands apart", () => {
    const life = new Life("scribe").running();
    life.reports("mission.artifact", { artifacts: [{ path: "notes.md", bytes: 7 }, { path: "out.json" }] });
    const { state } = life.reports("mission.completed").dead().judged();
    expect(newest("audit", state)?.outputs).toMatchObject([
      { path: "out.json", required: true, state: "kept" },
      { path: "notes.md", required: false, state: "reported", bytes: 7, sha256: null },
    ]);
  });

  test("of a mission under way it is awaited, as its contract names it", () => {
    const seen = newest("audit", new Life("scribe").running().state);
    expect(seen).toMatchObject({ outcome: null, keptAt: null });
    expect(seen?.outputs.map(({ state }) => state)).toEqual(seen?.outputs.map(() => "awaited"));
  });

  test("the newest closed run is meant where none is named, also while the next one works", () => {
    const { state } = completed().judged();
    const [past] = state.past as unknown as [CloneState["past"][number]];
    const second = { ...past, run: 2, missionId: "m-2", closedAt: past.closedAt + 1 };
    const again = new Life("scribe").running({ run: 3 }).state;
    const both = { ...again, past: [second, past] };
    expect(newest("audit", both)).toMatchObject({ run: 2, otherRuns: [1] });
    const first = outputsOf({ name: "audit", run: 1 }, statesOf(both));
    expect(first).toMatchObject({ run: 1, missionId: past.missionId, otherRuns: [2] });
    expect(outputsOf({ name: "audit", run: 3 }, statesOf(both))).toMatchObject({ outcome: null });
    expect(outputsOf({ name: "audit", run: 4 }, statesOf(both))).toBeNull();
  });

  test("runs that were done by different clones are one mission's", () => {
    const { state: one } = closed("alpha", "audit", 1);
    const { state } = closed("beta", "audit", 2);
    const two = { ...state, past: state.past.map((past) => ({ ...past, closedAt: past.closedAt + 1 })) };
    for (const states of [
      [one, two],
      [two, one],
    ])
      expect(newest("audit", ...states)).toMatchObject({ run: 2, clone: "beta", otherRuns: [1] });
  });

  test("what waits for its postmortem has been judged", () => {
    const { state } = new Life("scribe").running();
    const ending = { verdict: aVerdict(true), outcome: "accepted" as const, reason: "" };
    const waiting = { ...state, mission: state.mission === null ? null : { ...state.mission, ending } };
    expect(newest("audit", waiting)).toMatchObject({ outcome: null, outputs: [{ state: "kept" }] });
  });
});

test.each([
  ["reports/a.md", "text/markdown"],
  ["A.JSON", "application/json"],
  ["x.tar.gz", "application/gzip"],
  ["reports.md/binary", "application/octet-stream"],
  ["md", "application/octet-stream"],
  ["", "application/octet-stream"],
  ["a.constructor", "application/octet-stream"],
])("%s is %s", (path, type) => expect(mediaTypeOf(path)).toBe(type));
