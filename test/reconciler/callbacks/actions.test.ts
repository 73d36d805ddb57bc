import { beforeEach, describe, expect, test } from "vitest";
import type {
  WireClaim,
  WireClaimAnswer,
  WireCompletion,
  WireCompletionAnswer,
} from "../../../src/api/action.ts";
import { dueRequests } from "../../../src/core/clone/questions/requests.ts";
import { operator, SUPERVISOR } from "../../../src/core/model/actor.ts";
import type { DesiredClone } from "../../../src/core/model/clone.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import type { InstanceCaller } from "../../../src/ports/control-plane.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { type Actions, createActions } from "../../../src/reconciler/callbacks/actions.ts";
import { openRecorder, type Recorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { createChecker } from "../../simulation/check/checker.ts";
import { ACTION_INVARIANTS } from "../../simulation/check/invariants/actions.ts";
import { aClone, aMission, handleOf, REVISION, T0 } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

let now = T0;
const clock = { now: () => ++now, sleep: async () => {} };
let store: MemoryStore;
let recorder: Recorder;
let actions: Actions;
let questions = 0;

beforeEach(async () => {
  now = T0;
  store = createMemoryStore();
  await open();
});

async function open(): Promise<void> {
  recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  actions = createActions({ recorder, store, clock });
}

const state = (): CloneState => recorder.states.get("scribe") ?? expect.fail("no such clone");

async function begin(change: Partial<DesiredClone> = {}): Promise<void> {
  await recordEvents(
    recorder,
    "scribe",
    { type: "clone.declared", spec: aClone("scribe", change) },
    { type: "mission.assigned", mission: aMission("audit", "scribe") },
  );
  await start();
}

async function start(): Promise<void> {
  await recordEvents(
    recorder,
    "scribe",
    { type: "start.planned", revision: REVISION, why: "" },
    { type: "prepare.finished", gates: [] },
  );
  const { epoch } = state();
  await recordEvents(recorder, "scribe", { type: "instance.launched", epoch, handle: handleOf(state()) });
  const report = (seq: number, type: "instance.ready" | "mission.accepted") =>
    ({
      type: "instance.reported",
      epoch,
      report: {
        type,
        seq,
        missionId: null,
        summary: "",
        artifacts: [],
        llmCalls: null,
        costMicros: null,
        detail: { callback_ms: 1, checks: [] },
      },
    }) as const;
  await recordEvents(recorder, "scribe", report(1, "instance.ready"), report(2, "mission.accepted"));
  expect(state().phase).toBe("Running");
}

/** The instance dies; the next one is started once its lane lets it. */
async function crash(): Promise<void> {
  const { epoch } = state();
  await recordEvents(
    recorder,
    "scribe",
    { type: "instance.gone", epoch, evidence: "killed" },
    {
      type: "stop.finished",
      epoch,
      proof: { containment: "pidns", rung: "already", emptyScans: 2, durationMs: 1, evidence: "" },
    },
    { type: "deadline.passed", deadline: "backoff", epoch, evidence: "" },
  );
}

const caller = (epoch = state().epoch): InstanceCaller => ({
  type: "instance",
  clone: "scribe",
  epoch,
  nonce: "n",
  revoked: state().instance?.epoch !== epoch || state().instance?.stopping !== null,
});

async function claim(change: Partial<WireClaim> = {}, by = caller()): Promise<WireClaimAnswer> {
  const answer = await actions.claim(by, {
    request_id: `q${++questions}`,
    action: "external_messaging",
    target: "ann",
    arguments: { subject: "hello" },
    ...change,
  });
  return answer.status === 200 ? answer.body : expect.fail(`${answer.status} ${answer.message}`);
}

async function complete(change: Partial<WireCompletion> & { key: string }): Promise<WireCompletionAnswer> {
  const answer = await actions.complete(caller(), { request_id: `q${++questions}`, ...change });
  return answer.status === 200 ? answer.body : expect.fail(`${answer.status} ${answer.message}`);
}

const decide = (
  type: "approve" | "deny" | "go_on" | "stop",
  actor = "ann",
  request = state().requests[0]?.id ?? "",
) =>
  recordEvents(recorder, "scribe", {
    type: "request.decided",
    request,
    decision: { type },
    by: operator(actor),
    reason: "",
  });
const holds = () => state().holds.map(({ kind, reason }) => `${kind}/${reason}`);
const incidents = () =>
  (state().mission?.incidents ?? []).map((one) => `${one.class}${one.endedAt === null ? "" : " over"}`);
const eventTypes = async () =>
  (await store.events({ limit: 1_000 }))
    .map(({ event }) => event.type)
    .filter((type) => /action|approval/.test(type));
const row = (key: string) => store.action(state().mission?.missionId ?? "", key);

describe("the ledger", () => {
  test("lets an action be done once and replays what came of it", async () => {
    await begin();
    const first = await claim();
    expect(first.decision).toBe("go");
    expect(await row(first.key)).toMatchObject({
      state: "reserved",
      epoch: 1,
      arguments: '{"subject":"hello"}',
    });
    expect((await claim()).decision).toBe("in_progress");
    expect(await complete({ key: first.key, outcome: "done", result: { id: 7 } })).toMatchObject({
      decision: "recorded",
      state: "committed",
    });
    expect(await claim()).toMatchObject({ decision: "replay", result: { id: 7 }, key: first.key });
    expect(holds()).toEqual([]);
    expect(await eventTypes()).toEqual(["action.claimed", "action.completed", "action.duplicate"]);
    expect(state().mission?.actions).toMatchObject({ claimed: 1, committed: 1, duplicates: 1 });
  });

  test("lets what failed be tried again", async () => {
    await begin();
    const { key } = await claim();
    await complete({ key, outcome: "failed", evidence: "no route" });
    expect(await row(key)).toMatchObject({ state: "failed", evidence: "no route" });
    expect((await claim()).decision).toBe("go");
  });

  test("answers the same question as it was answered the first time, also when the answer was lost with the commit", async () => {
    await begin();
    const asked: Partial<WireClaim> = { request_id: "same" };
    store.failNextCommit("after");
    await expect(claim(asked)).rejects.toMatchObject({ code: "store/io" });
    expect((await claim(asked)).decision).toBe("go");
    expect((await claim(asked)).decision).toBe("go");
    expect(await eventTypes()).toEqual(["action.claimed"]);
    const other = await actions.claim(caller(), { request_id: "same", action: "other" });
    expect(other.status).toBe(409);
  });

  test("lets exactly one of many that ask at once", async () => {
    await begin();
    const answers = await Promise.all(Array.from({ length: 20 }, () => claim()));
    expect(answers.map(({ decision }) => decision).sort()).toEqual([
      "go",
      ...Array.from({ length: 19 }, () => "in_progress"),
    ]);
  });

  test("is the fold of its events, also after a restart of ours", async () => {
    await begin();
    const { key } = await claim();
    store = store.reopen();
    await open();
    expect((await claim()).decision).toBe("in_progress");
    await complete({ key, outcome: "done" });
    const checker = createChecker(ACTION_INVARIANTS);
    for (const event of await store.events({ limit: 100 }))
      checker.take(
        {
          type: "committed",
          at: event.at,
          events: [event],
          states: [],
          effects: [],
          settled: [],
          receipts: [],
        },
        event.at,
      );
    expect(checker.violations).toEqual([]);
  });

  test("freezes the lane for the second repeat within the window, and a person's release goes on", async () => {
    await begin();
    const { key } = await claim();
    await complete({ key, outcome: "done" });
    await claim();
    const third = await claim();
    expect(third).toMatchObject({ decision: "replay", request: "audit.lane.1" });
    expect(holds()).toEqual(["freeze/DuplicateAction"]);
    expect(incidents()).toEqual(["duplicate_action"]);
    expect(state().requests[0]).toMatchObject({
      id: "audit.lane.1",
      kind: "lane",
      answers: ["go_on", "stop"],
    });
    expect(state().instance?.pauseAsked).toBe(true);
    expect((await claim({ target: "bob" })).decision).toBe("held");

    await decide("go_on");
    expect(holds()).toEqual([]);
    expect(incidents()).toEqual(["duplicate_action over"]);
    expect(state().mission?.answered.at(-1)).toMatchObject({ decision: "go_on", by: operator("ann") });
    expect(state().instance?.pauseAsked).toBe(false);
    expect((await claim({ target: "bob" })).decision).toBe("go");
    expect((await claim()).decision).toBe("replay");
    expect(holds()).toEqual([]);
    await claim();
    expect(holds()).toEqual(["freeze/DuplicateAction"]);
  });

  test("freezes the lane at once for another content under the same key", async () => {
    await begin();
    const { key } = await claim({ idempotency_key: "mail-1" });
    const other = await claim({ idempotency_key: "mail-1", arguments: { subject: "bye" } });
    expect(other).toMatchObject({ decision: "conflict", key, request: "audit.lane.1" });
    await claim({ idempotency_key: "mail-1", arguments: { subject: "bye" } });
    expect(holds()).toEqual(["freeze/ActionConflict"]);
    expect(incidents()).toEqual(["action_conflict"]);
    await complete({ key, outcome: "done" });
    expect(await row(key)).toMatchObject({ state: "committed", arguments: '{"subject":"hello"}' });
    await decide("stop");
    expect(state().mission?.terminal?.status).toBe("cancelled");
  });

  test("of two epochs only one does it: what the first began is looked at, found done, and not done again", async () => {
    await begin();
    const first = await claim();
    await crash();
    await start();
    const second = await claim();
    expect(second).toMatchObject({
      decision: "verify",
      key: first.key,
      verify: { marker: first.marker, reserved_epoch: 1, target: "ann" },
    });
    expect((await claim()).decision).toBe("verify");
    expect((await complete({ key: first.key, outcome: "done" })).decision).toBe("refused");
    await complete({ key: first.key, verified: "done", evidence: "the mail is in the outbox" });
    expect(await row(first.key)).toMatchObject({ state: "committed", epoch: 1 });
    expect((await claim()).decision).toBe("replay");
    expect(await eventTypes()).toEqual([
      "action.claimed",
      "action.unknown",
      "action.completed",
      "action.duplicate",
    ]);
  });

  test("what was found not done may be done, by the epoch that looked", async () => {
    await begin();
    const { key } = await claim();
    await crash();
    await start();
    await claim();
    await complete({ key, verified: "not_done", evidence: "no such mail" });
    expect((await claim()).decision).toBe("go");
    expect(await row(key)).toMatchObject({ state: "reserved", epoch: 2 });
  });

  test("what nobody can verify freezes the lane; released, it goes on without it", async () => {
    await begin();
    const { key } = await claim();
    await crash();
    await start();
    await claim();
    expect(
      await complete({ key, verified: "unverifiable", evidence: "the server does not answer" }),
    ).toMatchObject({
      decision: "frozen",
    });
    expect(holds()).toEqual(["freeze/UnknownAction"]);
    expect(incidents().at(-1)).toBe("unknown_action");
    await crash();
    expect(state().phase).toBe("Idle");
    await recordEvents(recorder, "scribe", { type: "start.planned", revision: REVISION, why: "" });
    expect(state().phase).toBe("Idle");
    await decide("go_on");
    await start();
    expect((await claim()).decision).toBe("skip");
    expect(await row(key)).toMatchObject({ state: "unknown" });
    expect(await eventTypes()).toEqual(["action.claimed", "action.unknown", "action.unknown"]);
  });

  test("a hold that is lifted by hand answers its question", async () => {
    await begin();
    await claim({ idempotency_key: "k" });
    await claim({ idempotency_key: "k", target: "bob" });
    const [hold] = state().holds;
    await recordEvents(recorder, "scribe", {
      type: "hold.released",
      kind: "freeze",
      owner: hold?.owner ?? "",
      by: operator("bob"),
      reason: "looked at it",
    });
    expect(state().requests).toEqual([]);
    expect(state().mission?.answered.at(-1)).toMatchObject({
      kind: "lane",
      decision: "go_on",
      detail: "looked at it",
    });
    expect(incidents()).toEqual(["action_conflict over"]);
  });

  test("two frozen actions are two questions: the first answer does not lift the other's hold", async () => {
    await begin();
    for (const key of ["a", "b"]) await claim({ idempotency_key: key });
    for (const key of ["a", "b"]) await claim({ idempotency_key: key, target: "bob" });
    expect(holds()).toEqual(["freeze/ActionConflict", "freeze/ActionConflict"]);
    await decide("go_on");
    expect(holds()).toEqual(["freeze/ActionConflict"]);
    expect(incidents()).toEqual(["action_conflict", "action_conflict"]);
    await decide("go_on");
    expect(incidents()).toEqual(["action_conflict over", "action_conflict over"]);
  });

  test("an epoch that is over is refused, counted and recorded", async () => {
    await begin();
    const old = caller();
    await crash();
    await start();
    const answer = await actions.claim(
      { ...old, revoked: true },
      { request_id: "late", action: "external_messaging" },
    );
    expect(answer.status).toBe(410);
    // A token that was still good when it was shown, of an epoch that is over when its turn comes.
    expect(
      (await actions.claim({ ...old, revoked: false }, { request_id: "later", action: "x" })).status,
    ).toBe(410);
    expect(
      (await actions.complete({ ...old, revoked: true }, { request_id: "r", key: "k", outcome: "done" }))
        .status,
    ).toBe(410);
    expect(state().mission?.actions.refused).toBe(3);
    expect((await eventTypes()).filter((type) => type === "action.refused")).toHaveLength(3);
  });

  test("nothing is begun while the mission is held or over", async () => {
    await begin();
    await recordEvents(recorder, "scribe", {
      type: "hold.placed",
      by: operator("ann"),
      hold: {
        kind: "operator",
        owner: "operator:ann",
        since: T0,
        reason: "PausedByHand",
        message: "wait",
        clearBy: "operator",
      },
    });
    expect((await claim()).decision).toBe("held");
    await recordEvents(recorder, "scribe", {
      type: "kill.requested",
      by: operator("ann"),
      reason: "",
      now: true,
    });
    expect((await actions.claim(caller(1), { request_id: "x", action: "a" })).status).toBe(410);
  });

  test("a result that is too large to be replayed whole is refused", async () => {
    await begin();
    const { key } = await claim();
    expect((await complete({ key, outcome: "done", result: "x".repeat(20_000) })).decision).toBe("refused");
    expect(await row(key)).toMatchObject({ state: "reserved" });
  });
});

describe("approvals", () => {
  const rule = { action: "external_messaging", approvers: ["ann", "bob"], quorum: 1, expiresMs: HOUR_MS };
  const needed = { approvalRequired: ["external_messaging"], approvalRules: [rule] };

  test("pause the agent and ask; the decision lets this action go and nothing else", async () => {
    await begin(needed);
    const asked = await claim();
    expect(asked).toMatchObject({ decision: "approval_required", request: "audit.approval.1" });
    expect(holds()).toEqual(["approval/AwaitingApproval"]);
    expect(state().instance?.pauseAsked).toBe(true);
    expect(state().requests[0]).toMatchObject({
      kind: "approval",
      binds: asked.digest,
      approvers: ["ann", "bob"],
      barred: [{ type: "instance", clone: "scribe", epoch: 1 }],
      requestedBy: { type: "instance", clone: "scribe", epoch: 1 },
    });
    expect((await claim()).decision).toBe("approval_required");
    expect(state().requests).toHaveLength(1);

    await decide("approve");
    expect(holds()).toEqual([]);
    expect((await claim({ arguments: { subject: "another" } })).decision).toBe("approval_required");
    await decide("deny");
    expect((await claim()).decision).toBe("go");
    expect(await row(asked.key)).toMatchObject({ approval: "audit.approval.1", state: "reserved" });
  });

  test("hold for one claim", async () => {
    await begin(needed);
    await claim({ idempotency_key: "first" });
    await decide("approve");
    expect((await claim({ idempotency_key: "first" })).decision).toBe("go");
    expect((await claim({ idempotency_key: "second" })).decision).toBe("approval_required");
    await decide("approve");
    await complete({ key: "first", outcome: "failed" });
    expect((await claim({ idempotency_key: "second" })).decision).toBe("go");
    expect((await claim({ idempotency_key: "first" })).decision).toBe("approval_required");
  });

  test("are given only by those who are named, and never by the one whose wish it is", async () => {
    await begin(needed);
    await claim();
    for (const stranger of ["eve", "scribe"]) {
      await decide("approve", stranger);
      expect(holds()).toEqual(["approval/AwaitingApproval"]);
    }
    await decide("approve", "bob");
    expect((await claim()).decision).toBe("go");
  });

  test("need as many as the rule says, each once", async () => {
    await begin({ ...needed, approvalRules: [{ ...rule, quorum: 2 }] });
    await claim();
    await decide("approve", "ann");
    await decide("approve", "ann");
    expect(holds()).toEqual(["approval/AwaitingApproval"]);
    await decide("approve", "bob");
    expect(state().mission?.approvals).toMatchObject([
      { decision: "approved", by: [operator("ann"), operator("bob")] },
    ]);
    expect((await claim()).decision).toBe("go");
  });

  test("denied stays denied, by whomever, also in the next epoch", async () => {
    await begin(needed);
    await claim();
    await decide("deny", "eve");
    expect(holds()).toEqual([]);
    expect(await claim()).toMatchObject({ decision: "denied", request: "audit.approval.1" });
    await crash();
    await start();
    expect((await claim()).decision).toBe("denied");
    expect((await claim({ target: "bob" })).decision).toBe("approval_required");
    expect(state().mission?.actions.refused).toBe(2);
  });

  test("that nobody gives in time are denied; until then the mission stays paused", async () => {
    await begin(needed);
    await claim();
    const expiresAt = state().requests[0]?.expiresAt ?? 0;
    expect(expiresAt - (state().requests[0]?.openedAt ?? 0)).toBeGreaterThanOrEqual(HOUR_MS);
    expect(dueRequests(state(), expiresAt - 1)).toEqual([]);
    const events = dueRequests(state(), expiresAt);
    expect(events).toHaveLength(1);
    now = expiresAt;
    await recordEvents(recorder, "scribe", ...events);
    expect(holds()).toEqual([]);
    expect(state().mission?.answered.at(-1)).toMatchObject({
      decision: "deny",
      by: SUPERVISOR,
      detail: "expired",
    });
    expect((await claim()).decision).toBe("denied");
  });

  test("that nobody answers hold, and say since when", async () => {
    await begin({ ...needed, approvalRules: [{ ...rule, expiresMs: null }] });
    await claim();
    const asked = state().requests[0];
    const month = (asked?.openedAt ?? 0) + 30 * 24 * HOUR_MS;
    for (now = asked?.remindAt ?? 0; now < month; now = state().requests[0]?.remindAt ?? month)
      await recordEvents(recorder, "scribe", ...dueRequests(state(), now));
    expect(state().requests).toMatchObject([{ id: asked?.id, expiresAt: null, openedAt: asked?.openedAt }]);
    expect(state().holds).toMatchObject([{ reason: "AwaitingApproval", since: asked?.openedAt }]);
    await decide("approve");
    expect((await claim()).decision).toBe("go");
  });

  test("that nobody answers come back as often as the rule says", async () => {
    const remindMs = HOUR_MS / 6;
    await begin({ ...needed, approvalRules: [{ ...rule, expiresMs: null, remindMs }] });
    await claim();
    const { openedAt = 0 } = state().requests[0] ?? {};
    expect(dueRequests(state(), openedAt + remindMs - 1)).toEqual([]);
    for (let times = 1; times <= 3; times += 1) {
      now = state().requests[0]?.remindAt ?? 0;
      await recordEvents(recorder, "scribe", ...dueRequests(state(), now));
      expect(state().requests[0]).toMatchObject({ reminders: times, remindMs });
      expect((state().requests[0]?.remindAt ?? 0) - now).toBeLessThan(remindMs + 1_000);
    }
  });

  test("can be asked for ahead, for actions that do not need one, too", async () => {
    await begin();
    const ahead = await claim({ approval_only: true });
    expect(ahead.decision).toBe("approval_required");
    await decide("approve");
    expect((await claim({ approval_only: true })).decision).toBe("approved");
    expect((await claim()).decision).toBe("go");
  });

  test("are not needed for what the ledger answers by itself", async () => {
    await begin(needed);
    const { key } = await claim();
    await decide("approve");
    await claim();
    await complete({ key, outcome: "done", result: 1 });
    expect((await claim()).decision).toBe("replay");
  });

  test("are asked of everybody but the clone where the mission alone demands them", async () => {
    await begin({ approvalRequired: ["external_messaging"] });
    await claim();
    await decide("approve", "scribe");
    expect(holds()).toEqual(["approval/AwaitingApproval"]);
    await decide("approve", "anybody");
    expect((await claim()).decision).toBe("go");
  });
});
