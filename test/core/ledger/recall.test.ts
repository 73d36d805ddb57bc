import { expect, test } from "vitest";
import { recalled } from "../../../src/core/ledger/recall.ts";
import { foldAction } from "../../../src/core/ledger/row.ts";
import type { ActionRow, RememberedAction } from "../../../src/core/model/action.ts";

const REMEMBERED: RememberedAction = {
  key: "k1",
  action: "ticket",
  target: "T-1",
  arguments: "{}",
  digest: "sha256:one",
  agent: 1,
  state: "committed",
  result: '{"id":7}',
  evidence: "",
};
const ON = { missionId: "m1", clone: "scribe", at: 1_000 };
const ASKED = { key: "k1", epoch: 3 };

const rowOf = (state: RememberedAction["state"], change: Partial<ActionRow> = {}): ActionRow => ({
  ...(foldAction(
    null,
    { type: "action.remembered", epoch: 3, before: null, ...REMEMBERED, state },
    ON,
  ) as ActionRow),
  ...change,
});

// What the record says, what the shim remembers, and what the ledger takes for true then.
test.each([
  [null, "reserved", "reserved"],
  [null, "committed", "committed"],
  [null, "failed", "failed"],
  [null, "unknown", "unknown"],
  // Done again after a failure, and lost: the row that was published is older.
  [rowOf("failed"), "reserved", "reserved"],
  [rowOf("failed"), "committed", "committed"],
  [rowOf("reserved"), "committed", "committed"],
  [rowOf("reserved"), "failed", "failed"],
  [rowOf("reserved", { epoch: 2 }), "reserved", "reserved"],
  [rowOf("unknown"), "committed", "committed"],
  [rowOf("failed", { digest: "sha256:other" }), "failed", "failed"],
  // Results are not published.
  [rowOf("committed", { result: null }), "committed", "committed"],
] as const)("a row %o is told by a shim that remembers %s", (row, state, becomes) => {
  const news = recalled(row, { ...REMEMBERED, state }, ASKED);
  expect(news).toMatchObject({ type: "action.remembered", epoch: 3, state, before: row?.state ?? null });
  const after = news === null ? null : foldAction(row, news, ON);
  expect(after).toMatchObject({ state: becomes, digest: "sha256:one", epoch: 3, agent: 1, target: "T-1" });
  expect(after?.settledAt).toBe(becomes === "reserved" ? null : ON.at);
  expect(after?.result).toBe(becomes === "reserved" ? null : REMEMBERED.result);
});

test.each([
  ["nothing is remembered", rowOf("reserved"), null],
  ["another action is remembered", null, { ...REMEMBERED, key: "k2" }],
  ["the row says the same", rowOf("reserved"), { ...REMEMBERED, state: "reserved" }],
  ["the row says the same", rowOf("failed"), { ...REMEMBERED, state: "failed" }],
  [
    "the row says the same of another epoch",
    rowOf("unknown", { epoch: 1 }),
    { ...REMEMBERED, state: "unknown" },
  ],
  ["it is done: late word does not undo it", rowOf("committed"), { ...REMEMBERED, state: "reserved" }],
  ["it is done: late word does not undo it", rowOf("committed"), { ...REMEMBERED, state: "failed" }],
] as const)("%s: there is nothing to tell", (_, row, remembered) => {
  expect(recalled(row, remembered, ASKED)).toBeNull();
});
