import type { Notice } from "../../core/model/notice.ts";
import { iso } from "../../core/model/time.ts";

/** A notice as receivers see it (`specs/notices-v1.md`). Snake case, as everything on the wire. */
export function toWire(notice: Notice): Readonly<Record<string, unknown>> {
  return {
    id: notice.id,
    kind: notice.kind,
    severity: notice.severity,
    at: iso(notice.at),
    clone: notice.clone,
    mission: notice.mission,
    mission_id: notice.missionId,
    subject: notice.subject,
    what: notice.what,
    since: iso(notice.since),
    evidence: notice.evidence,
    answers: notice.answers,
  };
}
