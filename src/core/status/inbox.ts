import { actorText } from "../model/actor.ts";
import type { CloneState, ClosedMission } from "../model/clone-state.ts";
import { DEATH_UNPROVEN, type Hold } from "../model/hold.ts";
import { ANSWER_FLAG, type DecisionType, type Request, type RequestKind } from "../model/request.ts";
import type { Instant } from "../model/time.ts";
import { callbackItems } from "./callbacks.ts";
import { drillItems } from "./drills.ts";
import type { FleetSnapshot } from "./fleet.ts";
import { guardrailItems } from "./guardrails.ts";
import { leaseItems } from "./lease-standing.ts";
import { degradedItems } from "./liveness.ts";
import { machineItems } from "./machine-problem.ts";
import { recordItems } from "./record-problem.ts";
import { rolloutItems } from "./rollouts.ts";
import type { InboxItem } from "./view.ts";

/** Everything that waits for a person, the most serious first, then the oldest. */
export function inboxOf(fleetSnapshot: FleetSnapshot): readonly InboxItem[] {
  const items: InboxItem[] = [];
  for (const state of fleetSnapshot.states.values()) {
    for (const request of state.requests) items.push(requestItem(state, request));
    for (const hold of state.holds) {
      if (state.requests.some((asked) => asked.hold?.kind === hold.kind && asked.hold.owner === hold.owner))
        continue;
      const item = holdItem(state, hold);
      if (item !== null) items.push(item);
    }
    const asked = state.requests.some(({ kind }) => kind === "blocked");
    if (state.mission !== null && state.mission.blockers.length > 0 && !asked) {
      const blocker = state.mission.blockers[0];
      items.push({
        id: `${state.mission.name}/blocked`,
        severity: "warning",
        kind: "blocked",
        subject: state.mission.name,
        since: blocker?.since ?? state.phaseSince,
        message: `blocked: ${state.mission.blockers.map((other) => `${other.reason} (${other.times}×)`).join("; ")}`,
        answers: [
          `factory message ${state.mission.name} "<text>"`,
          `factory logs ${state.mission.name}`,
          `factory kill ${state.mission.name}`,
        ],
      });
    }
    for (const closed of state.past) {
      if (closed.decision !== "undecided") continue;
      const current = closed === state.past.at(-1) && state.mission === null && state.phase !== "Retired";
      if (!current) continue;
      items.push({
        id: `${closed.name}/closure`,
        severity: closed.outcome === "accepted" ? "info" : "warning",
        kind: "closure",
        subject: closed.name,
        since: closed.closedAt,
        message: `closed, ${closed.outcome}: ${closed.outcomeReason}; what becomes of ${state.name}?`,
        answers: [
          ...(closed.pull?.state === "open" ? [`merge, change or close ${closed.pull.url}`] : []),
          ...(closed.outcome === "pending" ? [reviewCommand(closed)] : []),
          `factory closure ${closed.name}`,
          `factory closure ${closed.name} --decide retire`,
          `factory closure ${closed.name} --decide standby`,
        ],
      });
    }
  }
  items.push(...degradedItems(fleetSnapshot));
  if (fleetSnapshot.source.state === "error") {
    items.push({
      id: "source/error",
      severity: fleetSnapshot.source.reason === "HistoryRewritten" ? "critical" : "warning",
      kind: "source",
      subject: "repository",
      since: fleetSnapshot.source.observedAt ?? fleetSnapshot.now,
      message: `${fleetSnapshot.source.reason}: ${fleetSnapshot.source.message}`,
      answers:
        fleetSnapshot.source.reason === "HistoryRewritten"
          ? ["factory allow-rewrite --from <old> --to <new>"]
          : ["factory doctor"],
    });
  }
  items.push(...guardrailItems(fleetSnapshot.rollback), ...rolloutItems(fleetSnapshot.rollouts));
  items.push(...drillItems(fleetSnapshot.drills));
  for (const held of fleetSnapshot.held) {
    if (held.subject !== "fleet" || held.reason !== "KillSwitchEngaged") continue;
    items.push({
      id: `fleet/kill-switch/${held.message.slice(0, 80)}`,
      severity: "critical",
      kind: "kill_switch",
      subject: "fleet",
      since: fleetSnapshot.now,
      message: held.message,
      answers: ["factory kill-switch status", "factory kill-switch release --all"],
    });
  }
  const guarded = fleetSnapshot.held.find((held) => held.reason === "MassDeleteGuard");
  if (guarded !== undefined) {
    items.push({
      id: "fleet/mass-deletion",
      severity: "critical",
      kind: "mass_deletion",
      subject: "fleet",
      since: fleetSnapshot.now,
      message: guarded.message,
      answers: ["revert the commit", "confirm it in fleet.yaml"],
    });
  }
  items.push(...callbackItems(fleetSnapshot.callbacks), ...recordItems(fleetSnapshot.record));
  items.push(...machineItems(fleetSnapshot.machine));
  items.push(...leaseItems(fleetSnapshot.right, fleetSnapshot.now));
  const rank = { critical: 0, warning: 1, info: 2 };
  return items.sort(
    (a, b) => rank[a.severity] - rank[b.severity] || a.since - b.since || (a.id < b.id ? -1 : 1),
  );
}

