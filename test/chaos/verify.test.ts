import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSqliteStore } from "../../src/adapters/store/sqlite/store.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { operator } from "../../src/core/model/actor.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import type { Report } from "../../src/core/model/report.ts";
import { isOfClone } from "../../src/core/record/chain.ts";
import { silentLog } from "../../src/ports/log.ts";
import { openRecorder } from "../../src/reconciler/record/recorder.ts";
import { aClone, aMission } from "../support/fleet.ts";
import { rightToAct } from "../support/right.ts";
import { readWhole, type WholeRecord } from "./record.ts";
import { type Evidence, verify } from "./verify.ts";

/** A harness that never complains proves nothing: each promise is broken once by hand. */
const CLONE = "factory_probe_20261123";
let folder: string;
let sound: Evidence;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "factory-verify-"));
  const { missionId, ...mission } = aMission("probe", CLONE);
  const lines = ["instance.ready", "mission.accepted"].map((type, index) => wire(type, index + 1, missionId));
  mkdirSync(join(folder, "outbox"));
  writeFileSync(
    join(folder, "outbox", "outbox.jsonl"),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  );
  const reported = lines.map((line, index): CloneEvent => {
    const report: Report = {
      type: line.event_type as Report["type"],
      seq: index + 1,
      missionId,
      summary: "said",
      artifacts: [],
      llmCalls: null,
      costMicros: null,
      activeMs: 0,
      detail: {},
    };
    return { type: "instance.reported", epoch: 1, report };
  });
  const store = await openSqliteStore({ file: join(folder, "factory.db") });
  const recorder = await openRecorder({ store, clock: systemClock(), log: silentLog, right: rightToAct() });
  const events: CloneEvent[] = [
    { type: "clone.declared", spec: aClone(CLONE) },
    { type: "mission.assigned", mission: { missionId, ...mission } },
    { type: "start.planned", revision: "", why: "test" },
    { type: "prepare.finished", gates: [] },
    ...reported,
    {
      type: "hold.placed",
      by: operator("ada"),
      hold: {
        kind: "operator",
        owner: "operator:ada",
        since: 0,
        reason: "PausedByHand",
        message: "paused by ada: pause-1",
        clearBy: "operator",
      },
    },
  ];
  await recorder.write(CLONE, () => ({ events }));
  await store.close();
  const whole = await readWhole(folder);
  sound = {
    whole,
    outboxes: new Map([[`${CLONE}/1`, join(folder, "outbox")]]),
    ledger: [
      { clone: CLONE, epoch: 1, ms: 1, what: `begin ${missionId}` },
      { clone: CLONE, epoch: 1, ms: 5, what: "step 1" },
      { clone: CLONE, epoch: 2, ms: 6, what: "step 1" },
    ],
    heads: [{ seq: 3, hash: whole.events[2]?.hash ?? "" }],
    acknowledged: ["pause-1"],
    watcher: { violations: [], samples: 1 },
    instancesKilled: false,
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function wire(
  type: string,
  seq: number,
  missionId: string,
): Record<string, unknown> & { event_type: string } {
  return {
    mission_id: missionId,
    vp_id: CLONE,
    vp_session_id: `${CLONE}/1`,
    vp_runtime_id: "n",
    event_type: type,
    status: "running",
    summary: "said",
    artifact_refs: [],
    usage: { runtime_minutes: 0, llm_calls: null, estimated_cost_usd: null },
    trace_id: "",
    idempotency_key: `${CLONE}/1/${seq}`,
    emitted_at: "",
    epoch: 1,
    seq,
    detail: {},
  };
}

function brokenBy(change: Partial<Evidence>): readonly string[] {
  return verify({ ...sound, ...change })
    .filter(({ broken }) => broken.length > 0)
    .map(({ promise }) => promise);
}

function events(change: (events: WholeRecord["events"]) => WholeRecord["events"]): Partial<Evidence> {
  return { whole: { ...sound.whole, events: change(sound.whole.events) } };
}

test("sound evidence breaks nothing", () => {
  expect(brokenBy({})).toEqual([]);
});

describe("finds", () => {
  test.each<[string, () => Partial<Evidence>, RegExp]>([
    ["two instances at once", () => ({ watcher: { violations: ["two"], samples: 1 } }), /two instances/],
    [
      "two agents at work at once",
      () => ({ ledger: [...sound.ledger, { clone: CLONE, epoch: 1, ms: 9, what: "step 2" }] }),
      /two epochs/,
    ],
    ["a report that is lost", () => events((all) => all.filter(({ seq }) => seq !== 6)), /outbox equals/],
    [
      "a report that is on record twice",
      () => events((all) => all.flatMap((event) => (event.seq === 6 ? [event, event] : [event]))),
      /outbox equals/,
    ],
    [
      "an outbox that nobody has read",
      () => ({ outboxes: new Map([...sound.outboxes, [`${CLONE}/2`, join(folder, "outbox")]]) }),
      /outbox equals/,
    ],
    [
      "a chain that does not hold",
      () => ({ whole: { ...sound.whole, chain: { ok: false, brokenAtSeq: 2, message: "bad" } } }),
      /hash chain/,
    ],
    ["a record that was set back", () => ({ heads: [{ seq: 3, hash: "another" }] }), /before a kill/],
    ["a state that its events do not explain", () => events((all) => all.slice(0, -1)), /fold/],
    ["an acknowledged pause that is gone", () => ({ acknowledged: ["pause-2"] }), /acknowledged/],
    [
      "an instance that was lost",
      () =>
        events((all) => [
          ...all,
          ...all
            .filter(isOfClone)
            .slice(-1)
            .map((last) => ({
              ...last,
              event: { type: "instance.gone", epoch: 9, evidence: "gone" } as const,
            })),
        ]),
      /adopted/,
    ],
  ])("%s", (_, change, promise) => {
    expect(brokenBy(change()).join("\n")).toMatch(promise);
  });
});
