// Commits ever larger settings until the small file system under the named file
// is full, then checks that the record is whole, makes room, and goes on.
import { rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite/store.ts";
import { FactoryError } from "../../../../src/core/model/error.ts";
import { batchOf, event, stateOf } from "../../../support/record.ts";

const COMMITS_MAX = 1_000;
const file = process.argv[2] ?? "";
const ballast = join(dirname(file), "ballast");
await writeFile(ballast, Buffer.alloc(300_000));
const store = await openSqliteStore({ file });

let version = 0;
let refusal: FactoryError | null = null;
for (let commit = 0; commit < COMMITS_MAX && refusal === null; commit += 1) {
  try {
    await store.commit(next(version + 1));
    version += 1;
  } catch (error) {
    refusal = error as FactoryError;
  }
}
const after = await store.load();
const wholeAfterRefusal = after.lastSeq === version && after.states[0]?.version === version;
await rm(ballast);
await store.commit(next(version + 1));
await store.close();
const again = await openSqliteStore({ file });
const { lastSeq } = await again.load();
const report = await again.verify();
await again.close();
process.stdout.write(
  JSON.stringify({
    refusedWith: refusal instanceof FactoryError ? refusal.code : String(refusal),
    disposition: refusal?.disposition,
    wholeAfterRefusal,
    wentOn: lastSeq === version + 1,
    verified: report.ok,
  }),
);

function next(version: number): ReturnType<typeof batchOf> {
  return batchOf({
    events: [event("alpha")],
    states: [stateOf("alpha", version)],
    settings: { [`ballast-${version}`]: "x".repeat(8_000) },
  });
}
