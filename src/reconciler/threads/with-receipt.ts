import type { Receipt } from "../../ports/store.ts";
import type { Recorder } from "../record/recorder.ts";

/** The same record, in which whatever is written of a clone leaves this receipt in the same transaction. */
export function withReceipt(recorder: Recorder, receipt: Receipt): Recorder {
  return Object.assign(Object.create(recorder) as Recorder, {
    write: ((clone, make) =>
      recorder.write(clone, (state) => {
        const entry = make(state);
        return entry === null ? null : { ...entry, receipts: [...(entry.receipts ?? []), receipt] };
      })) satisfies Recorder["write"],
  });
}
