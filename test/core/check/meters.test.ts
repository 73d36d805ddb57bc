import { describe, expect, test } from "vitest";
import { operator } from "../../../src/core/model/actor.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { SECOND_MS } from "../../../src/core/model/time.ts";
import { WatchedLife } from "../../support/watched.ts";

const SPENDS: CloneEvent = {
  type: "runaway.detected",
  epoch: 1,
  meter: "llm_calls",
  used: 12,
  limit: 10,
  evidence: "test",
};
const PAUSE: CloneEvent = {
  type: "hold.placed",
  by: operator("olga"),
  hold: {
    kind: "operator",
    owner: "operator:olga",
    since: 0,
    reason: "PausedByHand",
    message: "paused by olga",
    clearBy: "operator",
  },
};

function running(invariant: string): WatchedLife {
  return new WatchedLife(invariant).running();
}

function used(life: WatchedLife, llmCalls: number): WatchedLife {
  return life.on({ type: "instance.used", epoch: 1, llmCalls, costMicros: null });
}

describe("meters-never-shrink", () => {
  test("late numbers, the end of an instance and the end of its mission take nothing away", () => {
    const life = used(used(running("meters-never-shrink"), 7), 3);
    life.on({ type: "instance.gone", epoch: 1, evidence: "test" }).dead();
    expect(life.state.spent.llmCalls).toBe(7);
    expect(life.found).toEqual([]);
  });

  test("what a record lost is found", () => {
    const life = used(running("meters-never-shrink"), 7);
    const { instance } = life.state;
    const told = life.state;
    life.state = { ...told, instance: instance && { ...instance, llmCalls: 2 } };
    life.on({ type: "instance.gone", epoch: 1, evidence: "test" });
    life.state = { ...life.state, spent: { llmCalls: Number.NaN, costMicros: 0 } };
    life.dead();
    expect(life.found).toEqual(["llm_calls goes from NaN to NaN by stop.finished"]);
  });
});

describe("paused-before-ended", () => {
  function paused(life: WatchedLife): WatchedLife {
    const act = { type: "act", clone: "scribe", epoch: 1, nonce: "" } as const;
    life.on(PAUSE).tells({ ...act, act: "paused" });
    life.on({ type: "instance.paused", epoch: 1 });
    return life.on({ type: "instance.settled", epoch: 1, llmCalls: 5, costMicros: null });
  }
  const spends = { type: "spent", clone: "scribe", epoch: 1 } as const;

  test("whoever was paused and used more is a runaway", () => {
    const life = paused(running("paused-before-ended")).tells(spends).on(SPENDS);
    expect(life.state.instance?.stopping).not.toBeNull();
    expect(life.found).toEqual([]);
  });

  test.each<[string, (life: WatchedLife) => WatchedLife, string]>([
    ["nobody held it", (life) => life, "it is ended as a runaway and nothing held it"],
    [
      "nobody took down what it had used before",
      (life) => life.on(PAUSE),
      "it is ended as a runaway and nobody knows what it had used before",
    ],
    [
      "it used nothing since it was paused",
      (life) => paused(life.tells(spends)),
      "it is ended as a runaway and has used nothing since it was paused",
    ],
    [
      "its pause was asked for a moment ago and has not taken hold",
      (life) =>
        life
          .on(PAUSE)
          .on({ type: "instance.settled", epoch: 1, llmCalls: 5, costMicros: null }, 3 * SECOND_MS)
          .tells(spends),
      "it is ended as a runaway 4000 ms after its pause was asked for, which has not taken hold",
    ],
  ])("but not when %s", (_, prepared, message) => {
    expect(prepared(running("paused-before-ended")).on(SPENDS).found).toEqual([message]);
  });
});
