/** A record that was written before the fleet had events: what stood in its settings is on the chain, or it is refused. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { migrate } from "../../../../src/adapters/store/sqlite/migrate.ts";
import { MIGRATIONS } from "../../../../src/adapters/store/sqlite/migrations/index.ts";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite/store.ts";
import { verifyRecord } from "../../../../src/cli/record/verify.ts";
import { decide } from "../../../../src/core/clone/decide.ts";
import { initialState } from "../../../../src/core/model/clone-state.ts";
import type { CloneEvent } from "../../../../src/core/model/event.ts";
import { INITIAL_FLEET } from "../../../../src/core/model/fleet-state.ts";
import { engage, NOTHING_ENGAGED, switchText } from "../../../../src/core/model/kill-switch.ts";
import { eventText, GENESIS_HASH, linkHash } from "../../../../src/core/record/chain.ts";
import { silentLog } from "../../../../src/ports/log.ts";
import { openRecorder } from "../../../../src/reconciler/record/recorder.ts";
import { aDestination } from "../../../core/notify/notices.ts";
import { aClone, T0 } from "../../../support/fleet.ts";
import { rightToAct } from "../../../support/right.ts";

const ENGAGED = engage(NOTHING_ENGAGED, {
  scope: { type: "fleet" },
  by: "operator:ann",
  reason: "too much",
  at: "2026-11-23T12:00:00.000Z",
});
const PIN = {
  id: "rollback-1",
  at: T0,
  expiresAt: T0 + 1,
  breaches: [],
  revision: "c".repeat(40),
  proposal: null,
  merged: false,
};
const ROLLOUT = {
  group: "ua-core+plain",
  stable: "sha256:old",
  candidate: {
    digest: "sha256:new",
    revision: "c".repeat(40),
    since: T0,
    canaries: { scribe: aClone("scribe") },
  },
  refused: null,
  turns: [],
};
const DRILLS = {
  plan: { text: "p", since: T0 },
  results: [],
  overdue: [{ target: "scribe", dueAt: T0, reason: "r" }],
};
const PENDING = { revision: "d".repeat(40), names: ["clone/scribe"] };
const HEAD = { seq: 7, hash: "b".repeat(64) };

/** As that program wrote them; how often it had pushed is none of it. */
const SETTINGS: Readonly<Record<string, string>> = {
  kill_switch: switchText(ENGAGED),
  rollback: JSON.stringify({ since: { success: T0 }, pin: PIN, countFrom: 5, turns: [] }),
  rollouts: JSON.stringify([ROLLOUT]),
  drills: JSON.stringify(DRILLS),
  pending_deletion: JSON.stringify(PENDING),
  "notify/destinations": JSON.stringify([aDestination("pager")]),
  "notify/gone/pager": "digest",
  "notify/down/pager": String(T0),
  replaced_anchor: JSON.stringify(HEAD),
  status_pushes: "[1,2]",
};

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "factory-upgrade-"));
  file = join(directory, "factory.db");
});
afterEach(() => rm(directory, { recursive: true }));

/** The layout and the rows of the program before. */
function writeOldRecord(settings: Readonly<Record<string, string>>): void {
  const older = new DatabaseSync(file);
  migrate(older, MIGRATIONS.slice(0, 3), file);
  const event: CloneEvent = { type: "clone.declared", spec: aClone("scribe") };
  const link = { seq: 1, at: T0, clone: "scribe", missionId: null, eventText: eventText(event) };
  older
    .prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)")
    .run(1, T0, "scribe", null, link.eventText, GENESIS_HASH, linkHash(GENESIS_HASH, link));
  const { state } = decide(initialState("scribe", T0), event, T0);
  older.prepare("INSERT INTO states VALUES (?, ?, ?)").run("scribe", 1, JSON.stringify(state));
  const put = older.prepare("INSERT INTO settings VALUES (?, ?)");
  for (const [key, value] of Object.entries(settings)) put.run(key, value);
  older.close();
}

