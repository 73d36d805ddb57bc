/** What lives against what is on record. */

import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { ObservedInstance } from "../../../src/core/model/instance.ts";
import { aClone, aDesired, aMission, handleOf, Life } from "../../support/fleet.ts";
import { kinds, onlyStep, planned, reasons, working } from "./plans.ts";

const DESIRED = aDesired({ clones: [aClone("scribe")], missions: [aMission("m-scribe", "scribe")] });
const seen = (
  life: Life,
  change: Partial<ObservedInstance["handle"]> = {},
  state: ObservedInstance["state"] = "live",
): ObservedInstance => ({ handle: { ...handleOf(life.state), ...change }, state });
const look = (life: Life, ...instances: readonly ObservedInstance[]) =>
  planned(DESIRED, [life.state], { instances });

describe("an instance on record", () => {
  const life = working("scribe");
  const own = seen(life);

  test.each<[string, readonly ObservedInstance[], readonly string[]]>([
    ["that is seen alive needs nothing", [own], []],
    ["that is seen dead is buried", [{ ...own, state: "dead" }], ["gone scribe"]],
    ["that is not seen is buried", [], ["gone scribe"]],
    [
      "is not the one of another nonce, which is a stray",
      [seen(life, { nonce: "x" })],
      ["stop scribe", "gone scribe"],
    ],
    ["is not the one of an older epoch, which is a stray", [own, seen(life, { epoch: 0 })], ["stop scribe"]],
    ["that a dead stray lies beside needs nothing", [own, seen(life, { epoch: 0 }, "dead")], []],
    ["that another clone's lies beside needs nothing", [own, seen(life, { clone: "other" }, "dead")], []],
  ])("%s", (_, instances, wanted) => expect(kinds(look(life, ...instances))).toEqual(wanted));

  test("is ended under its own handle, and what is recorded says which one was seen", () => {
    const stray = seen(life, { epoch: 0, nonce: "old" });
    expect(onlyStep(look(life, own, stray))).toMatchObject({
      mission: "m-scribe",
      why: { fields: [], from: null, to: null },
      event: {
        type: "stray.found",
        handle: stray.handle,
        evidence: "epoch 0 lives although epoch 1 is the highest on record",
      },
    });
    expect(onlyStep(look(life)).event).toEqual({
      type: "instance.gone",
      epoch: 1,
      evidence: "a complete listing does not show epoch 1 alive",
    });
  });

  test("that is being stopped is not buried as well", () => {
    const stopping = working("scribe").reports("mission.failed");
    expect(kinds(look(stopping))).toEqual([]);
  });
});

describe("an instance without a handle on record", () => {
  const launching = () => new Life("scribe").declared().assigned({}, "m-scribe").planned().prepared();

  test("is adopted with the handle under which it was found", () => {
    const life = launching();
    expect(onlyStep(look(life, seen(life)))).toMatchObject({
      type: "adopt",
      event: { type: "instance.adopted", epoch: 1, handle: handleOf(life.state) },
    });
    expect(kinds(look(life))).toEqual([]);
  });

  test.each<[string, Life, ObservedInstance["state"]]>([
    ["of which the driver is not sure", launching(), "unknown" as ObservedInstance["state"]],
    [
      "that is being stopped",
      launching().on({ type: "kill.requested", by: operator("ann"), reason: "", now: false }),
      "live",
    ],
  ])("%s is not adopted", (_, life, state) => {
    expect(kinds(look(life, seen(life, {}, state))).filter((kind) => kind.startsWith("adopt"))).toEqual([]);
  });
});

describe("an instance of nobody we know", () => {
  test.each([
    ["of a clone without a record", "stranger"],
    ["of an epoch that we never began", "scribe"],
  ])("%s is left alone, and said", (_, clone) => {
    const life = working("scribe");
    const stranger = seen(life, { clone, epoch: 9, nonce: "x" });
    const made = look(life, seen(life), stranger);
    expect(made.steps).toEqual([]);
    expect(reasons(made)).toEqual([`clone/${clone} adopt Unrecorded`]);
  });
});

test("half a listing says what was wrong with it, where somebody knows", () => {
  const life = working("scribe");
  const half = planned(DESIRED, [life.state], { complete: false });
  expect(half.held).toEqual([
    {
      subject: "fleet",
      step: "gone",
      reason: "ListingIncomplete",
      message: "the driver could not list everything",
    },
  ]);
});
