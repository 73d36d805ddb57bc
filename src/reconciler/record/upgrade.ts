/** A record that an older program wrote becomes one of ours when it is opened for writing. */
import { controllerPart } from "../../core/model/actor.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { JournalHead } from "../../core/model/fleet-state.ts";
import { readFormerSettings } from "../../core/record/former-settings.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Store, StoredRecord } from "../../ports/store.ts";
import { beginTransaction } from "./transaction.ts";

/**
 * Everything that is on record. What stood in settings becomes the first event of the fleet, in the transaction that
 * removes it there. Rejects `record/not-upgradable` (`stall`) for what cannot be understood, and changes nothing then.
 */
export async function loadUpgraded(
  store: Store,
  { term, clock, log }: { readonly term: number; readonly clock: Clock; readonly log: Log },
): Promise<StoredRecord> {
  const stored = await store.load();
  const former = readFormerSettings(stored.settings);
  if (former === null) return stored;
  if (former.rebuilding) throw halfRebuilt();
  const { snapshot, replaces, keys } = former;
  const transaction = beginTransaction({
    at: clock.now(),
    now: { states: new Map(), fleet: stored.fleet, outbox: new Map() },
    log,
    tell: undefined,
  });
  const evidence = `what an older program kept beside the chain is on it: ${keys.join(", ")}`;
  transaction.addFleet(() => ({
    events: [{ type: "fleet.upgraded", by: controllerPart("record"), snapshot, replaces, evidence }],
  }));
  transaction.addSide({
    put: [],
    removed: [],
    settings: Object.fromEntries(keys.map((key) => [key, null])),
  });
  const batch = transaction.batch();
  if (batch !== null) await store.commit({ term, ...batch });
  log.info("the record of an older program is upgraded", { keys });
  return store.load();
}

/** Head of the journal that a record takes the place of, also of one that is not upgraded yet. */
export function replacedBy({
  fleet,
  settings,
}: Pick<StoredRecord, "fleet" | "settings">): JournalHead | null {
  return fleet.record.replaces ?? readFormerSettings(settings)?.replaces ?? null;
}

export function halfRebuilt(): FactoryError {
  return new FactoryError(
    "record/half-rebuilt",
    "stall",
    "the record was being rebuilt, and that was cut off: `factory restore --yes` begins again from the start",
  );
}
