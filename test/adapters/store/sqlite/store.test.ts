import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { migrate } from "../../../../src/adapters/store/sqlite/migrate.ts";
import { MIGRATIONS } from "../../../../src/adapters/store/sqlite/migrations/index.ts";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite/store.ts";
import { eventText, GENESIS_HASH, linkHash } from "../../../../src/core/record/chain.ts";
import { CHANGES_MAX } from "../../../../src/core/record/state-writes.ts";
import { leaseContract } from "../../../contract/lease.ts";
import { storeContract } from "../../../contract/store.ts";
import { excused } from "../../../support/no-excuse.ts";
import { batchOf, effect, event, signal, stateOf } from "../../../support/record.ts";
import { until } from "../../../support/until.ts";

const KILLS = 20;
const run = promisify(execFile);

storeContract("sqlite", async () => {
  const directory = await mkdtemp(join(tmpdir(), "factory-store-"));
  return {
    open: () => openSqliteStore({ file: join(directory, "record.db") }),
    // The lock of the file keeps a second connection out; what is left of two controllers is that both use this one.
    beside: async (store) => store,
    // A real kill is below, with a process of its own.
    crash: (store) => store.close(),
    remove: () => rm(directory, { recursive: true }),
  };
});

leaseContract("a lease in the sqlite record", async () => {
  const directory = await mkdtemp(join(tmpdir(), "factory-lease-"));
  const file = join(directory, "record.db");
  let store = await openSqliteStore({ file });
  return {
    lease: store.lease,
    async reopen() {
      await store.close();
      store = await openSqliteStore({ file });
      return store.lease;
    },
    async remove() {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

describe("a sqlite store", () => {
  let directory: string;
  let file: string;
  let children: ChildProcess[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "factory-store-"));
    file = join(directory, "data", "record.db");
    children = [];
  });
  afterEach(async () => {
    for (const child of children) await kill(child);
    await rm(directory, { recursive: true });
  });

  function commitsForever(): { child: ChildProcess; lines: AsyncIterator<string> } {
    const child = spawn(process.execPath, [join(import.meta.dirname, "commits-forever.ts"), file], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    if (!child.stdout) throw new Error("no standard output");
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  }

  it("has every batch whole or not at all after kill -9, and none that was answered is lost", async () => {
    let answered = 0;
    for (let round = 0; round < KILLS; round += 1) {
      const { child, lines } = commitsForever();
      // A different number of commits each time, so that the kill meets different moments.
      for (let line = 0; line <= 1 + ((round * 7) % 40); line += 1) {
        const { value } = await lines.next();
        const [word, version] = String(value).split(" ");
        if (word === "committed") answered = Number(version);
        else expect(Number(version)).toBeGreaterThanOrEqual(answered);
      }
      await kill(child);
      for (let rest = await lines.next(); !rest.done; rest = await lines.next()) {
        answered = Number(String(rest.value).split(" ")[1]);
      }
    }
    const store = await openSqliteStore({ file });
    try {
      const { states, effects, settings, signals, lastSeq } = await store.load();
      const version = states[0]?.version ?? 0;
      expect(version).toBeGreaterThanOrEqual(answered);
      expect(version).toBeLessThanOrEqual(answered + 2);
      expect(lastSeq).toBe(version);
      expect(settings).toEqual({ version: String(version) });
      expect(effects.map(({ id }) => id)).toEqual([`alpha/${version}/0`]);
      expect(await store.receipt(`alpha/1/${version}`)).not.toBeNull();
      expect(await store.receipt(`alpha/1/${version + 2}`)).toBeNull();
      expect(signals[0]?.heartbeat.seq).toBeGreaterThanOrEqual(answered);
      expect(await store.verify()).toMatchObject({ ok: true, events: version });
    } finally {
      await store.close();
    }
  });

  it("refuses a second process while the first lives, and lets it in once that was killed", async () => {
    const { child, lines } = commitsForever();
    await lines.next();
    await expect(openSqliteStore({ file })).rejects.toMatchObject({
      code: "store/locked",
      disposition: "yield",
      message: expect.stringContaining(`process ${child.pid}, holds the store ${file}; it last wrote`),
    });
    await kill(child);
    await (await openSqliteStore({ file })).close();
  });

  it("says of a holder that is stopped that it is, since when it is silent, and what to do", async () => {
    const { child, lines } = commitsForever();
    const { pid } = child;
    if (pid === undefined) throw new Error("no process");
    await lines.next();
    await lines.next();
    process.kill(pid, "SIGSTOP");
    await until(
      () => readFileSync(`/proc/${pid}/stat`, "latin1").includes(") T "),
      "the holder to be stopped",
    );
    const error = await openSqliteStore({ file }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "store/locked", disposition: "yield" });
    const { message } = error as Error;
    expect(message).toContain(`process ${pid}, holds the store ${file} and is stopped by a signal (state T)`);
    expect(message).toContain(`\`kill -CONT ${pid}\``);
    expect(message).toContain(`\`kill -KILL ${pid}\``);
    const since = Date.parse(/nothing was written since (\S+)\./.exec(message)?.[1] ?? "");
    expect(since).toBe(Math.floor((await stat(`${file}-wal`)).mtimeMs));
    process.kill(pid, "SIGCONT");
    await kill(child);
  });

  it("refuses a second opener in its own process", async () => {
    const store = await openSqliteStore({ file });
    await expect(openSqliteStore({ file })).rejects.toMatchObject({ code: "store/locked" });
    await store.commit(batchOf({ events: [event("alpha")], states: [stateOf("alpha", 1)] }));
    await store.close();
  });

  it("is readable by its owner alone", async () => {
    await (await openSqliteStore({ file })).close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "data"))).mode & 0o777).toBe(0o700);
  });

  it("refuses a file of a newer program and leaves it alone", async () => {
    await (await openSqliteStore({ file })).close();
    edit(`PRAGMA user_version = ${MIGRATIONS.length + 1}`);
    await expect(openSqliteStore({ file })).rejects.toMatchObject({
      code: "store/newer",
      disposition: "stall",
      message: expect.stringContaining(`layout ${MIGRATIONS.length + 1}`),
    });
    edit(`PRAGMA user_version = ${MIGRATIONS.length}`);
    await (await openSqliteStore({ file })).close();
  });

  it("gives the term of one who was killed to nobody else, and never falls back behind it", async () => {
    const { child, lines } = commitsForever();
    await lines.next();
    await lines.next();
    await kill(child);
    const store = await openSqliteStore({ file });
    const { term } = await store.lease.acquire({ holder: "next", above: 0 }, new AbortController().signal);
    expect(term).toBe(2);
    await expect(store.commit(batchOf({ term: 1 }))).rejects.toMatchObject({
      code: "store/fenced",
      message: expect.stringContaining("with term 2 by next"),
    });
    await store.close();
    expect(() => edit("UPDATE term SET term = 1")).toThrow(/never falls/);
  });

  it("goes on with a file of an older program: what it had written as whole states stays, and changes follow", async () => {
    const whole = [stateOf("alpha", 2), { ...stateOf("beta", 1), gateAttempts: 3 }];
    const older = new DatabaseSync(join(directory, "older.db"));
    migrate(older, MIGRATIONS.slice(0, 3), "older.db");
    for (const state of whole)
      older
        .prepare("INSERT INTO states VALUES (?, ?, ?)")
        .run(state.name, state.version, JSON.stringify(state));
    let prevHash = GENESIS_HASH;
    for (const [index, clone] of ["alpha", "beta", "alpha"].entries()) {
      const link = {
        seq: index + 1,
        at: 5,
        clone,
        missionId: null,
        eventText: eventText(event(clone).event),
      };
      const hash = linkHash(prevHash, link);
      older
        .prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)")
        .run(link.seq, link.at, clone, null, link.eventText, prevHash, hash);
      prevHash = hash;
    }
    older.close();

    file = join(directory, "older.db");
    let store = await openSqliteStore({ file });
    expect(await store.load()).toMatchObject({ states: whole, lastSeq: 3 });
    expect(await store.term()).toBe(0);
    const next = { ...stateOf("beta", 2), gateAttempts: 4 };
    await store.commit(batchOf({ events: [event("beta")], states: [next] }));
    await store.close();
    store = await openSqliteStore({ file });
    expect((await store.load()).states).toEqual([whole[0], next]);
    expect(await store.verify()).toMatchObject({ ok: true, events: 4 });
    await store.close();
  });

  it("writes what changed, and a state as a whole now and then", async () => {
    let store = await openSqliteStore({ file });
    const large = { ...stateOf("alpha", 0), appliedDigest: "x".repeat(10_000) };
    for (let version = 1; version <= 200; version += 1) {
      await store.commit(batchOf({ events: [event("alpha")], states: [{ ...large, version }] }));
      if (version === 100) {
        await store.close();
        store = await openSqliteStore({ file });
      }
    }
    await store.close();
    const db = new DatabaseSync(file);
    const { rows, bytes } = db
      .prepare("SELECT count(*) AS rows, sum(length(change)) AS bytes FROM state_changes")
      .get() as Record<string, number>;
    expect(Number(rows)).toBeLessThanOrEqual(CHANGES_MAX);
    expect(Number(bytes)).toBeLessThan(2_000);
    db.close();
  });

  it("says so when the file is not a database, or cannot be one", async () => {
    await (await openSqliteStore({ file: join(directory, "other.db") })).close();
    const text = join(directory, "text.db");
    await writeFile(text, "this is a letter and not a database, whatever its name says. ".repeat(20));
    await expect(openSqliteStore({ file: text })).rejects.toMatchObject({
      code: "store/corrupt",
      disposition: "crash",
    });
    await expect(openSqliteStore({ file: join(text, "below.db") })).rejects.toMatchObject({
      code: "store/io",
    });
  });

  describe("with ten events", () => {
    beforeEach(async () => {
      const store = await openSqliteStore({ file });
      for (let version = 1; version <= 10; version += 1) {
        await store.commit(
          batchOf({ at: version, events: [event("alpha", "m")], states: [stateOf("alpha", version)] }),
        );
      }
      await store.close();
    });

    it.each([
      "UPDATE events SET at = 0 WHERE seq = 3",
      "DELETE FROM events WHERE seq = 3",
      "DELETE FROM events WHERE seq = 10",
      "INSERT INTO events SELECT 12, at, clone, mission_id, event, prev_hash, hash FROM events WHERE seq = 3",
      "INSERT OR REPLACE INTO events SELECT 3, 0, clone, mission_id, event, prev_hash, hash FROM events WHERE seq = 3",
    ])("forbids %s", (sql) => {
      expect(() => edit(sql)).toThrow(/append/);
    });

    it.each([
      { change: "UPDATE events SET event = replace(event, 'alpha', 'omega') WHERE seq = 4", seq: 4 },
      { change: "UPDATE events SET at = at + 1 WHERE seq = 10", seq: 10 },
      { change: "UPDATE events SET mission_id = NULL WHERE seq = 1", seq: 1 },
      { change: "UPDATE events SET hash = prev_hash WHERE seq = 6", seq: 6 },
      { change: "DELETE FROM events WHERE seq = 5", seq: 5 },
      { change: "DELETE FROM events WHERE seq >= 8", seq: 8 },
      { change: "UPDATE events SET seq = 99 WHERE seq = 10", seq: 10 },
      { change: `UPDATE chain_head SET hash = '${GENESIS_HASH}'`, seq: 10 },
    ])("finds the event that was tampered with: $change", async ({ change, seq }) => {
      edit(
        `DROP TRIGGER events_never_change; DROP TRIGGER events_never_go; DROP TRIGGER events_follow_the_head; ${change}`,
      );
      const store = await openSqliteStore({ file });
      expect(await store.verify()).toMatchObject({ ok: false, brokenAtSeq: seq });
      await store.close();
    });

    it("verifies while others write", async () => {
      const store = await openSqliteStore({ file });
      const [report] = await Promise.all([
        store.verify(),
        store.commit(batchOf({ events: [event("alpha")], states: [stateOf("alpha", 11)] })),
      ]);
      expect(report).toMatchObject({ ok: true, events: 10 });
      expect(await store.verify()).toMatchObject({ ok: true, events: 11 });
      await store.close();
    });
  });

  it("verifies a chain of many pages", async () => {
    const store = await openSqliteStore({ file });
    const events = Array.from({ length: 1_200 }, () => event("alpha"));
    await store.commit(batchOf({ events, states: [stateOf("alpha", 1_200)] }));
    expect(await store.verify()).toMatchObject({ ok: true, events: 1_200 });
    await store.close();
  });

  it("says that it was closed to whoever was still verifying, and that it is busy to whoever comes too many", async () => {
    const store = await openSqliteStore({ file });
    const events = Array.from({ length: 1_200 }, () => event("alpha"));
    await store.commit(batchOf({ events, states: [stateOf("alpha", 1_200)] }));
    const crowd = Array.from({ length: 20_010 }, () => store.commit(batchOf({ settings: { a: "1" } })));
    const verdicts = await Promise.allSettled(crowd);
    const refused = verdicts.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(10);
    expect(refused[0]).toMatchObject({ reason: { code: "store/busy", disposition: "retry" } });
    const verifying = store.verify();
    await store.close();
    await expect(verifying).rejects.toMatchObject({ code: "store/closed" });
  });

  it("loses nothing and invents nothing when the disk is full, and goes on when there is room again", async (context) => {
    const script = join(import.meta.dirname, "fills-its-disk.ts");
    const mounted = await run("unshare", [
      "--user",
      "--map-root-user",
      "--mount",
      "sh",
      "-c",
      'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" "$1/record.db"',
      "sh",
      directory,
      process.execPath,
      script,
    ]).catch((error: { stderr?: string }) => error);
    if (/unshare failed|Operation not permitted|permission denied/i.test(mounted.stderr ?? "")) {
      excused((why) => context.skip(why), "unshare", "this machine gives us no mount namespace of our own");
    }
    expect(JSON.parse("stdout" in mounted ? String(mounted.stdout) : "{}")).toEqual({
      refusedWith: "store/io",
      disposition: "retry",
      wholeAfterRefusal: true,
      wentOn: true,
      verified: true,
    });
  });

  it("settles every waiter of a group, each with its own answer", async () => {
    const store = await openSqliteStore({ file });
    const waiters = Array.from({ length: 700 }, (_, index) =>
      index % 7 === 3
        ? store.commit(batchOf({ states: [stateOf(`c${index}`, 9)] })).then(
            () => "wrong",
            (error: { code: string }) => error.code,
          )
        : index % 2
          ? store.putSignals([signal(`c${index}`, 1, 1, 1)], 1).then(() => "noted")
          : store
              .commit(
                batchOf({
                  events: [event(`c${index}`)],
                  states: [stateOf(`c${index}`, 1)],
                  effects: [effect(`c${index}/1/0`, `c${index}`)],
                }),
              )
              .then(() => "committed"),
    );
    const answers = await Promise.all(waiters);
    expect(
      answers.every(
        (answer, index) =>
          answer === (index % 7 === 3 ? "store/conflict" : index % 2 ? "noted" : "committed"),
      ),
    ).toBe(true);
    expect(await store.verify()).toMatchObject({ ok: true, events: 300 });
    await store.close();
  });

  function edit(sql: string): void {
    const db = new DatabaseSync(file);
    try {
      db.exec(sql);
    } finally {
      db.close();
    }
  }
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
