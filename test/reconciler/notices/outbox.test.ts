import { beforeEach, describe, expect, it } from "vitest";
import { controllerPart, operator } from "../../../src/core/model/actor.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { Destination, Notice } from "../../../src/core/model/notice.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/core/model/time.ts";
import { deadLettersOf } from "../../../src/core/status/callbacks.ts";
import { silentLog } from "../../../src/ports/log.ts";
import type { Delivery } from "../../../src/ports/notifier.ts";
import { digestOf, noticesInto } from "../../../src/reconciler/notices/destinations.ts";
import { createNoticeOutbox, type NoticeOutbox } from "../../../src/reconciler/notices/outbox.ts";
import { openRecorder, type Recorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { aDestination } from "../../core/notify/notices.ts";
import { aClone, aMission, T0 } from "../../support/fleet.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store/store.ts";
import { rightToAct } from "../../support/right.ts";

const TICK_MS = SECOND_MS;
const DOWN: Delivery = { type: "retry", message: "connect ECONNREFUSED" };

let now: number;
const REVISION = "a".repeat(40);
const ANN = operator("ann");
let store: MemoryStore;
let recorder: Recorder;
let outbox: NoticeOutbox;
let declared: readonly Destination[] | null;
/** What each destination answers, and what it took, repeats included. */
let answers: Map<string, Delivery | (() => Delivery)>;
let took: { readonly to: string; readonly at: number; readonly notice: Notice }[];
let asked: { readonly to: string; readonly at: number; readonly id: string }[];

function saidNow() {
  return declared === null ? null : { revision: REVISION, destinations: declared };
}

async function boot(): Promise<void> {
  const own: Recorder = await openRecorder({
    store,
    clock,
    log: silentLog,
    right: rightToAct(),
    tell: noticesInto(
      () => own.fleet,
      () => declared,
    ),
  });
  recorder = own;
  outbox = createNoticeOutbox({
    recorder,
    clock,
    log: silentLog,
    declared: saidNow,
    mayRecord: () => true,
    open: ({ name }) => ({
      async deliver(notice) {
        const answer = answers.get(name) ?? { type: "delivered" };
        const given = typeof answer === "function" ? answer() : answer;
        asked.push({ to: name, at: now, id: notice.id });
        if (given.type === "delivered") took.push({ to: name, at: now, notice });
        return given;
      },
    }),
  });
}

const clock = { now: () => now, sleep: async () => {} };

/** Kills the controller and starts another one on what is on the disk. */
async function crash(): Promise<void> {
  store = store.reopen();
  await boot();
}

async function pass(ms: number): Promise<void> {
  for (const end = now + ms; now < end; now += TICK_MS) await tick();
  await tick();
}

async function tick(): Promise<void> {
  outbox.tick();
  await outbox.idle();
}

/** One clone with a mission; each gap and its end is one incident, told as two alerts. */
async function begin(clone: string, mission: string): Promise<void> {
  await recordEvents(
    recorder,
    clone,
    { type: "clone.declared", spec: aClone(clone) },
    { type: "mission.assigned", mission: aMission(mission, clone) },
  );
}

let strays = 0;
/** Something to tell: an incident of this clone. */
async function incident(clone: string): Promise<string> {
  strays += 1;
  const evidence = `stray ${strays}`;
  const handle = {
    driver: "fake",
    clone,
    epoch: 900 + strays,
    nonce: "n",
    containment: "group",
    data: {},
  } as const;
  const event: CloneEvent = { type: "stray.found", handle, evidence };
  await recordEvents(recorder, clone, event);
  return evidence;
}

const to = (name: string) => took.filter((one) => one.to === name);
const whats = (name: string) => to(name).map(({ notice }) => notice.what);
const subjects = (name: string) => to(name).map(({ notice }) => notice.subject);

beforeEach(async () => {
  now = T0;
  store = createMemoryStore();
  declared = [aDestination("hook"), aDestination("pager")];
  answers = new Map();
  took = [];
  asked = [];
  await boot();
  await begin("scribe", "audit");
  await begin("clerk", "ledger");
});

describe("a receiver that is down for ten minutes", () => {
  it("gets every notice once, in order per mission, and the alert comes over the other channel", async () => {
    answers.set("hook", DOWN);
    const sent: Record<string, string[]> = { scribe: [], clerk: [] };
    const outageEnds = now + 10 * MINUTE_MS;
    while (now < outageEnds) {
      for (const clone of ["scribe", "clerk"]) sent[clone]?.push(await incident(clone));
      await pass(30 * SECOND_MS);
    }
    expect(to("hook")).toEqual([]);
    // Everything reached the other one at once, and with it what is wrong with the first.
    const others = to("pager").filter(({ notice }) => notice.kind === "incident");
    expect(others).toHaveLength(40);
    const alerts = to("pager").filter(({ notice }) => notice.kind === "alert");
    expect(alerts.map(({ notice }) => notice.subject)).toEqual(["hook: notices do not get through"]);
    expect(alerts[0]?.notice.evidence).toEqual(["connect ECONNREFUSED"]);
    expect((alerts[0]?.at ?? 0) - T0).toBeLessThanOrEqual(MINUTE_MS);
    expect(outbox.destinations()).toMatchObject([
      { name: "hook", state: "failing", waiting: 40 },
      { state: "ok" },
    ]);

    answers.delete("hook");
    await pass(HOUR_MS);
    for (const [clone, expected] of Object.entries(sent)) {
      const arrived = to("hook").filter(({ notice }) => notice.clone === clone && notice.kind === "incident");
      expect(arrived.map(({ notice }) => notice.what)).toEqual(expected);
    }
    const ids = to("hook").map(({ notice }) => notice.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(subjects("pager").at(-1)).toBe("hook: notices get through again");
    expect(recorder.outbox.size).toBe(0);
    expect((await store.load()).outbox).toEqual([]);
    expect(outbox.destinations()).toMatchObject([{ name: "hook", state: "ok", waiting: 0 }, { state: "ok" }]);
  });

  it("is asked rarely while it is down", async () => {
    answers.set("hook", DOWN);
    for (let n = 0; n < 20; n++) await incident(n % 2 === 0 ? "scribe" : "clerk");
    await pass(10 * MINUTE_MS);
    expect(asked.filter((one) => one.to === "hook").length).toBeLessThanOrEqual(5 + 10);
  });

  it("loses nothing by a controller that dies at any moment meanwhile, and tells of the outage once", async () => {
    answers.set("hook", DOWN);
    const sent: string[] = [];
    for (let n = 0; n < 10; n++) {
      sent.push(await incident("scribe"));
      await pass(MINUTE_MS);
      await crash();
    }
    answers.delete("hook");
    await pass(HOUR_MS);
    const arrived = to("hook").filter(({ notice }) => notice.kind === "incident");
    expect(arrived.map(({ notice }) => notice.what)).toEqual(sent);
    expect(subjects("pager").filter((subject) => subject.startsWith("hook:"))).toEqual([
      "hook: notices do not get through",
      "hook: notices get through again",
    ]);
  });
});

describe("the outbox", () => {
  it("writes a notice in the transaction of its cause, or neither", async () => {
    store.failNextCommit("before");
    await expect(incident("scribe")).rejects.toMatchObject({ code: "store/io" });
    await tick();
    expect(took).toEqual([]);
    store.failNextCommit("after");
    await expect(incident("scribe")).rejects.toMatchObject({ code: "store/io" });
    await incident("clerk");
    await pass(MINUTE_MS);
    expect(whats("hook")).toHaveLength(2);
  });

  it("sends again under the same id what was taken while nobody heard of it", async () => {
    let first = true;
    answers.set("hook", () => {
      if (!first) return { type: "delivered" };
      first = false;
      return { type: "retry", message: "the answer was lost" };
    });
    await incident("scribe");
    await pass(MINUTE_MS);
    const ids = asked.filter((one) => one.to === "hook").map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
    expect(to("hook")).toHaveLength(1);
  });

  it("holds up one mission alone behind its head", async () => {
    const stuck = await incident("scribe");
    const behind = await incident("scribe");
    let healed = false;
    const rule = (): Delivery => DOWN;
    // The receiver chokes on this one notice.
    outbox = createNoticeOutbox({
      recorder,
      clock,
      log: silentLog,
      declared: saidNow,
      mayRecord: () => true,
      open: ({ name }) => ({
        async deliver(notice) {
          if (name === "hook" && notice.what === stuck && !healed) return rule();
          took.push({ to: name, at: now, notice });
          return { type: "delivered" };
        },
      }),
    });
    const beside = await incident("clerk");
    await pass(SECOND_MS);
    expect(whats("hook")).toEqual([beside]);
    healed = true;
    await pass(HOUR_MS);
    expect(whats("hook").filter((what) => what !== beside)).toEqual([stuck, behind]);
  });

  it("sets aside what is refused, says so elsewhere, goes on behind it, and sends it again on demand", async () => {
    answers.set("hook", { type: "refused", message: "answered 400: no such channel" });
    const refused = await incident("scribe");
    await tick();
    answers.delete("hook");
    const next = await incident("scribe");
    await pass(MINUTE_MS);
    expect(whats("hook")).toEqual([next]);
    expect(subjects("pager")).toContain("hook: a notice was set aside");
    await crash();
    const [letter] = deadLettersOf(recorder.outbox.values());
    expect(letter).toMatchObject({
      destination: "hook",
      reason: "Refused",
      problem: "answered 400: no such channel",
    });
    expect(await outbox.replay({ which: { id: "msg_unknown/hook" }, by: ANN })).toMatchObject({
      ok: false,
      code: "not_found",
    });
    expect(await outbox.replay({ which: { id: letter?.id ?? "" }, by: ANN })).toMatchObject({ ok: true });
    await tick();
    expect(whats("hook")).toEqual([next, refused]);
    const ids = new Set(asked.filter(({ to: name }) => name === "hook").map(({ id }) => id));
    expect(ids.size).toBe(2);
    expect(recorder.outbox.size).toBe(0);
  });

  it("does not let two destinations that refuse everything keep each other busy", async () => {
    answers.set("hook", { type: "refused", message: "no" }).set("pager", { type: "refused", message: "no" });
    await incident("scribe");
    await pass(MINUTE_MS);
    const letters = deadLettersOf(recorder.outbox.values());
    expect(letters).toHaveLength(4);
    expect(await outbox.replay({ which: "all", by: ANN })).toMatchObject({
      ok: true,
      message: "sent again: 4",
    });
  });

  it("asks a destination that wants nothing more no more, until its declaration changes or somebody replays", async () => {
    answers.set("hook", { type: "gone", message: "answered 410" });
    await incident("scribe");
    await tick();
    await crash();
    const later = await incident("clerk");
    await pass(HOUR_MS);
    expect(asked.filter((one) => one.to === "hook")).toHaveLength(1);
    expect(outbox.destinations()[0]).toMatchObject({ state: "gone", waiting: 1, dead: 1 });
    expect(subjects("pager")).toContain("hook: a notice was set aside");
    answers.delete("hook");
    declared = [aDestination("hook", { minSeverity: "medium" }), aDestination("pager")];
    await tick();
    expect(whats("hook")).toEqual([later]);
    answers.set("hook", { type: "gone", message: "answered 410" });
    await incident("clerk");
    await tick();
    answers.delete("hook");
    expect(await outbox.replay({ which: "all", by: ANN })).toMatchObject({ ok: true });
    await tick();
    expect(to("hook")).toHaveLength(3);
  });

  it("tries one that wanted nothing more again when everything is sent again, also where no letter is left of it", async () => {
    // As after a restoration: that it is gone was published, letters were not.
    const declaration = digestOf(aDestination("hook"));
    const by = controllerPart("notices");
    await recorder.writeFleet(() => ({
      events: [{ type: "destination.gone", by, destination: "hook", declaration, reason: "410" }],
    }));
    const waits = await incident("scribe");
    await pass(HOUR_MS);
    expect(whats("hook")).toEqual([]);
    expect(outbox.destinations()[0]).toMatchObject({ state: "gone", waiting: 1, dead: 0 });
    expect(await outbox.replay({ which: { id: "nothing" }, by: ANN })).toMatchObject({ ok: false });
    expect(await outbox.replay({ which: "all", by: ANN })).toEqual({
      ok: true,
      message: "sent again: 0; what waits for hook is tried again",
    });
    await tick();
    expect(whats("hook")).toEqual([waits]);
    expect(await outbox.replay({ which: "all", by: ANN })).toEqual({
      ok: true,
      message: "there is no dead letter",
    });
  });

  it("obeys Retry-After also when others get through", async () => {
    let busy = true;
    answers.set("hook", () =>
      busy ? { type: "retry", message: "answered 429", afterMs: 5 * MINUTE_MS } : { type: "delivered" },
    );
    await incident("scribe");
    await tick();
    busy = false;
    await incident("clerk");
    await pass(4 * MINUTE_MS);
    expect(to("hook")).toHaveLength(1);
    await pass(2 * MINUTE_MS);
    expect(to("hook")).toHaveLength(2);
  });

  it("goes by the last word of fleet.yaml while that cannot be read, and by nothing when there never was one", async () => {
    await tick();
    declared = null;
    await crash();
    await incident("scribe");
    await tick();
    expect(to("hook")).toHaveLength(1);
  });

  it("sets aside what waits for a destination that is declared no more", async () => {
    answers.set("hook", DOWN);
    await incident("scribe");
    await tick();
    declared = [aDestination("pager")];
    await tick();
    expect(deadLettersOf(recorder.outbox.values())).toMatchObject([{ reason: "NoSuchDestination" }]);
    expect(await outbox.replay({ which: "all", by: ANN })).toMatchObject({ ok: false, code: "conflict" });
    declared = [aDestination("hook"), aDestination("pager")];
    answers.delete("hook");
    expect(await outbox.replay({ which: "all", by: ANN })).toMatchObject({ ok: true });
    await tick();
    expect(to("hook")).toHaveLength(1);
  });

  it("says when very many wait, and leaves out nothing that matters", async () => {
    answers.set("hook", DOWN);
    for (let n = 0; n < 520; n++) await incident("scribe");
    await tick();
    expect(outbox.destinations()[0]).toMatchObject({ backlog: true });
    await tick();
    expect(subjects("pager").filter((subject) => subject === "hook: CallbackBacklog")).toHaveLength(1);
    answers.delete("hook");
    await pass(HOUR_MS);
    expect(to("hook").filter(({ notice }) => notice.kind === "incident")).toHaveLength(520);
    expect(outbox.destinations()[0]).toMatchObject({ backlog: false, waiting: 0 });
  });

  it("writes down what became of an attempt however often the record refuses", async () => {
    store.failNextCommit("after");
    await incident("scribe").catch(() => {});
    store.failNextCommit("before");
    await pass(MINUTE_MS);
    expect(recorder.outbox.size).toBe(0);
    expect((await store.load()).outbox).toEqual([]);
    expect(to("hook")).toHaveLength(1);
  });
});
