/** What each event of the fleet means, and that one which is told twice changes nothing. */
import { describe, expect, test } from "vitest";
import { concerns } from "../../../src/core/fleet/concerns.ts";
import { decideFleet, describeFleet, foldFleet } from "../../../src/core/fleet/decide.ts";
import { controllerPart, operator, repositoryAt } from "../../../src/core/model/actor.ts";
import type { ApprovalsInForce } from "../../../src/core/model/approvals.ts";
import type { DrillResult } from "../../../src/core/model/drill.ts";
import type { FleetEvent, FleetEventType } from "../../../src/core/model/fleet-event.ts";
import { type FleetState, INITIAL_FLEET } from "../../../src/core/model/fleet-state.ts";
import type { Breach } from "../../../src/core/model/guardrail.ts";
import type { ReleasedEntry, SwitchEntry } from "../../../src/core/model/kill-switch.ts";
import { type ShownThread, THREADS_KEPT_MAX } from "../../../src/core/model/thread.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import { aClone, T0 } from "../../support/fleet.ts";
import { aDestination } from "../notify/notices.ts";

const ANN = operator("ann");
const BY = controllerPart("rollouts");
const REPOSITORY = repositoryAt("c".repeat(40));
const HEAD = { seq: 9, hash: "a".repeat(64) };
const ENTRY: SwitchEntry = {
  scope: { type: "mission", name: "audit" },
  by: "operator:ann",
  reason: "too much",
  at: "2026-11-23T12:00:00.000Z",
};
const RELEASE: ReleasedEntry = {
  ...ENTRY,
  releasedBy: "operator:bob",
  releasedAt: "2026-11-23T13:00:00.000Z",
  releaseReason: "fixed",
};
const BREACH: Breach = { guardrail: "success", measured: 50, threshold: 80, message: "50 % were accepted" };
const RESULT: DrillResult = {
  at: "2026-11-23T12:30:00.000Z",
  target: "scribe",
  enter: "term",
  passed: true,
  deathMs: 210,
  containment: "cgroup",
  rung: "sigkill",
  evidence: "two scans found nothing",
};
const PENDING = { revision: "d".repeat(40), names: ["clone/scribe", "mission/audit"] };
const PIN = { id: "rollback-1", expiresAt: T0 + HOUR_MS, breaches: [BREACH], revision: "c".repeat(40) };
const GROUP = { group: "ua-core+plain", digest: "sha256:fedcba9876543210" };
const OVERDUE = { target: "clerk", dueAt: T0, reason: "it was not made within an hour" };

