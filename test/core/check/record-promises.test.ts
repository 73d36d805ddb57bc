/** States are the fold of their events. */
import { describe, expect, test } from "vitest";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { Fact } from "../../simulation/check/fact.ts";
import { Life } from "../../support/fleet.ts";
import { at, type Case, committed, fail, happened, same, type Told, verdict } from "./story.ts";

describe("state-is-fold", () => {
  const life = new Life().declared();
  const event = { type: "clone.declared", spec: life.state.spec ?? fail() } as const;
  const stored = (state: CloneState): Told => ({
    ...(committed() as Extract<Fact, { type: "committed" }>),
    states: [state],
  });
  const folded = happened(event, same({ ...life.state, version: 1 }));
  test.each<Case>([
    ["the same", [folded, stored({ ...life.state, version: 1 })], null],
    ["without an event", [stored(life.state)], "a state is stored without any event"],
    ["another version", [folded, stored({ ...life.state, version: 2 })], "version 2 after 1 events"],
    [
      "another state",
      [folded, stored({ ...life.state, version: 1, epoch: 4 })],
      "at version 1, `epoch` is not what its events mean",
    ],
    ["never stored", [folded, at({})], "it has events but no stored state"],
    ["stored", [folded, at({ states: new Map([["scribe", life.state]]) })], null],
  ])("%s", (_name, story, found) => {
    expect(verdict("state-is-fold", story)).toEqual(found === null ? [] : [found]);
  });
});
