import { copyFile, mkdtemp, rename, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite/store.ts";
import type { Store } from "../../../../src/ports/store.ts";
import { batchOf, event, signal, stateOf } from "../../../support/record.ts";

let directory: string;
let file: string;
let store: Store;
let version = 0;

async function commit() {
  const written = await store.commit(
    batchOf({ events: [event("scribe")], states: [stateOf("scribe", version + 1)] }),
  );
  version += 1;
  return written;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "factory-removed-"));
  file = join(directory, "record.db");
  store = await openSqliteStore({ file });
  version = 0;
  await commit();
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

test.each([
  ["the database", ""],
  ["its log", "-wal"],
])("nobody is answered once %s is removed", async (_, suffix) => {
  await unlink(file + suffix);
  await expect(commit()).rejects.toMatchObject({ code: "store/removed", disposition: "retry" });
  expect((await store.load()).lastSeq).toBe(1);
});

test("nor once another one stands in its place", async () => {
  await copyFile(file, `${file}.copy`);
  await rename(`${file}.copy`, file);
  await expect(commit()).rejects.toThrow(/record\.db was replaced while this controller had it open/);
});

test("put back, it goes on", async () => {
  await rename(file, `${file}.away`);
  await expect(commit()).rejects.toMatchObject({ code: "store/removed" });
  await rename(`${file}.away`, file);
  expect(await commit()).toEqual({ lastSeq: 2 });
});

test("nor does a heartbeat that was refused meanwhile silence those that come after it", async () => {
  await rename(file, `${file}.away`);
  await expect(store.putSignals([signal("scribe", 1, 1, 1)], 1)).rejects.toMatchObject({
    code: "store/removed",
  });
  await rename(`${file}.away`, file);
  await store.putSignals([signal("scribe", 1, 2, 2)], 1);
  expect((await store.load()).signals).toEqual([signal("scribe", 1, 2, 2)]);
});
