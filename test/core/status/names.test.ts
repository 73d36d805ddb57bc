/** What a name means, what a question about it is answered with, and when there is nothing left to wait for. */
import { describe, expect, test } from "vitest";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { Held } from "../../../src/core/plan/step.ts";
import { isAtRest } from "../../../src/core/status/at-rest.ts";
import { laneOf } from "../../../src/core/status/lane.ts";
import { whyView } from "../../../src/core/status/why.ts";
import { aClone, aDesired, aMission, Life } from "../../support/fleet.ts";
import { aPicture, closed, working } from "./snapshot.ts";

const held = (subject: string, reason = "X"): Held => ({
  subject,
  step: "start",
  reason,
  message: `${subject} is held`,
});

describe("the lane of a name", () => {
  const lane = (name: string, states: readonly CloneState[], desired = aDesired()) =>
    laneOf(name, aPicture(states, { desired }))?.name ?? null;
  const [a, b, c] = [working("a", "one").state, closed("b", "two").state, closed("c", "two").state];

  test("is the clone of that name before anything else", () => {
    expect(lane("a", [working("b", "a").state, a])).toBe("a");
  });

  test("is the clone of the living mission, before one on which an earlier run of it was closed", () => {
    const again = working("d", "two").state;
    expect(lane("one", [b, a])).toBe("a");
    expect(lane("two", [b, again, c])).toBe("d");
    expect(lane("two", [a, b])).toBe("b");
    expect(lane("two", [b, a, c])).toBe("c");
  });

  test("is the declared clone of a mission that is not there yet, once that is known", () => {
    const desired = aDesired({ missions: [aMission("three", "a")] });
    expect(lane("three", [b, a], desired)).toBe("a");
    expect(lane("three", [b], desired)).toBeNull();
    expect(lane("four", [a, b], desired)).toBeNull();
    expect(laneOf("three", aPicture([a]))).toBeNull();
  });
});

describe("why", () => {
  const idle = new Life("a").declared().state;
  const why = (name: string, change: Parameters<typeof aPicture>[1] = {}, states = [idle]) =>
    whyView(name, aPicture(states, change));

  test("has no answer for a name that nobody has", () => {
    expect(why("nobody")).toBeNull();
    expect(
      why("nobody", { desired: aDesired({ clones: [aClone("a")] }), held: [held("clone/a")] }),
    ).toBeNull();
  });

  test("has one for whatever was declared, also where it is broken or not taken up", () => {
    const desired = aDesired({
      clones: [aClone("new")],
      missions: [aMission("one", "elsewhere")],
      broken: new Set(["mission/bad", "clone/worse"]),
    });
    const kindOf = (name: string) => why(name, { desired })?.kind ?? null;
    expect(["a", "new", "one", "bad"].map(kindOf)).toEqual(["clone", "clone", "mission", "mission"]);
    expect(why("one", { desired })).toMatchObject({ subject: "one", provenance: {}, recent: [] });
  });

  test("names what holds the mission, its clone and the fleet, and nobody else", () => {
    const reasons = ["mission/m-a", "clone/a", "fleet", "mission/other", "clone/b"].map((one) => held(one));
    const { state } = working("a");
    const steps = (name: string) =>
      why(name, { held: reasons }, [state, working("b").state])
        ?.steps.filter(({ step }) => step === "plan")
        .map(({ evidence }) => evidence);
    expect(steps("m-a")).toEqual(["mission/m-a is held", "clone/a is held", "fleet is held"]);
    expect(steps("a")).toEqual(["clone/a is held", "fleet is held"]);
    expect(why("only-held", { held: [held("mission/only-held")] })?.kind).toBe("mission");
  });

  test("shows every meter with who says so, and what happened last", () => {
    const { state } = working("a");
    const view = why("m-a", {}, [state]);
    const meter = view?.steps.find(({ name }) => name === "runtime_minutes");
    expect(meter).toMatchObject({ step: "4.2", ok: true, since: null, next: null });
    expect(meter?.reason).toMatch(/^Meter[A-Z][a-z]+$/);
    expect(meter?.evidence).toContain("of 10");
    expect(view?.recent).toEqual(state.recent);
    expect(view?.provenance).toEqual(state.spec?.provenance);
  });

  test("says of a meter that nobody has read that it is not known", () => {
    const limits = { budget: { max_runtime_minutes: 10, max_llm_calls: 5, max_cost_usd: null } };
    const { state } = new Life("a").running({ limits });
    const calls = why("audit", {}, [state])?.steps.find(({ name }) => name === "llm_calls");
    expect(calls).toMatchObject({ ok: null, reason: "MeterNone" });
  });
});

describe("a fleet is at rest", () => {
  const desired = aDesired({ missions: [aMission("one", "a")] });
  const rests = (states: readonly CloneState[], change: Parameters<typeof aPicture>[1] = {}) =>
    isAtRest(aPicture(states, { desired, ...change }));
  const done = () => closed("a", "one").state;

  test("when every mission is closed", () => {
    expect(rests([done()])).toBe(true);
    expect(rests([done(), new Life("b").declared().state])).toBe(true);
  });

  test("not while anything of it lives, has a mission, or is declared and not closed", () => {
    expect(rests([done(), working("b", "two").state])).toBe(false);
    expect(rests([done(), new Life("b").declared().assigned({}, "two").state])).toBe(false);
    const { instance } = working("b").state;
    expect(rests([done(), { ...new Life("b").declared().state, instance }])).toBe(false);
    const two = aDesired({ missions: [aMission("one", "a"), aMission("two", "b")] });
    expect(rests([done()], { desired: two })).toBe(false);
  });

  test("also when what is left was cancelled before it began, or is covered by the kill switch", () => {
    const two = aDesired({ missions: [aMission("one", "a"), aMission("two", "b")] });
    const left = (subject: string, reason: string) =>
      rests([done()], { desired: two, held: [held(subject, reason)] });
    expect(left("mission/two", "Cancelled")).toBe(true);
    expect(left("mission/two", "KillSwitchEngaged")).toBe(true);
    expect(left("mission/two", "AtCapacity")).toBe(false);
    expect(left("mission/one", "Cancelled")).toBe(false);
    expect(left("clone/two", "Cancelled")).toBe(false);
  });

  test("not before anything is known, and not where nothing is declared", () => {
    const source = { ...aPicture([]).source, state: "unknown" as const };
    expect(rests([done()], { source })).toBe(false);
    expect(rests([], { desired: aDesired() })).toBe(false);
    expect(rests([], { desired: null })).toBe(false);
  });
});
