import type { CloneEvent } from "../../model/event.ts";

type ActionEvent = Extract<CloneEvent, { type: `action.${string}` | "approval.requested" }>;

/** What happened to one action, as one line for people. */
export function describeAction(event: ActionEvent): string {
  switch (event.type) {
    case "action.claimed":
      return `epoch ${event.epoch} may do ${named(event)}${event.approval === null ? "" : `, approved by ${event.approval}`}`;
    case "action.remembered":
      return `the shim of epoch ${event.epoch} remembers ${named(event)}, which the record has lost: ${event.state}`;
    case "action.completed":
      return `${shortKey(event.key)} is ${event.outcome === "done" ? "done" : "not done"}${event.verified ? ", found by a look at the world outside" : ""}${event.evidence === "" ? "" : `: ${event.evidence}`}`;
    case "action.duplicate":
      return `${event.action} was claimed again though it is done (${event.count})${event.freeze ? "; the lane is frozen" : ""}`;
    case "action.conflict":
      return `${event.action} was claimed under a key that stands for something else; the lane is frozen`;
    case "action.unknown":
      return `nobody knows whether ${event.action} was done: ${event.evidence}${event.unverifiable ? "; the lane is frozen" : ""}`;
    case "action.refused":
      return event.reason === "EpochFenced"
        ? `epoch ${event.epoch} is over and was refused ${event.action}`
        : `${event.action} was denied and is not allowed`;
    case "approval.requested":
      return `${named(event)} waits for approval${event.approvers.length === 0 ? "" : ` by ${event.approvers.join(", ")}`}`;
  }
}

function named({ action, target }: { readonly action: string; readonly target: string }): string {
  return target === "" ? action : `${action} to ${target}`;
}

function shortKey(key: string): string {
  return key.startsWith("sha256:") ? key.slice("sha256:".length, "sha256:".length + 12) : key;
}