/** What has to have happened before, one event of each type, and what is read of it. */
const RULES: ApprovalsInForce = {
  policy: { mode: "forge", rules: [], otherwise: { count: 1, people: [], teams: [] } },
  forge: null,
  revision: "e".repeat(40),
  because: null,
};
const THREAD: ShownThread = {
  subject: "audit",
  clone: "scribe",
  missionId: "m_1",
  number: 7,
  url: "https://forge.example/issues/7",
  open: true,
  questions: [{ id: "audit.budget.1", digest: "d", text: "raise it", shownAt: T0, told: 0, before: null }],
};
const STORIES: { readonly [Type in FleetEventType]: readonly [readonly FleetEvent[], FleetEvent, string] } = {
  "approvals.adopted": [
    [],
    { type: "approvals.adopted", by: BY, inForce: RULES },
    "the approval rules of commit eeeeeeeeeeee are in force",
  ],
  "threads.begun": [[], { type: "threads.begun", by: BY }, "comments is obeyed"],
  "thread.shown": [
    [{ type: "threads.begun", by: BY }],
    { type: "thread.shown", by: BY, key: "m_1", thread: THREAD },
    "audit.budget.1 stands in #7",
  ],
  "record.begun_anew": [[], { type: "record.begun_anew", by: ANN, replaces: HEAD }, "event 9"],
  "record.rebuilding": [[], { type: "record.rebuilding", by: ANN, replaces: HEAD }, "event 9"],
  "fleet.restored": [
    [{ type: "record.rebuilding", by: ANN, replaces: HEAD }],
    { type: "fleet.restored", by: ANN, snapshot: INITIAL_FLEET, anchor: HEAD, evidence: "as it was known" },
    "as it was known",
  ],
  "fleet.upgraded": [
    [],
    { type: "fleet.upgraded", by: BY, snapshot: INITIAL_FLEET, replaces: HEAD, evidence: "kill_switch" },
    "kill_switch",
  ],
  "switch.engaged": [
    [],
    { type: "switch.engaged", by: ANN, entry: ENTRY, from: "command" },
    "engaged for mission audit by a command: too much",
  ],
  "switch.released": [
    [{ type: "switch.engaged", by: ANN, entry: ENTRY, from: "command" }],
    { type: "switch.released", by: operator("bob"), entry: RELEASE, from: "file" },
    "released for mission audit in its file: fixed",
  ],
  "guardrail.breached": [[], { type: "guardrail.breached", by: BY, breach: BREACH }, "50 % were accepted"],
  "guardrail.recovered": [
    [{ type: "guardrail.breached", by: BY, breach: BREACH }],
    { type: "guardrail.recovered", by: BY, guardrail: "success" },
    "success",
  ],
  "pin.placed": [[], { type: "pin.placed", by: BY, ...PIN }, "in_core_only by rollback-1"],
  "pin.renewed": [
    [{ type: "pin.placed", by: BY, ...PIN }],
    { type: "pin.renewed", by: BY, id: PIN.id, expiresAt: T0 + 2 * HOUR_MS, breaches: [BREACH] },
    "rollback-1 holds on",
  ],
  "pin.proposed": [
    [{ type: "pin.placed", by: BY, ...PIN }],
    { type: "pin.proposed", by: BY, id: PIN.id, proposal: { branch: "factory/x", commit: "e".repeat(40) } },
    "factory/x",
  ],
  "pin.merged": [
    [{ type: "pin.placed", by: BY, ...PIN }],
    { type: "pin.merged", by: REPOSITORY, id: PIN.id, reason: "it says in_core_only" },
    "made permanent",
  ],
  "pin.expired": [
    [{ type: "pin.placed", by: BY, ...PIN }],
    { type: "pin.expired", by: BY, id: PIN.id, reason: "no breach" },
    "run out",
  ],
  "pin.lifted": [
    [{ type: "pin.placed", by: BY, ...PIN }],
    { type: "pin.lifted", by: REPOSITORY, id: PIN.id, reason: "lifted by c" },
    "is lifted",
  ],
  "rollout.begun": [
    [],
    { type: "rollout.begun", by: REPOSITORY, ...GROUP, revision: "c".repeat(40), stable: "sha256:old" },
    "fedcba987654 of commit cccccccccccc",
  ],
  "rollout.canaries_chosen": [
    [{ type: "rollout.begun", by: REPOSITORY, ...GROUP, revision: "c".repeat(40), stable: "sha256:old" }],
    { type: "rollout.canaries_chosen", by: BY, ...GROUP, canaries: { scribe: aClone("scribe") } },
    "tried by scribe",
  ],
  "rollout.promoted": [
    [{ type: "rollout.begun", by: REPOSITORY, ...GROUP, revision: "c".repeat(40), stable: "sha256:old" }],
    { type: "rollout.promoted", by: BY, ...GROUP, reason: "healthy on scribe" },
    "is stable: healthy on scribe",
  ],
  "rollout.refused": [
    [{ type: "rollout.begun", by: REPOSITORY, ...GROUP, revision: "c".repeat(40), stable: "sha256:old" }],
    { type: "rollout.refused", by: BY, ...GROUP, reason: "scribe failed", revert: true },
    "its canaries go back: scribe failed",
  ],
  "rollout.superseded": [
    [{ type: "rollout.begun", by: REPOSITORY, ...GROUP, revision: "c".repeat(40), stable: "sha256:old" }],
    { type: "rollout.superseded", by: REPOSITORY, ...GROUP },
    "no longer tried",
  ],
  "rollout.withdrawn": [
    [
      { type: "rollout.begun", by: REPOSITORY, ...GROUP, revision: "c".repeat(40), stable: "sha256:old" },
      { type: "rollout.refused", by: BY, ...GROUP, reason: "scribe failed", revert: true },
    ],
    { type: "rollout.withdrawn", by: REPOSITORY, ...GROUP },
    "no longer asked for",
  ],
  "rollout.group_gone": [
    [{ type: "rollout.begun", by: REPOSITORY, ...GROUP, revision: "c".repeat(40), stable: "sha256:old" }],
    { type: "rollout.group_gone", by: REPOSITORY, group: GROUP.group },
    "no clone of it",
  ],
  "drill.planned": [
    [],
    {
      type: "drill.planned",
      by: REPOSITORY,
      plan: { schedule: "0 * * * *", timezone: "UTC", targets: "canaries" },
    },
    "0 * * * * (UTC) on canaries",
  ],
  "drill.begun": [[], { type: "drill.begun", by: BY, target: "scribe", dueAt: T0 }, "on scribe begins"],
  "drill.cut_off": [
    [{ type: "drill.begun", by: BY, target: "scribe", dueAt: T0 }],
    { type: "drill.cut_off", by: BY, target: "scribe", begunAt: T0, reason: "its controller is gone" },
    "left no result: its controller is gone",
  ],
  "drill.passed": [
    [],
    { type: "drill.passed", by: BY, result: RESULT },
    "proven on scribe: dead after 210 ms",
  ],
  "drill.failed": [
    [],
    { type: "drill.failed", by: BY, result: { ...RESULT, passed: false, evidence: "it lives" } },
    "not proven on scribe: it lives",
  ],
  "drill.overdue": [[], { type: "drill.overdue", by: BY, overdue: OVERDUE }, "not made on clerk"],
  "drill.dropped": [
    [{ type: "drill.overdue", by: BY, overdue: OVERDUE }],
    { type: "drill.dropped", by: BY, target: "clerk", dueAt: T0 },
    "on clerk",
  ],
  "deletion.held": [[], { type: "deletion.held", by: REPOSITORY, pending: PENDING }, "removal of 2"],
  "deletion.confirmed": [
    [{ type: "deletion.held", by: REPOSITORY, pending: PENDING }],
    { type: "deletion.confirmed", by: REPOSITORY, pending: PENDING },
    "confirmed: clone/scribe, mission/audit",
  ],
  "deletion.withdrawn": [
    [{ type: "deletion.held", by: REPOSITORY, pending: PENDING }],
    { type: "deletion.withdrawn", by: REPOSITORY, pending: PENDING },
    "no longer waits",
  ],
  "destinations.declared": [
    [],
    { type: "destinations.declared", by: REPOSITORY, destinations: [aDestination("pager")] },
    "pager",
  ],
  "destination.gone": [
    [],
    { type: "destination.gone", by: BY, destination: "pager", declaration: "d", reason: "answered 410" },
    "answered 410",
  ],
  "destination.asked_again": [
    [{ type: "destination.gone", by: BY, destination: "pager", declaration: "d", reason: "answered 410" }],
    { type: "destination.asked_again", by: ANN, destination: "pager" },
    "pager",
  ],
  "destination.down": [
    [],
    { type: "destination.down", by: BY, destination: "pager", since: T0, reason: "refused" },
    "do not get through to pager: refused",
  ],
  "status.overwritten": [
    [],
    {
      type: "status.overwritten",
      by: BY,
      commit: "0123456789abcdef",
      author: "eve <eve@example.com>",
      files: ["README.md", ".factory/journal.json"],
    },
    "commit 0123456789ab, which calls itself eve <eve@example.com>, changed README.md, .factory/journal.json",
  ],
  "status.rewound": [
    [],
    { type: "status.rewound", by: BY, from: "0123456789abcdef", to: null },
    "which stood at 0123456789ab, was deleted",
  ],
  "destination.up": [
    [{ type: "destination.down", by: BY, destination: "pager", since: T0, reason: "refused" }],
    { type: "destination.up", by: BY, destination: "pager" },
    "pager again",
  ],
};

