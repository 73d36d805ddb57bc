/** Who wrote to the status branch beside us, or pushed away what we had published: on record and told once, and shown for a while. */
import { describeFleet } from "../../core/fleet/decide.ts";
import { controllerPart } from "../../core/model/actor.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { FleetEvent, StatusEvent } from "../../core/model/fleet-event.ts";
import type { Destination } from "../../core/model/notice.ts";
import { NO_CHANGE, rowsFor } from "../../core/notify/route.ts";
import { statusTouched } from "../../core/notify/status-branch.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { StatusReading } from "../../ports/status-branch.ts";
import type { Recorder } from "./recorder.ts";

export interface StatusTroubles {
  /** Never throws. */
  saw(reading: StatusReading): void;
}

const BY = controllerPart("record");
/** Of one look, and remembered so that none is told twice: who makes more is told of by the newest. */
const TOLD_AT_ONCE_MAX = 10;
const TOLD_MAX = 1_000;

export function createStatusTroubles(parts: {
  readonly recorder: Pick<Recorder, "writeFleet" | "outbox">;
  /** Whether events of the fleet may be recorded. */
  readonly mayRecord: () => boolean;
  readonly destinations: () => readonly Destination[] | null;
  readonly clock: Clock;
  readonly log: Log;
}): StatusTroubles {
  const { recorder, clock, log } = parts;
  const told = new Set<string>();

  function tell(id: string, event: StatusEvent & FleetEvent): void {
    if (!parts.mayRecord() || told.has(id) || told.size >= TOLD_MAX) return;
    told.add(id);
    const at = clock.now();
    const message = describeFleet(event);
    log.error("somebody else wrote to the status branch", { what: message });
    const rows = rowsFor(
      statusTouched(event, { what: message, at }),
      parts.destinations() ?? [],
      recorder.outbox.values(),
    );
    recorder
      .writeFleet(() => ({ events: [event], outbox: { ...NO_CHANGE, put: rows.put } }))
      .catch((error: unknown) => {
        told.delete(id);
        log.warn("who wrote to the status branch could not be recorded", {
          error: asFactoryError(error).message,
        });
      });
  }

  return {
    saw({ proof }) {
      if (proof === undefined || (proof.by !== "own" && proof.by !== "listed")) return;
      const { strangers, rewound } = proof;
      if (rewound !== null)
        tell(`${rewound.from} ${rewound.to}`, { type: "status.rewound", by: BY, ...rewound });
      for (const { commit, author, files } of strangers.slice(0, TOLD_AT_ONCE_MAX).reverse())
        tell(commit, { type: "status.overwritten", by: BY, commit, author, files });
    },
  };
}
