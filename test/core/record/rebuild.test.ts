import { describe, expect, test } from "vitest";
import { checkRecord } from "../../../src/core/check/checker.ts";
import { decide } from "../../../src/core/clone/decide.ts";
import { operator } from "../../../src/core/model/actor.ts";
import { type CloneState, initialState } from "../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import type { ReportType } from "../../../src/core/model/report.ts";
import { anchorText, judgeAnchor, readAnchor } from "../../../src/core/record/anchor.ts";
import { publishedClone, readPublishedClone, textOf } from "../../../src/core/record/published.ts";
import { actionTexts, readActions } from "../../../src/core/record/published-actions.ts";
import {
  EPOCH_MARGIN,
  type FoundInstance,
  planRebuild,
  type Rebuild,
} from "../../../src/core/record/rebuild.ts";
import { aReport, Life, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { NO_FILES, recordFilesOf } from "../../support/published.ts";

const HOUR = 3_600_000;
const ANCHOR = {
  installation: "factory-test",
  repository: "fleet",
  seq: 42,
  hash: "a".repeat(64),
  first: "b".repeat(64),
};

function bodyOf(epoch: number, change: Partial<FoundInstance> & { nonce?: string } = {}): FoundInstance {
  const nonce = change.nonce ?? `nonce-${epoch}`;
  const handle: InstanceHandle = {
    driver: "fake",
    clone: "scribe",
    epoch,
    nonce,
    containment: "group",
    data: {},
  };
  return { state: "live", missionId: null, remembered: [], orphan: false, ...change, handle };
}

function rebuild(
  state: CloneState,
  instances: readonly FoundInstance[],
  more: { keyKept?: boolean; workspaces?: readonly string[]; now?: number } = {},
): Rebuild {
  return planRebuild({
    files: { ...recordFilesOf([state]), journal: anchorText(ANCHOR) },
    instances,
    workspaces: new Set(more.workspaces ?? ["scribe"]),
    keyKept: more.keyKept ?? true,
    commit: "c".repeat(40),
    now: more.now ?? T0 + HOUR,
  });
}

/** The state after the first event of the new record, and what is asked for. */
function restored(
  state: CloneState,
  instances: readonly FoundInstance[],
  more: Parameters<typeof rebuild>[2] = {},
): { after: CloneState; effects: readonly string[] } {
  const [lane] = rebuild(state, instances, more).lanes;
  if (lane === undefined) throw new Error("there is no lane");
  const at = more.now ?? T0 + HOUR;
  const { state: after, effects } = decide(initialState("scribe", at), lane.event, at);
  return { after, effects: effects.map(({ type }) => type) };
}

function thatActed(state: CloneState): CloneState {
  const { mission } = state;
  return mission === null
    ? state
    : { ...state, mission: { ...mission, actions: { ...mission.actions, claimed: 1 } } };
}

describe("what is published", () => {
  test("holds neither nonce nor handle, and comes back as it was", () => {
    const { state } = new Life().running();
    const text = textOf(publishedClone(state));
    expect(text).not.toContain(state.instance?.nonce);
    expect(text).not.toContain("handle-data");
    const read = readPublishedClone("record/scribe.json", text);
    expect(read.state.epoch).toBe(1);
    expect(read.state.mission).toEqual(JSON.parse(JSON.stringify(state.mission)));
  });

  test("says nothing about results and arguments of actions, and enough not to do them twice", () => {
    const row = {
      missionId: "m_1",
      clone: "scribe",
      key: "send-1",
      action: "external_messaging",
      target: "ada",
      arguments: '{"secret":"hunter2"}',
      digest: "sha256:1",
      state: "committed",
      epoch: 1,
      agent: 1,
      reservedAt: T0,
      settledAt: T0 + 1,
      result: '{"token":"hunter2"}',
      evidence: "",
      approval: null,
      duplicates: [],
      duplicatesTotal: 0,
    } as const;
    const [text = ""] = actionTexts([row]);
    expect(text).not.toContain("hunter2");
    const [read] = readActions("actions/scribe/1.json", text, "scribe");
    expect(read).toMatchObject({ key: "send-1", digest: "sha256:1", state: "committed", result: null });
    expect(() => readActions("actions/scribe/1.json", "{}", "scribe")).toThrow(/cannot be used/);
    expect(actionTexts(Array.from({ length: 4_001 }, () => row))).toHaveLength(3);
  });
});

describe("a lane that is restored", () => {
  test("takes up again who lives, reads what it has said since, and does not hand over again", () => {
    const life = new Life().running();
    const { after, effects } = restored(life.state, [bodyOf(1, { nonce: life.state.instance?.nonce ?? "" })]);
    expect(after).toMatchObject({ phase: "Running", epoch: 1, version: 1 });
    expect(after.instance).toMatchObject({
      epoch: 1,
      nonce: life.state.instance?.nonce,
      handle: null,
      stopping: null,
    });
    // It is told to go on, because nobody knows whether it was paused last.
    expect(effects).toEqual(["pull", "resume"]);
    expect(after.mission?.incidents.at(-1)).toMatchObject({ class: "record_lost", startedAt: life.at });
  });

  test("does not let a living one take the next word of a person for one that was said before the loss", () => {
    const published = new Life().running().state;
    const { after } = restored(published, [bodyOf(1, { nonce: published.instance?.nonce ?? "" })]);
    const word = { type: "message.sent", by: operator("ann"), text: "look into the cellar" } as const;
    const idOf = (state: CloneState) =>
      decide(state, word, T0 + 2 * HOUR).effects.flatMap((effect) =>
        effect.type === "message" ? effect.id : [],
      );
    expect(idOf(published)).toHaveLength(1);
    expect(idOf(after)).not.toEqual(idOf(published));
  });

  test("ends with proof what cannot be heard any more, and starts it again", () => {
    const life = new Life().running();
    const { after, effects } = restored(life.state, [bodyOf(1)], { keyKept: false });
    expect(after).toMatchObject({ phase: "Stopping", epoch: 1 });
    expect(after.instance?.stopping).toMatchObject({ type: "replaced" });
    expect(effects).toEqual(["stop"]);
    const proof = {
      containment: "group",
      rung: "sigkill",
      emptyScans: 2,
      durationMs: 5,
      evidence: "gone",
    } as const;
    const dead = decide(after, { type: "stop.finished", epoch: 1, proof }, T0 + 2 * HOUR).state;
    // It was not its fault: nothing is counted against it.
    expect(dead).toMatchObject({ phase: "Idle", instance: null, failures: [] });
  });

  test("measures nobody for the time in which nobody knows whether it lived", () => {
    const life = new Life().running();
    const { after } = restored(life.state, [], { now: T0 + 100 * HOUR });
    expect(after.mission?.activeSince).toBeNull();
    expect(after.mission?.activeMs).toBe(life.at - (life.state.mission?.activeSince ?? 0));
  });

  test("uses no epoch again that may have been used where nothing on the machine tells", () => {
    const life = new Life().running();
    expect(restored(life.state, []).after.epoch).toBe(1 + EPOCH_MARGIN);
    expect(restored(life.state, [bodyOf(7, { state: "dead", orphan: true })]).after.epoch).toBe(
      7 + EPOCH_MARGIN,
    );
    expect(restored(life.state, [bodyOf(4, { state: "dead" })]).after.epoch).toBe(4);
  });

  test("takes up an epoch that was begun after the last publication", () => {
    const life = new Life().declared().assigned().planned();
    const { after, effects } = restored(life.state, [bodyOf(3)]);
    expect(after).toMatchObject({ phase: "Starting", epoch: 3 });
    expect(after.instance).toMatchObject({ epoch: 3, lastSeq: 0, readyAt: null });
    expect(effects).toEqual(["pull"]);
    const ready = decide(
      after,
      {
        type: "instance.adopted",
        epoch: 3,
        handle: bodyOf(3).handle,
      },
      T0 + HOUR + 1,
    ).state;
    expect(ready.gates.filter(({ ok }) => !ok)).toEqual([]);
  });

  test.each([
    { held: false, told: "resume" },
    { held: true, told: "pause" },
  ])(
    "tells an epoch that was begun since what it is to do as soon as it runs, held or not: $told",
    ({ held, told }) => {
      let { after } = restored(new Life().declared().assigned().planned().state, [bodyOf(3)]);
      const hold = {
        kind: "operator",
        owner: "operator:ann",
        reason: "Paused",
        clearBy: "operator",
      } as const;
      const step = (event: CloneEvent): readonly string[] => {
        const { state, effects } = decide(after, event, T0 + HOUR + 1);
        after = state;
        return effects.map(({ type }) => type);
      };
      const says = (type: ReportType, seq: number) =>
        step({
          type: "instance.reported",
          epoch: 3,
          report: aReport(type, { seq, detail: { callback_ms: 3, checks: [] } }),
        });
      says("instance.ready", 1);
      if (held)
        step({ type: "hold.placed", by: operator("ann"), hold: { ...hold, since: T0, message: "wait" } });
      expect(after.instance?.pauseAsked).toBeNull();
      expect(says("mission.accepted", 2)).toEqual([told]);
      expect(after).toMatchObject({ phase: "Running", instance: { pauseAsked: held } });
      expect(says("mission.progress", 3)).toEqual([]);
    },
  );

  test("a gate that was not met when it was published was met by whoever was launched since", () => {
    const life = new Life().declared().assigned().planned().prepared(false);
    expect(life.state.gates.some(({ ok }) => !ok)).toBe(true);
    const { after } = restored(life.state, [bodyOf(3)]);
    expect(after.instance).toMatchObject({ epoch: 3 });
    expect(after.gates.filter(({ ok }) => !ok)).toEqual([]);
    const types = after.gates.map(({ type }) => type);
    expect(types).toEqual([...new Set(types)]);
  });

  test("leaves an instance with somebody else's mission to be ended as a stray", () => {
    const life = new Life().declared().assigned().planned();
    const { after, effects } = restored(life.state, [bodyOf(3, { missionId: "m_other" })]);
    expect(after).toMatchObject({ phase: "Idle", epoch: 3, instance: null });
    expect(effects).toEqual([]);
  });

  test.each([
    { workspaces: ["scribe"], phase: "Judging", effects: ["judge"], outcome: undefined },
    { workspaces: [], phase: "Idle", effects: [], outcome: "unknown" },
  ])(
    "judges what had completed, or says that nobody can: $outcome",
    ({ workspaces, phase, effects, outcome }) => {
      const life = new Life().running().reports("mission.completed", { summary: "done" }).dead();
      expect(life.state.phase).toBe("Judging");
      const found = restored(life.state, [], { workspaces });
      expect(found.after.phase).toBe(phase);
      expect(found.effects).toEqual(effects);
      expect(found.after.past.at(-1)?.outcome).toBe(outcome);
    },
  );

  test("keeps what is over, also where the text of the closure is lost", () => {
    const life = new Life().running().reports("mission.completed", { summary: "done" }).dead().judged();
    const name = life.state.past[0]?.name ?? "";
    const { after } = restored(life.state, []);
    expect(after.past.map((past) => past.name)).toEqual([name]);
    expect(life.assigned().state.mission).toBeNull();
    const without = planRebuild({
      files: { ...recordFilesOf([life.state]), journal: anchorText(ANCHOR), closures: new Map() },
      instances: [],
      workspaces: new Set(),
      keyKept: true,
      commit: "c".repeat(40),
      now: T0,
    });
    expect(without.lanes[0]?.event.snapshot["forgottenRuns"]).toEqual({ [name]: 1 });
  });

  test("is restored into nothing only", () => {
    const life = new Life().running();
    const [lane] = rebuild(life.state, []).lanes;
    if (lane === undefined) throw new Error("there is no lane");
    const again = decide(life.state, lane.event, T0 + HOUR);
    expect(again.ignored).toMatch(/knows this clone/);
    expect(again.effects).toEqual([]);
  });

  test("keeps a person's hold, and asks a person where actions may have been done unseen", () => {
    const life = new Life().running();
    const acted = thatActed(life.state);
    const lost = restored(acted, []).after;
    expect(lost.holds).toMatchObject([{ kind: "freeze", reason: "LedgerIncomplete" }]);
    expect(lost.requests).toMatchObject([{ kind: "lane" }]);
    const lives = restored(acted, [bodyOf(1, { nonce: life.state.instance?.nonce ?? "" })]).after;
    expect(lives.holds).toEqual([]);
  });

  test("offers a mission to the in-core lane once more that was offered to it: nobody knows whether it has it", () => {
    const life = new Life().declared().assigned();
    const handover = { url: "https://in-core.example", authRef: "env:TOKEN" };
    const { missionId = "" } = life.state.mission ?? {};
    life.on({ type: "handover.planned", missionId, ...handover });
    const [lane] = rebuild(life.state, []).lanes;
    if (lane === undefined) throw new Error("there is no lane");
    const { effects } = decide(initialState("scribe", T0 + HOUR), lane.event, T0 + HOUR);
    expect(effects).toEqual([{ type: "hand_over", missionId, ...handover }]);
  });

  describe("what was done after the publication", () => {
    const remembered = (key: string, state: "reserved" | "committed") => ({
      key,
      action: "ticket",
      target: "T-1",
      arguments: "{}",
      digest: "d",
      agent: 1,
      state,
      result: state === "committed" ? "7" : null,
      evidence: "",
    });

    test("is in the ledger when its shim is dead, and nobody has to look", () => {
      const life = new Life().running();
      const body = bodyOf(1, { state: "dead", remembered: [remembered("a", "committed")] });
      const [lane] = rebuild(life.state, [body]).lanes;
      expect(lane?.event.actions).toMatchObject([
        { key: "a", state: "committed", epoch: 1, clone: "scribe", result: "7" },
      ]);
      const { after } = restored(life.state, [body]);
      expect(after.mission?.actions).toMatchObject({ claimed: 1, committed: 1 });
      expect(after.holds).toEqual([]);
    });

    test("is taken from every epoch, the newest last", () => {
      const life = new Life().running();
      const bodies = [
        bodyOf(2, { remembered: [remembered("a", "committed"), remembered("b", "reserved")] }),
        bodyOf(1, { state: "dead", remembered: [remembered("a", "reserved")] }),
      ];
      const [lane] = rebuild(life.state, bodies).lanes;
      expect(lane?.event.actions).toMatchObject([
        { key: "a", state: "committed", epoch: 2 },
        { key: "b", state: "reserved", epoch: 2 },
      ]);
      expect(restored(life.state, bodies).after.holds).toEqual([]);
    });

    test("is of the mission that the instance served, and of no other", () => {
      const life = new Life().running();
      const body = bodyOf(1, { missionId: "m_other", remembered: [remembered("a", "committed")] });
      const event = rebuild(life.state, [body]).lanes[0]?.event;
      expect(event?.actions).toMatchObject([{ missionId: "m_other", key: "a", state: "committed" }]);
      expect(event?.snapshot).toMatchObject({ mission: { missionId: life.state.mission?.missionId } });
    });

    test("is for a person to look at where an epoch in between cannot tell", () => {
      const life = new Life().running();
      const acts = [remembered("a", "committed")];
      for (const bodies of [
        [bodyOf(3, { remembered: acts }), bodyOf(1, { state: "dead" })],
        [bodyOf(2, { remembered: acts }), bodyOf(1, { state: "dead", remembered: null })],
      ]) {
        const { after } = restored(life.state, bodies);
        expect(after.holds).toMatchObject([{ kind: "freeze", reason: "LedgerIncomplete" }]);
        expect(after.phase).not.toBe("Stopping");
      }
    });

    test("is known to be nothing where the folder of the last epoch shows that folders were kept", () => {
      const waits = new Life()
        .running()
        .reports("instance.exited", { detail: { code: 1 } })
        .dead();
      const acted = thatActed(waits.state);
      expect(acted.instance).toBeNull();
      expect(restored(acted, [bodyOf(1, { state: "dead" })]).after.holds).toEqual([]);
      expect(restored(acted, []).after.holds).toMatchObject([{ reason: "LedgerIncomplete" }]);
    });
  });

  test("breaks no promise", async () => {
    const lives = new Life().running().reports("mission.progress").reports("mission.progress");
    const ended = new Life().running().reports("mission.completed", { summary: "done" }).dead().judged();
    for (const [state, bodies] of [
      [lives.state, [bodyOf(1, { nonce: lives.state.instance?.nonce ?? "" })]],
      [lives.state, []],
      [lives.state, [bodyOf(2)]],
      [ended.state, []],
    ] as const) {
      const [lane] = rebuild(state, bodies).lanes;
      if (lane === undefined) throw new Error("there is no lane");
      const at = T0 + HOUR;
      const { state: after } = decide(initialState("scribe", at), lane.event, at);
      const store = createMemoryStore();
      const events = [{ clone: "scribe", missionId: null, event: lane.event }];
      await store.commit({
        term: 1,
        at,
        events,
        states: [after],
        effects: [],
        settled: [],
        receipts: [],
        settings: {},
      });
      const { states, fleet, effects } = await store.load();
      const found = checkRecord({ states, fleet, effects, events: await store.events({ limit: 10 }) });
      // The effects are not in this store.
      expect(found.filter(({ invariant }) => invariant !== "nothing-stranded")).toEqual([]);
    }
  });

  test("refuses a text with a hole in it", () => {
    const problems = (text: string): readonly string[] =>
      planRebuild({
        files: { ...NO_FILES, journal: "{}", clones: new Map([["record/x.json", text]]) },
        instances: [],
        workspaces: new Set(),
        keyKept: true,
        commit: "",
        now: T0,
      }).problems;
    expect(problems("{")).toEqual([
      "the head of the journal on the status branch cannot be read",
      "record/x.json on the status branch cannot be used: it is not JSON",
    ]);
    expect(problems('{"format":1,"clone":"x"}')).toHaveLength(2);
  });
});

describe("an anchor", () => {
  const chain = { first: ANCHOR.first, seq: 50, hashThere: ANCHOR.hash, replaces: null };

  test.each([
    { case: "lies on the chain", on: chain, verdict: "on_chain" },
    { case: "lies beyond its end", on: { ...chain, seq: 40, hashThere: null }, verdict: "truncated" },
    { case: "has another hash", on: { ...chain, hashThere: "d".repeat(64) }, verdict: "rewritten" },
    { case: "is of another journal", on: { ...chain, first: "e".repeat(64) }, verdict: "other" },
    { case: "stands before nothing", on: { ...chain, first: null, hashThere: null }, verdict: "empty" },
    {
      case: "is of the journal that was replaced",
      on: { ...chain, first: "e".repeat(64), replaces: { seq: 42, hash: ANCHOR.hash } },
      verdict: "replaced_here",
    },
  ])("that $case is $verdict", ({ on, verdict }) => {
    expect(judgeAnchor(ANCHOR, on).type).toBe(verdict);
  });

  test("is read as it was written, and nothing else is", () => {
    expect(readAnchor(anchorText(ANCHOR))).toEqual(ANCHOR);
    for (const text of [
      "",
      "{}",
      "null",
      anchorText({ ...ANCHOR, seq: 0 }),
      anchorText({ ...ANCHOR, hash: "x" }),
    ])
      expect(readAnchor(text)).toBeNull();
  });
});
