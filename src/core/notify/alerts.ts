/** What people are told about the ways by which they are told, over the other ones. */
import type { Severity } from "../model/incident.ts";
import type { Destination, Notice, OutboxRow } from "../model/notice.ts";
import type { Instant } from "../model/time.ts";
import { bounded } from "./bound.ts";
import { noticeId } from "./notices.ts";
import { newRow, takes } from "./route.ts";

/** Notices about notices: none of them causes another one, or two broken destinations would keep each other busy. */
const TOPIC_PREFIX = "destination/";

export function isAboutAWay(notice: Notice): boolean {
  return notice.topic?.startsWith(TOPIC_PREFIX) === true;
}

/** Rows for every destination but the one that it is about. */
export function elsewhere(
  notice: Notice,
  about: string,
  destinations: readonly Destination[],
): readonly OutboxRow[] {
  return destinations
    .filter((destination) => destination.name !== about && takes(destination, notice))
    .map((destination) => newRow(notice, destination.name));
}

export function deadLetterAlert(row: OutboxRow, at: Instant): Notice {
  const { destination, notice } = row;
  return about(destination, {
    cause: `dead ${row.id} ${row.dead?.since ?? at}`,
    severity: "high",
    at,
    since: row.createdAt,
    subject: `${destination}: a notice was set aside`,
    what: `${notice.kind} "${notice.subject}" could not be delivered: ${row.dead?.reason ?? "Refused"}`,
    evidence: [row.lastProblem ?? "no answer is on record", `${row.attempts} attempts, id ${notice.id}`],
    answers: ["factory dead-letters", `factory dead-letters replay ${row.id}`],
  });
}

export function downAlert(
  destination: string,
  facts: { since: Instant; at: Instant; problem: string },
): Notice {
  return about(destination, {
    cause: `down ${destination} ${facts.at}`,
    severity: "medium",
    at: facts.at,
    since: facts.since,
    subject: `${destination}: notices do not get through`,
    what: "several attempts in a row failed; what is to be told is kept and tried again",
    evidence: [facts.problem],
    answers: [
      "factory status",
      `see that \`${destination}\` in fleet.yaml, spec.simone.notify, can be reached`,
    ],
  });
}

export function restoredAlert(destination: string, facts: { since: Instant; at: Instant }): Notice {
  return about(destination, {
    cause: `restored ${destination} ${facts.at}`,
    severity: "low",
    at: facts.at,
    since: facts.since,
    subject: `${destination}: notices get through again`,
    what: "what had been kept is being delivered, in order",
    evidence: [],
    answers: ["factory status"],
  });
}

export function backlogAlert(destination: string, facts: { rows: number; at: Instant }): Notice {
  return about(destination, {
    cause: `backlog ${destination} ${facts.at}`,
    severity: "high",
    at: facts.at,
    since: facts.at,
    subject: `${destination}: CallbackBacklog`,
    what: `${facts.rows} notices wait; alerts of one topic take each other's place from here on, nothing else is left out`,
    evidence: [],
    answers: ["factory status"],
  });
}

function about(
  destination: string,
  facts: { readonly cause: string; readonly severity: Severity } & Pick<
    Notice,
    "at" | "since" | "subject" | "what" | "evidence" | "answers"
  >,
): Notice {
  const { cause, ...rest } = facts;
  return bounded({
    id: noticeId(cause),
    kind: "alert",
    clone: null,
    mission: null,
    missionId: null,
    topic: `${TOPIC_PREFIX}${destination}`,
    ...rest,
  });
}
