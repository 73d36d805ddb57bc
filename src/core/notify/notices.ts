import { actorText } from "../model/actor.ts";
import type { CloneState, ClosedMission } from "../model/clone-state.ts";
import { sha256Hex } from "../model/digest.ts";
import type { CloneEvent } from "../model/event.ts";
import type { Incident, IncidentClass } from "../model/incident.ts";
import type { Notice } from "../model/notice.ts";
import type { Request } from "../model/request.ts";
import type { Instant } from "../model/time.ts";
import { answersTo } from "../status/inbox.ts";
import { bounded } from "./bound.ts";

type Draft = Omit<Notice, "id" | "at" | "clone" | "mission" | "missionId">;

/** One event with the states around it. */
export interface Happening {
  readonly before: CloneState;
  readonly after: CloneState;
  readonly event: CloneEvent;
  readonly at: Instant;
}

/**
 * What people are told of one recorded event: incidents, questions, kills and their proof,
 * closures, and reports that do not arrive. From the states before and after it alone, so the
 * same event gives the same notices under the same ids, whoever works them out and how often.
 */
export function noticesOf({ before, after, event, at }: Happening): readonly Notice[] {
  const drafts = [
    ...incidents(before, after),
    ...questions(before, after),
    ...kills(before, after, event),
    ...closures(before, after),
    ...quarantine(before, after),
  ];
  if (drafts.length === 0) return NONE;
  const { mission } = before.mission === null ? after : before;
  return drafts.map((draft, index) =>
    bounded({
      id: noticeId(`${after.name}/${after.version}/${at}/${index}`),
      at,
      clone: after.name,
      mission: mission?.name ?? null,
      missionId: mission?.missionId ?? null,
      ...draft,
    }),
  );
}

/** The id under which a receiver knows it. It must tell a rebuilt record, whose versions begin anew, from the one that was lost. */
export function noticeId(cause: string): string {
  return `msg_${sha256Hex(cause).slice(0, 32)}`;
}

const NONE: readonly Notice[] = [];

/** Reports on their way to us: told as alerts about the way, once when it breaks and once when it holds again. */
const OF_THE_WAY: ReadonlySet<IncidentClass> = new Set(["callback_gap", "callback_down", "missed_callback"]);

function incidents(before: CloneState, after: CloneState): Draft[] {
  if (before.mission?.incidents === after.mission?.incidents && before.past === after.past) return [];
  const known = new Map(allIncidents(before).map((incident) => [keyOf(incident), incident]));
  const subject = subjectOf(before, after);
  return allIncidents(after).flatMap((incident): Draft[] => {
    const earlier = known.get(keyOf(incident));
    if (incident.class === "killed") return []; // Told as a kill.
    if (earlier === undefined) return [opened(incident, subject, after.name)];
    if (earlier.endedAt !== null || incident.endedAt === null || !OF_THE_WAY.has(incident.class)) return [];
    return [restored(incident, subject, after.name)];
  });
}

function opened(incident: Incident, subject: string, clone: string): Draft {
  const ofTheWay = OF_THE_WAY.has(incident.class);
  return {
    kind: ofTheWay ? "alert" : "incident",
    severity: incident.severity,
    subject: ofTheWay
      ? `${subject}: reports do not arrive as they should`
      : `${subject}: ${incident.class.replaceAll("_", " ")}`,
    what: incident.message,
    since: incident.startedAt,
    evidence: incident.evidence === undefined ? [] : [incident.evidence],
    answers: [`factory why ${subject}`, `factory events ${subject} --last 20`],
    topic: ofTheWay ? `callbacks/${clone}` : null,
  };
}

function restored(incident: Incident, subject: string, clone: string): Draft {
  return {
    kind: "alert",
    severity: "low",
    subject: `${subject}: reports arrive again`,
    what: `over: ${incident.message}`,
    since: incident.startedAt,
    evidence: [],
    answers: [`factory why ${subject}`],
    topic: `callbacks/${clone}`,
  };
}

/** Those of a mission that this very event closed included. */
function allIncidents(state: CloneState): readonly (Incident & { readonly of: string })[] {
  const closed = state.past.at(-1);
  return [
    ...(closed?.incidents ?? []).map((incident) => ({ ...incident, of: closed?.missionId ?? "" })),
    ...(state.mission?.incidents ?? []).map((incident) => ({
      ...incident,
      of: state.mission?.missionId ?? "",
    })),
  ];
}

function keyOf(incident: Incident & { readonly of: string }): string {
  return `${incident.of} ${incident.id}`;
}

