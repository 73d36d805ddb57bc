/** What the events of the effect ledger mean for a lane: counts, incidents, freezes, questions. */
import type { ActionCounts } from "../../model/action.ts";
import type { CloneState } from "../../model/clone-state.ts";
import { sha256Hex } from "../../model/digest.ts";
import type { CloneEvent } from "../../model/event.ts";
import type { Hold } from "../../model/hold.ts";
import type { IncidentClass } from "../../model/incident.ts";
import { type Instant, iso } from "../../model/time.ts";
import { withRequest } from "../questions/requests.ts";
import { type Step, stay, withHold, withIncident, withMission } from "../step.ts";

type Of<T extends CloneEvent["type"]> = Extract<CloneEvent, { type: T }>;

/** The reservation uses up the approval that allowed it. */
export function onActionClaimed(state: CloneState, event: Of<"action.claimed">): Step {
  const { mission } = state;
  if (mission === null) return stay(state, "there is no mission");
  const approvals =
    event.approval === null
      ? mission.approvals
      : mission.approvals.filter(({ request }) => request !== event.approval);
  return stay(withMission(counted(state, "claimed"), { approvals }));
}

/** What the record had lost is counted now: that it was claimed, and what came of it. */
export function onActionRemembered(state: CloneState, event: Of<"action.remembered">): Step {
  if (state.mission === null) return stay(state, "there is no mission");
  const claimed = event.before === null ? counted(state, "claimed") : state;
  const settled = event.state !== "reserved" && event.state !== event.before;
  return stay(settled ? counted(claimed, event.state) : claimed);
}

export function onActionCompleted(state: CloneState, event: Of<"action.completed">): Step {
  return stay(counted(state, event.outcome === "done" ? "committed" : "failed"));
}

export function onActionDuplicate(state: CloneState, event: Of<"action.duplicate">, at: Instant): Step {
  const next = counted(state, "duplicates");
  if (!event.freeze) return stay(next);
  return stay(
    frozen(next, {
      key: event.key,
      class: "duplicate_action",
      reason: "DuplicateAction",
      message: `${event.action} was claimed again ${event.count} times after it was done (key ${short(event.key)}, epoch ${event.epoch}); it was done once`,
      at,
    }),
  );
}

export function onActionConflict(state: CloneState, event: Of<"action.conflict">, at: Instant): Step {
  return stay(
    frozen(counted(state, "conflicts"), {
      key: event.key,
      class: "action_conflict",
      reason: "ActionConflict",
      message: `${event.action} was claimed under key ${short(event.key)} with another content (${short(event.digest)}) than the one on record (${short(event.recorded)}); it was not allowed`,
      at,
    }),
  );
}

export function onActionUnknown(state: CloneState, event: Of<"action.unknown">, at: Instant): Step {
  const next = counted(state, "unknown");
  if (!event.unverifiable) return stay(next);
  return stay(
    frozen(next, {
      key: event.key,
      class: "unknown_action",
      reason: "UnknownAction",
      message: `it cannot be verified whether ${event.action} was done (key ${short(event.key)}): ${event.evidence}`,
      at,
    }),
  );
}

export function onActionRefused(state: CloneState): Step {
  return stay(counted(state, "refused"));
}

/** The agent is paused until the question is answered; unanswered it stays paused, until it is denied where a rule says when. */
export function onApprovalRequested(state: CloneState, event: Of<"approval.requested">, at: Instant): Step {
  if (state.mission === null || state.mission.terminal !== null) return stay(state, "there is no mission");
  const summary = `may ${state.name} do ${event.action}${event.target === "" ? "" : ` to ${event.target}`}?`;
  const hold: Hold = {
    kind: "approval",
    owner: ownerOf(event.digest),
    since: at,
    reason: "AwaitingApproval",
    message: `${event.action}${event.target === "" ? "" : ` to ${event.target}`} waits for ${people(event.approvers, event.quorum)}`,
    evidence: event.digest,
    clearBy: "decision",
  };
  const held = withHold(state, hold);
  return stay(
    withRequest(
      held,
      {
        kind: "approval",
        severity: "medium",
        summary,
        evidence: [
          `action ${event.action}`,
          ...(event.target === "" ? [] : [`target ${event.target}`]),
          `arguments ${event.arguments}`,
          `digest ${event.digest}`,
          `claimed by epoch ${event.epoch}`,
        ],
        answers: ["approve", "deny", "stop"],
        hold: { kind: hold.kind, owner: hold.owner },
        owner: event.approvers.length === 0 ? "simone" : event.approvers.join(", "),
        requestedBy: { type: "instance", clone: state.name, epoch: event.epoch },
        approvers: event.approvers,
        barred: event.requestedBy,
        binds: event.digest,
        expiresAt: event.expiresAt,
        ...(event.remindMs === undefined ? {} : { remindMs: event.remindMs }),
        quorum: event.quorum,
      },
      at,
    ),
  );
}

/**
 * The record was lost, and an instance with it that may have acted after the last publication: what it did then
 * is not in the ledger. A person looks before another one begins.
 */
export function frozenByLoss(state: CloneState, asOf: Instant, at: Instant): CloneState {
  const { mission } = state;
  if (mission === null || mission.actions.claimed === 0) return state;
  return frozen(state, {
    key: `record-lost-${asOf}`,
    class: "unknown_action",
    reason: "LedgerIncomplete",
    message: `${mission.name} acts on the world outside, and what its last instance did after ${iso(asOf)} was lost with the record: look whether anything would be done twice`,
    at,
  });
}

interface Freeze {
  readonly key: string;
  readonly class: IncidentClass;
  readonly reason: string;
  readonly message: string;
  readonly at: Instant;
}

/** Nothing is started and the agent is paused until a person has looked at it. A hold per action: lifting one lifts no other. */
function frozen(state: CloneState, freeze: Freeze): CloneState {
  const { mission } = state;
  if (mission === null || mission.terminal !== null) return state;
  const { key, message, at } = freeze;
  const hold: Hold = {
    kind: "freeze",
    owner: ownerOf(key),
    since: at,
    reason: freeze.reason,
    message,
    evidence: key,
    clearBy: "operator",
  };
  const told = withIncident(withHold(state, hold), { class: freeze.class, at, message, evidence: key });
  return withRequest(
    told,
    {
      kind: "lane",
      severity: "high",
      summary: `the lane is frozen: ${message}`,
      evidence: [`key ${key}`, `see \`factory actions ${mission.name}\``],
      answers: ["go_on", "stop"],
      hold: { kind: hold.kind, owner: hold.owner },
      binds: key,
    },
    at,
  );
}

function counted(state: CloneState, what: keyof ActionCounts): CloneState {
  const { mission } = state;
  if (mission === null) return state;
  return withMission(state, { actions: { ...mission.actions, [what]: mission.actions[what] + 1 } });
}

function people(approvers: readonly string[], quorum: number): string {
  const who = approvers.length === 0 ? "an operator" : approvers.join(", ");
  return quorum > 1 ? `${quorum} of ${who}` : who;
}

/** A hold of its own for each, told apart by what it is about. */
function ownerOf(about: string): string {
  return `supervisor:${sha256Hex(about).slice(0, 12)}`;
}

/** Digests by their beginning, names that somebody gave as they are. */
function short(text: string): string {
  return text.startsWith("sha256:") ? text.slice("sha256:".length, "sha256:".length + 12) : text;
}