const CASES = Object.entries(STORIES).map(([type, story]) => [type, ...story] as const);
/** They say the same about a record however often they are told. */
const REPEATABLE: ReadonlySet<string> = new Set(["record.begun_anew", "record.rebuilding"]);

function told(events: readonly FleetEvent[]): FleetState {
  return foldFleet(events.map((event) => ({ event, at: T0 })));
}

describe("an event of the fleet", () => {
  test.each(CASES)("%s changes what it is about, once", (type, before, event) => {
    const first = decideFleet(told(before), event, T0);
    expect(first.ignored).toBeUndefined();
    const { version, ...was } = told(before);
    expect(first.state.version).toBe(version + 1);
    expect({ ...first.state, version: 0 }).not.toEqual({ ...was, version: 0 });
    const again = decideFleet(first.state, event, T0 + 1);
    expect(again.state.version).toBe(version + 2);
    expect({ ...again.state, version: 0 }).toEqual({ ...first.state, version: 0 });
    if (!REPEATABLE.has(type)) expect(again.ignored).toMatch(/\S/);
  });

  test.each(CASES)("%s leaves the parts that it is not about the same objects", (_type, before, event) => {
    const state = told(before);
    const { state: after } = decideFleet(state, event, T0);
    const parts = Object.keys({ ...state, ...after }) as (keyof FleetState)[];
    const changed = parts.filter((part) => state[part] !== after[part]);
    const whole = event.type === "fleet.restored" || event.type === "fleet.upgraded";
    if (!whole) expect(changed).toHaveLength(2);
  });

  test.each(CASES)("%s reads as a line", (_type, _before, event, text) => {
    expect(describeFleet(event)).toContain(text);
    expect(describeFleet(event)).not.toMatch(/\n|undefined|\[object/);
  });

  test("that this program does not know is not guessed at", () => {
    const unknown = { type: "switch.welded", by: ANN } as unknown as FleetEvent;
    expect(() => decideFleet(INITIAL_FLEET, unknown, T0)).toThrow("switch.welded");
    expect(() => describeFleet(unknown)).toThrow("switch.welded");
  });

  test("names the missions and clones that it is about", () => {
    const named = Object.fromEntries(
      CASES.map(([type, , event]) => [type, concerns(event)]).filter(([, names]) => names?.length !== 0),
    );
    expect(named).toEqual({
      "thread.shown": ["audit", "scribe"],
      "switch.engaged": ["audit"],
      "switch.released": ["audit"],
      "rollout.canaries_chosen": ["scribe"],
      "drill.begun": ["scribe"],
      "drill.cut_off": ["scribe"],
      "drill.passed": ["scribe"],
      "drill.failed": ["scribe"],
      "drill.overdue": ["clerk"],
      "drill.dropped": ["clerk"],
      "deletion.held": ["scribe", "audit"],
      "deletion.confirmed": ["scribe", "audit"],
      "deletion.withdrawn": ["scribe", "audit"],
    });
    expect(
      concerns({
        type: "switch.engaged",
        by: ANN,
        entry: { ...ENTRY, scope: { type: "fleet" } },
        from: "file",
      }),
    ).toEqual([]);
  });
});

describe("what is restored", () => {
  const engaged: FleetEvent = { type: "switch.engaged", by: ANN, entry: ENTRY, from: "command" };

  test("is everything that was published, under a record that is usable again", () => {
    const {
      version: _version,
      record: _record,
      ...snapshot
    } = told([engaged, { type: "pin.placed", by: BY, ...PIN }]);
    const rebuilding: FleetEvent = { type: "record.rebuilding", by: ANN, replaces: HEAD };
    expect(told([rebuilding]).record).toEqual({ rebuilding: true, replaces: HEAD });
    const state = told([
      rebuilding,
      { type: "fleet.restored", by: ANN, snapshot, anchor: HEAD, evidence: "x" },
    ]);
    expect(state).toEqual({ ...snapshot, version: 2, record: { rebuilding: false, replaces: HEAD } });
  });

  test("is nothing where nothing was published, and the record is usable again", () => {
    const state = told([
      { type: "record.rebuilding", by: ANN, replaces: null },
      { type: "fleet.restored", by: ANN, snapshot: null, anchor: null, evidence: "x" },
    ]);
    expect(state).toEqual({ ...INITIAL_FLEET, version: 2 });
  });

  test("is refused on a record that is not being rebuilt: nothing of it is released", () => {
    const restored: FleetEvent = {
      type: "fleet.restored",
      by: ANN,
      snapshot: INITIAL_FLEET,
      anchor: null,
      evidence: "x",
    };
    expect(told([engaged, restored]).killSwitch.engaged).toEqual([ENTRY]);
    const upgraded: FleetEvent = {
      type: "fleet.upgraded",
      by: BY,
      snapshot: INITIAL_FLEET,
      replaces: null,
      evidence: "x",
    };
    expect(told([engaged, upgraded]).killSwitch.engaged).toEqual([ENTRY]);
  });
});

test("after a record was rebuilt no comment is obeyed that is older than that, and threads are found again", () => {
  const shown: FleetEvent = { type: "thread.shown", by: BY, key: "m_1", thread: THREAD };
  const known = foldFleet([
    { event: { type: "threads.begun", by: BY }, at: T0 },
    { event: shown, at: T0 },
  ]);
  const { version: _version, record: _record, ...snapshot } = known;
  const rebuilt = foldFleet([
    { event: { type: "record.rebuilding", by: ANN, replaces: HEAD }, at: T0 + 1 },
    {
      event: { type: "fleet.restored", by: ANN, snapshot, anchor: HEAD, evidence: "as it was known" },
      at: T0 + HOUR_MS,
    },
  ]);
  expect(rebuilt.threads).toEqual({ since: T0 + HOUR_MS, shown: { m_1: THREAD } });
});

test("of many threads the oldest closed ones are forgotten first", () => {
  const of = (n: number, open: boolean): { event: FleetEvent; at: number } => ({
    event: { type: "thread.shown", by: BY, key: `m_${n}`, thread: { ...THREAD, number: n, open } },
    at: T0,
  });
  const many = Array.from({ length: THREADS_KEPT_MAX + 2 }, (_, n) => of(n, n % 2 === 0));
  const { threads } = foldFleet(many);
  expect(Object.keys(threads?.shown ?? {})).toHaveLength(THREADS_KEPT_MAX);
  expect([0, 1, 2, 3, 5].map((n) => threads?.shown[`m_${n}`] !== undefined)).toEqual([
    true,
    false,
    true,
    false,
    true,
  ]);
});