async function start() {
  const store = await openSqliteStore({ file });
  try {
    const clock = { now: () => T0 + 1_000, sleep: async () => {} };
    const recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
    return { fleet: recorder.fleet, stored: await store.load(), events: await store.events({ limit: 10 }) };
  } finally {
    await store.close();
  }
}

describe("a record of the program before", () => {
  it("is upgraded by one event, of everything that it kept beside the chain, and once", async () => {
    writeOldRecord(SETTINGS);
    const { fleet, stored, events } = await start();
    expect(fleet).toEqual({
      version: 1,
      record: { rebuilding: false, replaces: HEAD },
      killSwitch: { ...ENGAGED, declared: [] },
      guardrails: { since: { success: T0 }, pin: PIN, countFrom: 5, turns: [] },
      rollouts: { [ROLLOUT.group]: ROLLOUT },
      drills: DRILLS,
      pendingDeletion: PENDING,
      destinations: { declared: [aDestination("pager")], gone: { pager: "digest" }, down: { pager: T0 } },
    });
    expect(stored.fleet).toEqual(fleet);
    expect(stored.settings).toEqual({ status_pushes: "[1,2]" });
    expect(events.map(({ seq, clone, event: { type } }) => [seq, clone, type])).toEqual([
      [1, "scribe", "clone.declared"],
      [2, null, "fleet.upgraded"],
    ]);
    expect((await start()).events).toEqual(events);
    const report = await verifyRecord({ dataDir: directory, published: null });
    // The file of the switch is not beside this record.
    expect(report.findings.map(({ check, message }) => `${check}: ${message}`)).toEqual([
      "kill-switch-file: it is engaged for fleet by operator:ann since 2026-11-23T12:00:00.000Z on record, and the file does not say so",
    ]);
    expect(report).toMatchObject({ events: 2, fleetEvents: 1, clones: 1 });
  });

  it("that kept nothing of the fleet gets no event", async () => {
    writeOldRecord({ status_pushes: "[]" });
    const { fleet, events } = await start();
    expect(fleet).toEqual(INITIAL_FLEET);
    expect(events).toHaveLength(1);
  });

  it("is proven as it is before anybody upgrades it, with a word about that", async () => {
    writeOldRecord(SETTINGS);
    const report = await verifyRecord({ dataDir: directory, published: null });
    expect(report.findings).toEqual([]);
    expect(report.notes).toContain(
      "it was written by an older program; the next controller puts its settings on the chain",
    );
    expect(report.notes).toContain("this journal goes on where another one was lost, at its event 7");
  });

  it("whose switch cannot be understood has everything engaged", async () => {
    writeOldRecord({ kill_switch: "{" });
    expect((await start()).fleet.killSwitch.engaged).toMatchObject([
      { scope: { type: "fleet" }, by: "unknown" },
    ]);
  });

  it.each([
    "rollback",
    "rollouts",
    "drills",
    "pending_deletion",
    "notify/destinations",
    "notify/down/pager",
    "replaced_anchor",
  ])("whose %s cannot be understood is refused, says what to do, and stays as it is", async (key) => {
    for (const value of ["{", "null", "7x", '{"pin":1}']) {
      await rm(file, { force: true });
      writeOldRecord({ ...SETTINGS, [key]: value });
      await expect(start()).rejects.toMatchObject({
        code: "record/not-upgradable",
        disposition: "stall",
        message: expect.stringMatching(
          new RegExp(`\`${key}\`.*run the program that wrote it, or .*factory restore`),
        ),
      });
      const store = await openSqliteStore({ file });
      const { settings, lastSeq } = await store.load();
      await store.close();
      expect(settings).toEqual({ ...SETTINGS, [key]: value });
      expect(lastSeq).toBe(1);
    }
  });

  it("that was being rebuilt when it was cut off is refused like one of ours", async () => {
    writeOldRecord({ rebuilding: "1" });
    await expect(start()).rejects.toMatchObject({ code: "record/half-rebuilt" });
  });
});