/** The command that says what only a person can say. */
function reviewCommand(closed: ClosedMission): string {
  const pending = (closed.verdict?.criteria ?? []).filter(({ state }) => state === "pending");
  return `factory review ${closed.name} --met ${pending.map(({ id }) => id).join(",")}`;
}

/** A question as people see it, with the commands that answer it. */
function requestItem(state: CloneState, request: Request): InboxItem {
  const subject = state.mission?.name ?? state.name;
  const acknowledged =
    request.acknowledged === null ? "" : `; ${actorText(request.acknowledged.by)} is looking into it`;
  return {
    id: request.id,
    severity: INBOX_SEVERITY[request.severity],
    kind: request.kind,
    subject,
    since: request.openedAt,
    message: `${request.summary}${acknowledged}`,
    answers: answersTo(request),
    request: {
      evidence: request.evidence,
      answers: request.answers,
      severity: request.severity,
      owner: request.owner,
      requestedBy: actorText(request.requestedBy),
      binds: request.binds,
      expiresAt: request.expiresAt,
      acknowledged: request.acknowledged === null ? null : signed(request.acknowledged),
      remindAt: request.remindAt,
      reminders: request.reminders,
      votes: request.votes.map(signed),
      quorum: request.quorum,
    },
  };
}

function signed({ by, at }: Request["votes"][number]): { readonly by: string; readonly at: Instant } {
  return { by: actorText(by), at };
}

/** The commands that answer a question, as the inbox and the notices give them. */
export function answersTo(request: Request): readonly string[] {
  return [
    ...request.answers.map(
      (answer) => `factory decide ${request.id} ${ANSWER_FLAG[answer]}${heard(request.kind, answer)}`,
    ),
    ...(request.acknowledged === null ? [`factory ack ${request.id}`] : []),
  ];
}

/** An agent that waits for more than a hold to be lifted hears the reason. */
function heard(kind: RequestKind, answer: DecisionType): string {
  return answer === "go_on" && (kind === "blocked" || kind === "stuck")
    ? ' --reason "<what the agent is told>"'
    : "";
}

const INBOX_SEVERITY = { low: "info", medium: "warning", high: "critical", critical: "critical" } as const;

function holdItem(state: CloneState, hold: Hold): InboxItem | null {
  const subject = state.mission?.name ?? state.name;
  const base = {
    id: `${subject}/${hold.kind}`,
    kind: hold.kind,
    subject,
    since: hold.since,
    message: hold.message,
  };
  switch (hold.kind) {
    case "budget":
      return {
        ...base,
        severity: "warning",
        answers: [`raise spec.budget in missions/${subject}.yaml`, `factory kill ${subject}`],
      };
    case "quarantine":
      return {
        ...base,
        severity: "critical",
        answers: [`factory logs ${subject}`, `factory resume ${subject}`, `factory kill ${subject}`],
      };
    case "freeze":
      if (hold.reason === DEATH_UNPROVEN)
        return {
          ...base,
          severity: "critical",
          answers: [
            "look on the machine whether anything of it still runs",
            `factory resume ${subject}`,
            "factory doctor",
          ],
        };
      return { ...base, severity: "critical", answers: ["factory doctor", `factory kill --now ${subject}`] };
    case "gate":
      return { ...base, severity: "warning", answers: [`factory why ${subject}`] };
    case "operator":
      return hold.owner === "repository"
        ? null
        : { ...base, severity: "info", answers: [`factory resume ${subject}`] };
    default:
      return null;
  }
}
