/** How people are told of things, and what could not be told. */

import type { CloneState } from "../model/clone-state.ts";
import type { DestinationType, OutboxRow } from "../model/notice.ts";
import type { Instant } from "../model/time.ts";
import type { InboxItem } from "./view.ts";

export interface CallbacksView {
  readonly destinations: readonly DestinationView[];
  /** Notices that wait for their delivery. */
  readonly waiting: number;
  readonly deadLetters: number;
  /** So many wait that alerts of one topic take each other's place. */
  readonly backlog: boolean;
}

export interface DestinationView {
  readonly name: string;
  readonly type: DestinationType;
  /** `gone`: it said that it wants nothing more. `not_connected`: declared, and nothing is sent there by this program. */
  readonly state: "ok" | "failing" | "gone" | "not_connected";
  readonly failingSince: Instant | null;
  readonly waiting: number;
  readonly dead: number;
  readonly backlog: boolean;
  readonly lastProblem: string | null;
}

/** Something that will not be sent again by itself. */
export interface DeadLetterView {
  /** What `factory dead-letters replay` takes. */
  readonly id: string;
  /** A notice of ours, or a report that an instance's shim could not deliver. */
  readonly from: "controller" | "shim";
  readonly destination: string;
  /** Of the notice, or the type of the report. */
  readonly kind: string;
  readonly subject: string;
  readonly mission: string | null;
  readonly since: Instant;
  readonly reason: string;
  readonly problem: string | null;
  readonly attempts: number;
}

/** What there is to know about the ways. */
export interface CallbackFacts {
  readonly destinations: readonly DestinationView[];
  readonly deadLetters: readonly DeadLetterView[];
}

export function callbacksView({ destinations, deadLetters }: CallbackFacts = NOTHING): CallbacksView {
  return {
    destinations,
    waiting: destinations.reduce((sum, one) => sum + one.waiting, 0),
    deadLetters: deadLetters.filter(isOpen).length,
    backlog: destinations.some((one) => one.backlog),
  };
}

const NOTHING: CallbackFacts = { destinations: [], deadLetters: [] };

/** The controller's dead letters, oldest first. */
export function deadLettersOf(outbox: Iterable<OutboxRow>): readonly DeadLetterView[] {
  const letters: DeadLetterView[] = [];
  for (const row of outbox) {
    if (row.dead === null) continue;
    letters.push({
      id: row.id,
      from: "controller",
      destination: row.destination,
      kind: row.notice.kind,
      subject: row.notice.subject,
      mission: row.notice.mission,
      since: row.dead.since,
      reason: row.dead.reason,
      problem: row.lastProblem,
      attempts: row.attempts,
    });
  }
  return letters;
}

/** What living instances' shims have set aside. A report that came through the driver since is no loss, and says so. */
export function shimLettersOf(states: Iterable<CloneState>): readonly DeadLetterView[] {
  const letters: DeadLetterView[] = [];
  for (const { name, instance, mission } of states) {
    for (const { seq, reportType, status } of instance?.callback.refused ?? []) {
      const taken = seq <= (instance?.lastSeq ?? 0);
      letters.push({
        id: `${SHIM_LETTER}${name}/${instance?.epoch ?? 0}/${seq}`,
        from: "shim",
        destination: name,
        kind: reportType,
        subject: `report ${seq} of ${name}, epoch ${instance?.epoch ?? 0}`,
        mission: mission?.name ?? null,
        since: instance?.callback.refusedAt ?? 0,
        reason: taken ? TAKEN : "Refused",
        problem: `the controller answered ${status}${taken ? "; taken through the driver since" : ""}`,
        attempts: 1,
      });
    }
  }
  return letters;
}

/** With what the id of a shim's letter begins. */
export const SHIM_LETTER = "shim/";
const TAKEN = "TakenThroughDriver";

function isOpen(letter: DeadLetterView): boolean {
  return letter.reason !== TAKEN;
}

/** What about the ways themselves waits for a person. */
export function callbackItems({ destinations, deadLetters }: CallbackFacts = NOTHING): readonly InboxItem[] {
  const items: InboxItem[] = [];
  const open = deadLetters.filter(isOpen);
  const first = open[0];
  if (first !== undefined) {
    items.push({
      id: "callbacks/dead-letters",
      severity: "critical",
      kind: "dead_letters",
      subject: "callbacks",
      since: first.since,
      message: `${open.length} not delivered and set aside, the oldest for ${first.destination}: ${first.subject} (${first.reason}${first.problem === null ? "" : `, ${first.problem}`})`,
      answers: ["factory dead-letters", "factory dead-letters replay --all"],
    });
  }
  for (const one of destinations) {
    if (one.state !== "failing" && one.state !== "gone" && !one.backlog) continue;
    const what =
      one.state === "gone"
        ? "wants nothing more (410)"
        : one.backlog
          ? "CallbackBacklog: many notices wait"
          : "cannot be reached";
    items.push({
      id: `callbacks/${one.name}`,
      severity: "warning",
      kind: "callbacks",
      subject: one.name,
      since: one.failingSince ?? first?.since ?? 0,
      message: `${what}; ${one.waiting} wait${one.lastProblem === null ? "" : `: ${one.lastProblem}`}`,
      answers: ["correct spec.simone.notify in fleet.yaml", "factory dead-letters replay --all"],
    });
  }
  return items;
}