function questions(before: CloneState, after: CloneState): Draft[] {
  if (before.requests === after.requests) return [];
  const known = new Map(before.requests.map((request) => [request.id, request]));
  return after.requests.flatMap((request): Draft[] => {
    const earlier = known.get(request.id);
    const isNew = earlier === undefined || request.reminders > earlier.reminders;
    return isNew ? [asked(request, subjectOf(before, after))] : [];
  });
}

function asked(request: Request, subject: string): Draft {
  return {
    kind: request.kind === "approval" ? "approval" : "decision",
    severity: request.severity,
    subject: `${subject}: ${request.kind}${request.reminders === 0 ? "" : `, reminder ${request.reminders}`}`,
    what: request.summary,
    since: request.openedAt,
    evidence: request.evidence,
    answers: answersTo(request),
    topic: null,
  };
}

function kills(before: CloneState, after: CloneState, event: CloneEvent): Draft[] {
  const subject = subjectOf(before, after);
  if (event.type === "stop.finished") {
    const proven = before.instance?.epoch === event.epoch && after.instance === null;
    if (!proven || !wasKilled(before)) return [];
    const { proof } = event;
    return [
      {
        kind: "kill",
        severity: "medium",
        subject: `${subject}: killed, ${proof.unproven === undefined ? "proven dead" : "its death unproven"}`,
        what:
          proof.unproven === undefined
            ? `nothing of epoch ${event.epoch} lives any more`
            : `nothing of epoch ${event.epoch} is found, and something may live: ${proof.unproven}`,
        since: before.phaseSince,
        evidence: [`rung ${proof.rung}, containment ${proof.containment}`, proof.evidence],
        answers: [`factory status ${subject}`],
        topic: null,
      },
    ];
  }
  const why = killReason(event);
  if (why === null || !isBeingEnded(after) || isBeingEnded(before)) return [];
  return [
    {
      kind: "kill",
      severity: "medium",
      subject: `${subject}: kill recorded`,
      what: why,
      since: after.mission?.terminal?.at ?? after.phaseSince,
      evidence: [],
      answers: [`factory status ${subject}`, `factory kill --now ${subject}`],
      topic: null,
    },
  ];
}

function killReason(event: CloneEvent): string | null {
  if (event.type === "kill.requested") return `killed by ${actorText(event.by)}: ${event.reason}`;
  if (event.type === "mission.limits_changed" && event.limits.kill_switch.engaged)
    return `the kill switch in its file is engaged, at ${event.revision.slice(0, 12)}`;
  return null;
}

function wasKilled({ mission }: CloneState): boolean {
  return (
    mission !== null &&
    (mission.incidents.some((incident) => incident.class === "killed") || mission.limits.kill_switch.engaged)
  );
}

function isBeingEnded(state: CloneState): boolean {
  const instanceEnds = state.instance === null || state.instance.stopping !== null;
  return instanceEnds && (state.mission === null || state.mission.terminal !== null);
}

function closures(before: CloneState, after: CloneState): Draft[] {
  const closed = after.past.at(-1);
  if (closed === undefined || before.past.some((past) => past.missionId === closed.missionId)) return [];
  return [closure(closed, after.name)];
}

function closure(closed: ClosedMission, clone: string): Draft {
  const asks = closed.decision === "undecided";
  return {
    kind: "closure",
    severity: closed.outcome === "accepted" || closed.outcome === "ignored" ? "low" : "medium",
    subject: `${closed.name}: closed, ${closed.outcome}`,
    what: `${closed.outcomeReason}${asks ? `; what becomes of ${clone}?` : ""}`,
    since: closed.terminal.at,
    evidence: [
      `terminal ${closed.terminal.status} by ${actorText(closed.terminal.by)}: ${closed.terminal.reason}`,
      `${closed.artifacts.length} artifacts, ${closed.incidents.length} incidents, ${closed.epochs} epochs`,
    ],
    answers: [
      `factory closure ${closed.name}`,
      ...(asks ? ["retire", "standby", "template"] : []).map(
        (decision) => `factory closure ${closed.name} --decide ${decision}`,
      ),
    ],
    topic: null,
  };
}

/** A clone without a mission has no list of incidents to put it on. */
function quarantine(before: CloneState, after: CloneState): Draft[] {
  if (after.mission !== null || after.phase !== "Quarantined" || before.phase === "Quarantined") return [];
  return [
    {
      kind: "incident",
      severity: "high",
      subject: `${after.name}: quarantine`,
      what: after.lastFailure ?? "too many failures",
      since: after.phaseSince,
      evidence: after.failures.slice(-3).map((failure) => failure.message),
      answers: [`factory logs ${after.name}`, `factory resume ${after.name}`],
      topic: null,
    },
  ];
}

function subjectOf(before: CloneState, after: CloneState): string {
  return after.mission?.name ?? before.mission?.name ?? after.name;
}
