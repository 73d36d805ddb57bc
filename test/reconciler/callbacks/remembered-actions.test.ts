import { beforeEach, describe, expect, test } from "vitest";
import { WireClaim, WireCompletion } from "../../../src/api/action.ts";
import type { RememberedAction } from "../../../src/core/model/action.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { createRedactor } from "../../../src/core/model/redact.ts";
import type { InstanceCaller } from "../../../src/ports/control-plane.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { type Actions, createActions } from "../../../src/reconciler/callbacks/actions.ts";
import { openRecorder, type Recorder } from "../../../src/reconciler/record/recorder.ts";
import { createClocks } from "../../../src/shim/session/clocks.ts";
import type { Ledger } from "../../../src/shim/tools/ledger.ts";
import { createActionMemory } from "../../../src/shim/tools/memory.ts";
import { createTools, type Tools } from "../../../src/shim/tools/tools.ts";
import { T0 } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";
import { bringUp } from "../../support/running.ts";

/** The shim's real tools on the ledger's real door, with a record between them that can be lost. */
let store: MemoryStore;
let recorder: Recorder;
let actions: Actions;
let tools: Tools;
let reachable = true;
/** What stands on the disk, and whether that takes anything. */
let kept: RememberedAction[] = [];
let full = false;
function keep(row: RememberedAction): void {
  if (full) throw new Error("no space left on device");
  kept.push(row);
}
const clock = { now: () => T0, sleep: async () => {} };
const state = (): CloneState => recorder.states.get("scribe") ?? expect.fail("no such clone");

beforeEach(async () => {
  reachable = true;
  kept = [];
  full = false;
  await newRecord();
  tools = createTools({
    workspace: "/nowhere",
    ledger,
    clocks: createClocks(() => 0),
    redactor: createRedactor([]),
    memory: createActionMemory(keep),
    say: () => true,
  });
  tools.begin();
});

/** A record that knows who works and nothing of what it did, as a restored one. */
async function newRecord(): Promise<void> {
  store = createMemoryStore();
  recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  actions = createActions({ recorder, store, clock });
  await bringUp(recorder, "scribe");
}

let asked = 0;
const ledger: Ledger = {
  async ask(what, question, { remembered }) {
    if (!reachable) return { ok: false, code: "unavailable", message: "nobody answers" };
    asked += 1;
    const caller: InstanceCaller = {
      type: "instance",
      clone: "scribe",
      epoch: 1,
      nonce: "n",
      revoked: false,
    };
    const body = { ...question, ...(remembered === null ? {} : { remembered }), request_id: `q${asked}` };
    const answer =
      what === "claim"
        ? await actions.claim(caller, WireClaim.parse(body))
        : await actions.complete(caller, WireCompletion.parse(body));
    return answer.status === 200
      ? { ok: true, result: { ...answer.body } }
      : { ok: false, code: "refused", message: answer.message };
  },
};

async function claim(more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const given = { action: "ticket", target: "T-1", arguments: { title: "one" }, ...more };
  const answer = await tools.call("claim_action", given);
  return answer.ok ? answer.result : { decision: answer.code };
}

async function complete(given: Record<string, unknown>): Promise<Record<string, unknown>> {
  const answer = await tools.call("complete_action", given);
  return answer.ok ? answer.result : { decision: answer.code };
}

const row = (key: unknown) => store.action(state().mission?.missionId ?? "", String(key));
const types = async () =>
  (await store.events({ limit: 100 }))
    .map(({ event }) => event.type)
    .filter((type) => type.startsWith("action"));

