/** What an agent says, asks and does: each event of it, what it does and how it reads. */

import { actorText } from "../../model/actor.ts";
import type { EventRules } from "../event-rules.ts";
import {
  onActionClaimed,
  onActionCompleted,
  onActionConflict,
  onActionDuplicate,
  onActionRefused,
  onActionRemembered,
  onActionUnknown,
  onApprovalRequested,
} from "./agent-actions.ts";
import { onBlockerStanding } from "./blocked.ts";
import { onMessageDelivered, onMessageSent } from "./messages.ts";
import { onReport } from "./reports.ts";
import { onProgressOverdue } from "./stuck.ts";

export const CONDUCT_EVENTS: EventRules<
  | "message.sent"
  | "message.delivered"
  | "instance.reported"
  | "blocker.standing"
  | "progress.overdue"
  | "action.claimed"
  | "action.remembered"
  | "action.completed"
  | "action.duplicate"
  | "action.conflict"
  | "action.unknown"
  | "action.refused"
  | "approval.requested"
> = {
  "message.sent": {
    on: onMessageSent,
    describe: (event) => `said to the agent by ${actorText(event.by)}: ${event.text}`,
  },
  "message.delivered": {
    on: onMessageDelivered,
    describe: (event) =>
      `epoch ${event.epoch} was told ${event.from === "operator" ? "what a person said" : "to do something else"}`,
  },
  "instance.reported": {
    on: onReport,
    describe: (event) =>
      `#${event.report.seq} ${event.report.type}${event.report.summary === "" ? "" : `: ${event.report.summary}`}`,
  },
  "blocker.standing": {
    on: onBlockerStanding,
    describe: (event) => event.evidence,
  },
  "progress.overdue": {
    on: onProgressOverdue,
    describe: (event) => event.evidence,
  },
  "action.claimed": {
    on: onActionClaimed,
    describe: (event) =>
      `epoch ${event.epoch} may do ${named(event)}${event.approval === null ? "" : `, approved by ${event.approval}`}`,
  },
  "action.remembered": {
    on: onActionRemembered,
    describe: (event) =>
      `the shim of epoch ${event.epoch} remembers ${named(event)}, which the record has lost: ${event.state}`,
  },
  "action.completed": {
    on: onActionCompleted,
    describe: (event) =>
      `${shortKey(event.key)} is ${event.outcome === "done" ? "done" : "not done"}${event.verified ? ", found by a look at the world outside" : ""}${event.evidence === "" ? "" : `: ${event.evidence}`}`,
  },
  "action.duplicate": {
    on: onActionDuplicate,
    describe: (event) =>
      `${event.action} was claimed again though it is done (${event.count})${event.freeze ? "; the lane is frozen" : ""}`,
  },
  "action.conflict": {
    on: onActionConflict,
    describe: (event) =>
      `${event.action} was claimed under a key that stands for something else; the lane is frozen`,
  },
  "action.unknown": {
    on: onActionUnknown,
    describe: (event) =>
      `it is unknown whether ${event.action} was done: ${event.evidence}${event.unverifiable ? "; the lane is frozen" : ""}`,
  },
  "action.refused": {
    on: onActionRefused,
    describe: (event) =>
      event.reason === "EpochFenced"
        ? `epoch ${event.epoch} is over and was refused ${event.action}`
        : `${event.action} was denied and is not allowed`,
  },
  "approval.requested": {
    on: onApprovalRequested,
    describe: (event) =>
      `${named(event)} waits for approval${event.approvers.length === 0 ? "" : ` by ${event.approvers.join(", ")}`}`,
  },
};

function named({ action, target }: { readonly action: string; readonly target: string }): string {
  return target === "" ? action : `${action} to ${target}`;
}

function shortKey(key: string): string {
  return key.startsWith("sha256:") ? key.slice("sha256:".length, "sha256:".length + 12) : key;
}
