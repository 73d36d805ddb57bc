import type { StatusEvent } from "../../model/fleet-event.ts";
import type { FleetState, StatusTouch } from "../../model/fleet-state.ts";
import type { Instant } from "../../model/time.ts";
import { type FleetRules, type Ignored, ignored } from "../event-rules.ts";

/** Shown to people; beyond it somebody fills the branch, and the newest say so. */
const TOUCHES_MAX = 5;

/** What others did to the status branch: for people. It decides nothing, since what is believed is what a key stands behind. */
export const STATUS_EVENTS: FleetRules<FleetState, StatusEvent["type"]> = {
  "status.overwritten": {
    on: (fleet, event, at) => touched(fleet, { id: event.commit, at, message: overwrittenText(event) }),
    describe: overwrittenText,
  },
  "status.rewound": {
    on: (fleet, event, at) =>
      touched(fleet, { id: `${event.from} ${event.to ?? ""}`, at, message: rewoundText(event) }),
    describe: rewoundText,
  },
};

type Overwritten = Omit<Extract<StatusEvent, { type: "status.overwritten" }>, "type">;
type Rewound = Omit<Extract<StatusEvent, { type: "status.rewound" }>, "type">;

function overwrittenText({ commit, author, files }: Overwritten): string {
  return `commit ${commit.slice(0, 12)}, which calls itself ${author}, changed ${files.join(", ")} on the status branch without a key that is believed here; nothing of it is read, it is set aside, and what was published is put on top`;
}

function rewoundText({ from, to }: Rewound): string {
  const how = to === null ? "was deleted" : `was put back or replaced: it stood at ${to.slice(0, 12)}`;
  return `the status branch, which stood at ${from.slice(0, 12)}, ${how}; what was published is put on top`;
}

function touched(fleet: FleetState, touch: StatusTouch & { readonly at: Instant }): FleetState | Ignored {
  const before = fleet.record.touched ?? [];
  if (before.some(({ id }) => id === touch.id)) return ignored("it is on record already");
  return { ...fleet, record: { ...fleet.record, touched: [...before, touch].slice(-TOUCHES_MAX) } };
}