describe("after the record was lost, an action of a living instance", () => {
  test("that was done is replayed with what came of it, and counted as done", async () => {
    const { key } = await claim();
    await complete({ key, outcome: "done", result: { id: 7 } });
    await newRecord();
    expect(await claim()).toMatchObject({ decision: "replay", key, result: { id: 7 } });
    expect(await row(key)).toMatchObject({
      state: "committed",
      action: "ticket",
      arguments: '{"title":"one"}',
    });
    expect(state().mission?.actions).toMatchObject({ claimed: 1, committed: 1, duplicates: 1 });
  });

  test("that is under way is not let go again, and can be completed", async () => {
    const { key } = await claim({ idempotency_key: "own-key" });
    await newRecord();
    expect(await claim({ idempotency_key: "own-key" })).toMatchObject({ decision: "in_progress", key });
    await newRecord();
    expect(await complete({ key, outcome: "done" })).toMatchObject({
      decision: "recorded",
      state: "committed",
    });
    expect(await types()).toEqual(["action.remembered", "action.completed"]);
  });

  test("stands on the disk, as often as it has changed, before its agent hears of it", async () => {
    const { key } = await claim();
    expect(kept).toMatchObject([{ key, state: "reserved", action: "ticket", agent: 1 }]);
    await claim();
    expect(kept.length).toBe(1);
    await complete({ key, outcome: "done", result: { id: 7 } });
    expect(kept.slice(1)).toMatchObject([{ key, state: "committed", result: '{"id":7}' }]);
  });

  test("is not let go while the disk takes nothing", async () => {
    full = true;
    expect(await claim()).toEqual({ decision: "disk" });
    expect(await claim()).toEqual({ decision: "disk" });
    expect(state().mission?.actions).toMatchObject({ claimed: 2, failed: 2 });
    full = false;
    expect(await claim()).toMatchObject({ decision: "go" });
  });

  test("that was done while the disk took nothing is done all the same", async () => {
    const { key } = await claim();
    full = true;
    expect(await complete({ key, outcome: "done", result: 1 })).toMatchObject({ decision: "recorded" });
    await newRecord();
    expect(await claim()).toMatchObject({ decision: "replay" });
    expect(kept.map((one) => one.state)).toEqual(["reserved"]);
  });

  test("that failed may be tried again", async () => {
    const { key } = await claim();
    await complete({ key, outcome: "failed" });
    await newRecord();
    expect(await claim()).toMatchObject({ decision: "go" });
    expect(state().mission?.actions).toMatchObject({ claimed: 2, failed: 1 });
  });

  test("whose end nobody could be told of is as its agent said", async () => {
    const { key } = await claim();
    reachable = false;
    expect(await complete({ key, outcome: "done", result: "sent" })).toMatchObject({
      decision: "unavailable",
    });
    reachable = true;
    await newRecord();
    expect(await claim()).toMatchObject({ decision: "replay", result: "sent" });
  });

  test("under whose key something else is claimed is a conflict", async () => {
    await claim({ idempotency_key: "own-key" });
    await newRecord();
    expect(await claim({ idempotency_key: "own-key", arguments: { title: "two" } })).toMatchObject({
      decision: "conflict",
    });
    expect(state().holds).toMatchObject([{ kind: "freeze", reason: "ActionConflict" }]);
  });

  test("of an agent that was started again in place is looked at first", async () => {
    const { key } = await claim();
    tools.begin();
    await newRecord();
    expect(await claim()).toMatchObject({ decision: "verify", key });
    await newRecord();
    expect(await claim()).toMatchObject({ decision: "verify", key });
    expect(await complete({ key, verified: "not_done", evidence: "nothing there" })).toMatchObject({
      decision: "recorded",
    });
    await newRecord();
    expect(await claim()).toMatchObject({ decision: "go" });
  });

  test("that nobody could verify stays unknown", async () => {
    const { key } = await claim();
    tools.begin();
    await claim();
    await complete({ key, verified: "unverifiable", evidence: "no way to look" });
    await newRecord();
    expect(await claim()).toMatchObject({ decision: "verify", key });
  });
});

test("a result that is too long to be kept stands in the way of no later question", async () => {
  const { key } = await claim();
  reachable = false;
  await complete({ key, outcome: "done", result: "x".repeat(20_000) });
  reachable = true;
  expect(await claim()).toMatchObject({ decision: "in_progress" });
  expect(await complete({ key, outcome: "done", result: "short" })).toMatchObject({ decision: "recorded" });
});

test("what the record still knows of it is not counted twice", async () => {
  const { key } = await claim();
  await complete({ key, outcome: "failed" });
  await claim();
  reachable = false;
  await complete({ key, outcome: "done" });
  reachable = true;
  await claim();
  expect(await types()).toEqual([
    "action.claimed",
    "action.completed",
    "action.claimed",
    "action.remembered",
    "action.duplicate",
  ]);
  expect(state().mission?.actions).toMatchObject({ claimed: 2, failed: 1, committed: 1, duplicates: 1 });
});

test("a record that lost nothing is told nothing", async () => {
  const { key } = await claim();
  await claim();
  await complete({ key, outcome: "done" });
  await claim();
  expect(await types()).toEqual(["action.claimed", "action.completed", "action.duplicate"]);
});

test("an agent that told nobody that it is done gets its own result again", async () => {
  const { key } = await claim();
  reachable = false;
  await complete({ key, outcome: "done", result: 1 });
  reachable = true;
  expect(await claim()).toMatchObject({ decision: "replay", result: 1 });
  expect(await types()).toEqual(["action.claimed", "action.remembered", "action.duplicate"]);
});
