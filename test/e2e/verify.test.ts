import { copyFileSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eventText, GENESIS_HASH, linkHash } from "../../src/core/record/chain.ts";
import { factory } from "../cli/support.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../support/fleet-files.ts";
import { lanesOnBranch } from "../support/lanes-on-branch.ts";
import { agentCommand, createWorld, eventually, missionUntil, STATUS, type World } from "./world.ts";

/** A record that somebody has shortened, rewritten, replaced or damaged is found out and named. */
let world: World;
/** Copies of the database: after run 1, and after run 2. */
let older: string;
let whole: string;
const file = (): string => join(world.dataDir, "factory.db");

beforeAll(async () => {
  world = await createWorld("verify");
  const mission = (run: number) => ({
    ...missionFile("audit", { clone: cloneName("audit"), run, outputs: ["out/result.json"] }),
  });
  await world.origin.commit({
    ...fleetFiles(),
    ...cloneFile(cloneName("audit"), { command: agentCommand("works.js", world.ledgerPath(), 2, 20) }),
    ...mission(1),
  });
  older = await playedUntilPublished(1);
  await world.origin.commit(mission(2));
  whole = await playedUntilPublished(2);
}, 120_000);
afterAll(() => world.close());
beforeEach(() => put(whole));

test("a whole record is whole, under a controller that runs as well", async () => {
  const alone = await verify();
  expect(alone).toMatchObject({ code: 0, report: { ok: true, findings: [] } });
  expect(alone.report.anchors?.compared).toBeGreaterThan(1);
  const controller = await world.start();
  expect(await verify()).toMatchObject({ code: 0, report: { ok: true } });
  await controller.stop();
  expect((await factory({ cwd: world.path }, "--data", world.dataDir, "verify", "--offline")).stdout).toMatch(
    /^the record is whole: \d+ events of 1 clone and \d+ of the fleet, head [0-9a-f]{12}; not compared with the status branch$/m,
  );
});

test("a record that was put back to an older one is short of what was published, and runs nothing", async () => {
  put(older);
  const { code, report } = await verify();
  expect(code).toBe(1);
  expect(report.findings[0]).toMatchObject({ check: "anchor" });
  expect(report.findings[0]?.message).toMatch(/was published from it: what came after is missing here/);

  const begun = world.ledger().length;
  const before = await world.origin.files(STATUS);
  const controller = await world.start();
  const fleet = await eventually(
    () => controller.client.call("fleet"),
    ({ held }) => held.some(({ reason }) => reason === "RecordDoubtful"),
    () => `a plan that is held back\n${controller.log().slice(-3_000)}`,
  );
  expect(fleet.held.find(({ reason }) => reason === "RecordDoubtful")?.message).toContain("factory restore");
  const { ready, checks } = await controller.client.readiness();
  expect(ready).toBe(false);
  expect(checks["record"]).toContain("is missing here");
  await controller.stop();
  expect(world.ledger()).toHaveLength(begun);
  expect(await world.origin.files(STATUS)).toEqual(before);

  const restored = await factory({ cwd: world.path }, ...place("restore"), "--yes");
  expect(restored).toMatchObject({ code: 0 });
  const after = await world.start();
  await missionUntil(after, "audit", ({ run, closure }) => run === 2 && closure !== null);
  await after.stop();
  expect(world.ledger()).toHaveLength(begun);
  expect((await verify()).code).toBe(0);
});

test("an event that was changed breaks the chain; one that was changed with everything after it contradicts what was published", async () => {
  change((db) => db.exec("UPDATE events SET at = at + 1 WHERE seq = 3"));
  expect((await verify()).report.findings[0]).toMatchObject({ check: "chain", seq: 3 });

  put(whole);
  change((db) => {
    db.exec("UPDATE events SET at = at + 1 WHERE seq = 3");
    relink(db);
  });
  const { code, report } = await verify();
  expect(code).toBe(1);
  expect(report.findings.map(({ check }) => check)).toContain("anchor");
  expect(report.findings.map(({ message }) => message).join()).toMatch(/the journal was rewritten/);
});

test.each([
  [
    "its snapshot was",
    "DELETE FROM state_changes; UPDATE state_snapshots SET state = json_set(state, '$.epoch', 99)",
  ],
  [
    "what changed since was",
    `INSERT INTO state_changes (clone, version, change) SELECT clone, version, '{"~":{"epoch":{"=":99}}}' FROM state_snapshots`,
  ],
])("a state that was changed, because %s, is not what its events mean", async (_, sql) => {
  change((db) => db.exec(sql));
  const { code, report } = await verify();
  expect(code).toBe(1);
  expect(report.findings[0]).toMatchObject({ check: "state-is-fold", clone: cloneName("audit") });
});

