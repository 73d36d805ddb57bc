import {
  type Destination,
  NOTICE_KINDS,
  type Notice,
  type OutboxRow,
} from "../../../src/core/model/notice.ts";
import { T0 } from "../../support/fleet.ts";

export function aNotice(change: Partial<Notice> = {}): Notice {
  return {
    id: "msg_0",
    kind: "incident",
    severity: "medium",
    at: T0,
    clone: "scribe",
    mission: "audit",
    missionId: "m_1",
    subject: "audit: crash",
    what: "the agent ended with exit 1",
    since: T0,
    evidence: ["exit 1"],
    answers: ["factory why audit"],
    topic: null,
    ...change,
  };
}

export function aRow(change: Partial<OutboxRow> = {}): OutboxRow {
  return {
    id: "msg_0/pager",
    destination: "pager",
    key: "m_1",
    notice: aNotice(),
    createdAt: T0,
    attempts: 0,
    lastAttemptAt: null,
    nextAttemptAt: T0,
    waitAsked: false,
    lastProblem: null,
    dead: null,
    ...change,
  };
}

export function aDestination(
  name: string,
  change: Partial<Pick<Destination, "events" | "minSeverity">> = {},
): Destination {
  return { name, type: "log", events: NOTICE_KINDS, minSeverity: "low", ...change };
}
