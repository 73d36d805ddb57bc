import type { RecordEvent } from "../../model/fleet-event.ts";
import type { FleetSnapshot, FleetState, JournalHead } from "../../model/fleet-state.ts";
import type { Instant } from "../../model/time.ts";
import { type FleetRules, ignored } from "../event-rules.ts";

/** Where the record comes from. These may replace the whole state, so they are given it. */
export const ORIGIN_EVENTS: FleetRules<FleetState, RecordEvent["type"]> = {
  "record.begun_anew": {
    on: (fleet, { replaces }) => ({ ...fleet, record: { ...fleet.record, replaces } }),
    describe: ({ replaces }) =>
      `a new record is begun, and what was published up to ${headText(replaces)} is given up`,
  },
  "record.rebuilding": {
    on: (fleet, { replaces }) => ({ ...fleet, record: { rebuilding: true, replaces } }),
    describe: ({ replaces }) =>
      `the record is being rebuilt from what was published up to ${replaces === null ? "nothing" : headText(replaces)}`,
  },
  "fleet.restored": {
    on: (fleet, { snapshot }, at) =>
      fleet.record.rebuilding
        ? {
            ...fleet,
            ...snapshot,
            ...begunAnew(snapshot, at),
            record: { ...fleet.record, rebuilding: false },
          }
        : ignored("the record is not being rebuilt"),
    describe: ({ evidence }) => `the record is rebuilt: ${evidence}`,
  },
  "fleet.upgraded": {
    on: (fleet, { snapshot, replaces }) =>
      fleet.version === 0
        ? { ...fleet, ...snapshot, record: { ...fleet.record, replaces } }
        : ignored("the record has events of the fleet already"),
    describe: ({ evidence }) => evidence,
  },
};

/** Which comments were obeyed is lost with the record: none of them is obeyed once more. */
function begunAnew(snapshot: FleetSnapshot | null, at: Instant): Pick<FleetState, "threads"> {
  return snapshot?.threads === undefined ? {} : { threads: { ...snapshot.threads, since: at } };
}

function headText({ seq, hash }: JournalHead): string {
  return `event ${seq} (${hash.slice(0, 12)})`;
}
