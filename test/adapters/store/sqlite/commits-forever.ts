// Commits one event after the other to the file named on the command line and
// says so after every one. Runs until it is killed.
import { openSqliteStore } from "../../../../src/adapters/store/sqlite/store.ts";
import { batchOf, effect, event, signal, stateOf } from "../../../support/record.ts";

const file = process.argv[2] ?? "";
const store = await openSqliteStore({ file });
let version = (await store.load()).states[0]?.version ?? 0;
process.stdout.write(`open ${version}\n`);
for (;;) {
  version += 2;
  await Promise.all([
    store.commit(
      batchOf({
        events: [event("alpha"), event("alpha")],
        states: [stateOf("alpha", version)],
        effects: [effect(`alpha/${version}/0`, "alpha")],
        settled: [`alpha/${version - 2}/0`],
        receipts: [{ key: `alpha/1/${version}`, digest: "d", status: 200, body: "{}" }],
        settings: { version: String(version) },
      }),
    ),
    store.putSignals([signal("alpha", 1, version, version)], 1),
  ]);
  process.stdout.write(`committed ${version}\n`);
}