test("a state whose parts do not belong together is named", async () => {
  change((db) =>
    db.exec(
      `INSERT INTO state_changes (clone, version, change) SELECT clone, version, '{"~":{"epoch":{"~":{"x":{"=":1}}}}}' FROM state_snapshots`,
    ),
  );
  const { code, report } = await verify();
  expect(code).toBe(1);
  expect(report.findings[0]).toMatchObject({ check: "readable" });
  expect(report.findings[0]?.message).toContain(`the state of clone ${cloneName("audit")}`);
});

test("another journal in its place is told from the one that was published", async () => {
  change((db) => {
    db.exec("UPDATE events SET at = at - 1 WHERE seq = 1");
    relink(db);
  });
  expect((await verify()).report.findings.map(({ message }) => message).join()).toMatch(
    /written from another journal/,
  );
});

test("a damaged file is named and kept, and nothing at all is wrong use", async () => {
  writeFileSync(file(), "not a database, and long enough not to be taken for an empty one".repeat(20));
  const damaged = await verify();
  expect(damaged).toMatchObject({ code: 1, report: { findings: [{ check: "readable" }] } });
  const run = await factory({ cwd: world.path }, ...place("run"), "--once");
  expect(run.code).toBe(1);
  expect(run.stderr).toMatch(/is damaged[\s\S]*factory restore/);
  expect(existsSync(file())).toBe(true);

  rmSync(file());
  const absent = await factory({ cwd: world.path }, ...place("verify"));
  expect(absent.code).toBe(2);
  expect(absent.stderr).toContain("there is no record at");
});

test("an empty record is not begun beside one that was published, unless somebody means it", async () => {
  rmSync(file());
  const before = await world.origin.files(STATUS);
  const begun = world.ledger().length;
  const refused = await factory({ cwd: world.path }, ...place("run"), "--once");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/the record is empty[\s\S]*`factory restore`[\s\S]*`factory run --fresh`/);
  expect(world.ledger()).toHaveLength(begun);
  expect(await world.origin.files(STATUS)).toEqual(before);

  expect(await factory({ cwd: world.path }, ...place("run"), "--once", "--fresh")).toMatchObject({ code: 0 });
  expect(world.ledger().length).toBeGreaterThan(begun);
  expect((await verify()).code).toBe(0);
}, 120_000);

/** Answers with a copy of the database as it was when everything of that run stood on the branch. */
async function playedUntilPublished(run: number): Promise<string> {
  const controller = await world.start();
  await missionUntil(controller, "audit", (view) => view.run === run && view.closure !== null);
  await eventually(
    async () => ((await world.origin.head(STATUS)) === null ? null : world.origin.files(STATUS)),
    (files) =>
      files !== null && lanesOnBranch(files).some(({ closed }) => closed.some((one) => one.run === run)),
    () => `run ${run} to be published`,
    90_000,
  );
  await controller.stop();
  const copy = join(world.path, `after-run-${run}.db`);
  copyFileSync(file(), copy);
  return copy;
}

function put(copy: string): void {
  for (const name of readdirSync(world.dataDir))
    if (name.startsWith("factory.db")) rmSync(join(world.dataDir, name));
  copyFileSync(copy, file());
}

function change(how: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(file());
  db.exec("DROP TRIGGER events_never_change");
  how(db);
  db.close();
}

/** What somebody would do who knows how the chain is made. */
function relink(db: DatabaseSync): void {
  let hash = GENESIS_HASH;
  const put = db.prepare("UPDATE events SET prev_hash = ?, hash = ? WHERE seq = ?");
  for (const row of db.prepare("SELECT * FROM events ORDER BY seq").all()) {
    const missionId = row["mission_id"];
    const link = {
      seq: Number(row["seq"]),
      at: Number(row["at"]),
      clone: String(row["clone"]),
      missionId: typeof missionId === "string" ? missionId : null,
      eventText: eventText(JSON.parse(String(row["event"]))),
    };
    const next = linkHash(hash, link);
    put.run(hash, next, link.seq);
    hash = next;
  }
  db.prepare("UPDATE chain_head SET hash = ?").run(hash);
}

function place(command: string): string[] {
  return ["--data", world.dataDir, command, "--source", world.url];
}

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { check: string; clone: string | null; seq: number | null; message: string }[];
  readonly anchors: { readonly compared: number } | null;
}

async function verify(): Promise<{ code: number | null; report: Report }> {
  const { code, stdout } = await factory({ cwd: world.path }, ...place("verify"), "--json");
  return { code, report: JSON.parse(stdout) as Report };
}
