/** What of a plan is still recorded when the record or the repository moved meanwhile. */
import { describe, expect, test } from "vitest";
import type { PlanStepType } from "../../../src/core/plan/buckets.ts";
import type { PlanStep } from "../../../src/core/plan/step.ts";
import { stillTrue } from "../../../src/core/plan/still-true.ts";
import { aClone } from "../../support/fleet.ts";

function steps(...types: readonly PlanStepType[]): readonly PlanStep[] {
  return types.map((type, index) => ({
    type,
    clone: "a",
    mission: null,
    why: { trigger: "test", fields: [], from: null, to: null },
    event: { type: "clone.declared", spec: aClone("a") },
    version: 4 + index,
    leadsTo: "Idle",
  }));
}

const kept = (types: readonly PlanStepType[], version: number, removals = true) =>
  stillTrue(steps(...types), { version }, { removals }).map(({ type }) => type);

describe("of the state that it was planned for", () => {
  test.each<[readonly PlanStepType[]]>([
    [["declare", "assign", "start"]],
    [["withdraw", "assign", "start"]],
    [["assign", "update", "start"]],
    [["assign", "handOver"]],
    [["stop"]],
  ])("%j is recorded as a whole", (types) => expect(kept(types, 4)).toEqual(types));
});

describe("of a state that moved on", () => {
  test.each<[readonly PlanStepType[], readonly PlanStepType[]]>([
    [["declare", "assign", "start"], ["declare"]],
    [["assign", "update", "start"], ["update"]],
    [["start"], []],
    [["handOver"], []],
    // What ends or limits is as right as ever.
    [
      ["stop", "pause", "resume", "limit", "adopt", "gone", "prune", "close", "replace"],
      ["stop", "pause", "resume", "limit", "adopt", "gone", "prune", "close", "replace"],
    ],
  ])("%j leaves %j", (types, left) => {
    expect(kept(types, 5)).toEqual(left);
    expect(kept(types, 3)).toEqual(left);
  });
});

describe("without a repository that removals may be concluded from", () => {
  test.each<[readonly PlanStepType[], readonly PlanStepType[]]>([
    [["withdraw"], []],
    [["prune"], []],
    // The lane that a removal would have freed is not given away.
    [["withdraw", "assign", "start"], []],
    [["withdraw", "update"], ["update"]],
    [["limit", "prune"], ["limit"]],
  ])("%j leaves %j", (types, left) => expect(kept(types, 4, false)).toEqual(left));
});
