/** Whether this installation may act on its fleet repository, and who does where it may not. */
import type { FleetLease } from "../model/fleet-lease.ts";
import type { StatusTouch } from "../model/fleet-state.ts";
import type { Instant } from "../model/time.ts";
import type { InboxItem } from "./view.ts";

export interface LeaseStanding {
  /** `elsewhere`: another installation has the right to act. `waiting`: it is not ours yet, or not any more. */
  readonly type: "held" | "elsewhere" | "waiting";
  readonly since: Instant;
  /** Why nothing is begun; empty where it is held. */
  readonly message: string;
  /** Who holds it, where that is known. */
  readonly lease: FleetLease | null;
}

/** Shown for a day: what was repaired needs nothing done, and somebody should know who can push there. */
const TOUCH_SHOWN_MS = 24 * 60 * 60_000;

export interface RightFacts {
  readonly standing: LeaseStanding | null;
  /** What others did to the status branch. */
  readonly touched: readonly StatusTouch[];
}

export function leaseItems(right: RightFacts | undefined, now: Instant): readonly InboxItem[] {
  if (right === undefined) return [];
  const { standing, touched } = right;
  return [...standingItems(standing), ...touchedItems(touched, now)];
}

function standingItems(standing: LeaseStanding | null): readonly InboxItem[] {
  if (standing === null || standing.type === "held") return [];
  const { since, message } = standing;
  const base = { id: "fleet/lease", kind: "lease", subject: "fleet", since, message } as const;
  if (standing.type === "waiting")
    return [{ ...base, severity: "warning", answers: ["factory doctor", "see the controller's log"] }];
  return [
    {
      ...base,
      severity: "critical",
      answers: [
        "leave it to that controller, and end this one",
        "end that controller, and say `factory lease release` with its data directory",
        "factory restore",
      ],
    },
  ];
}

function touchedItems(touched: readonly StatusTouch[], now: Instant): readonly InboxItem[] {
  return touched
    .filter(({ at }) => now - at < TOUCH_SHOWN_MS)
    .map(({ id, at, message }) => ({
      id: `status/${id}`,
      severity: "warning",
      kind: "status_branch",
      subject: "status branch",
      since: at,
      message,
      answers: ["let nobody but the controller push to the status branch"],
    }));
}
