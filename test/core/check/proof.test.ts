import { describe, expect, test } from "vitest";
import { WatchedLife } from "../../support/watched.ts";

/** The first instance is over, the second one is being prepared. */
function inItsSecondEpoch(): WatchedLife {
  const life = new WatchedLife("fenced-is-silent").running();
  return life.on({ type: "instance.gone", epoch: 1, evidence: "test" }).dead();
}

describe("fenced-is-silent", () => {
  test("a refused claim of an epoch that is over is counted", () => {
    const life = inItsSecondEpoch();
    const before = life.state.mission?.actions.refused ?? 0;
    life.on({ type: "action.refused", epoch: 1, key: "k", action: "deploy", reason: "EpochFenced" });
    expect(life.state.mission?.actions.refused).toBe(before + 1);
    expect(life.found).toEqual([]);
  });
});
