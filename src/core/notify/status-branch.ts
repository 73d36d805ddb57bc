/** What people are told of somebody who writes to the status branch beside the controller. */
import type { StatusEvent } from "../model/fleet-event.ts";
import type { Notice } from "../model/notice.ts";
import type { Instant } from "../model/time.ts";
import { bounded } from "./bound.ts";
import { noticeId } from "./notices.ts";

export function statusTouched(event: StatusEvent, { what, at }: { what: string; at: Instant }): Notice {
  const cause = event.type === "status.overwritten" ? event.commit : `${event.from} ${event.to ?? ""}`;
  return bounded({
    id: noticeId(`${event.type} ${cause}`),
    kind: "incident",
    severity: "high",
    clone: null,
    mission: null,
    missionId: null,
    at,
    since: at,
    subject: "status branch: written by somebody else",
    what,
    evidence: [],
    answers: ["let nobody but the controller push to the status branch", "factory events"],
    topic: null,
  });
}
