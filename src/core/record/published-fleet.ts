/**
 * What the status branch keeps of the fleet as a whole, so that a lost record does not release what was engaged, begin a
 * rollout anew, or forget what people were told.
 */
import { FactoryError } from "../model/error.ts";
import type { FleetSnapshot, FleetState } from "../model/fleet-state.ts";

/** Which shape the text has. */
const FORMAT = 1;

export function fleetText({ version: _version, record: _record, ...fleet }: FleetState): string {
  return `${JSON.stringify({ format: FORMAT, fleet }, null, 1)}\n`;
}

/** Rejects `record/unreadable`: what was engaged is not released because a text cannot be read. */
export function readFleet(path: string, text: string): FleetSnapshot {
  const { format, fleet } = parse(text);
  if (typeof format === "number" && format > FORMAT)
    throw unreadable(
      path,
      `it has format ${format}, this program knows formats up to ${FORMAT}: run the newer program`,
    );
  if (format !== FORMAT || !isFleetSnapshot(fleet))
    throw unreadable(path, "it is not what a controller writes of its fleet");
  return fleet;
}

/** Looks at the outlines; what lies inside was written by us. */
function isFleetSnapshot(value: unknown): value is FleetSnapshot {
  if (!isObject(value)) return false;
  const { killSwitch, guardrails, rollouts, drills, pendingDeletion, destinations, approvals, threads } =
    value;
  return (
    isObject(killSwitch) &&
    ["engaged", "released", "declared"].every((key) => Array.isArray(killSwitch[key])) &&
    isObject(guardrails) &&
    isObject(guardrails["since"]) &&
    isObject(rollouts) &&
    Object.values(rollouts).every(isObject) &&
    isObject(drills) &&
    Array.isArray(drills["results"]) &&
    (pendingDeletion === null || isObject(pendingDeletion)) &&
    isObject(destinations) &&
    isObject(destinations["gone"]) &&
    isObject(destinations["down"]) &&
    (approvals === undefined || (isObject(approvals) && isObject(approvals["policy"]))) &&
    (threads === undefined || (isObject(threads) && isObject(threads["shown"])))
  );
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(path: string, why: string): FactoryError {
  return new FactoryError(
    "record/unreadable",
    "stall",
    `${path} on the status branch cannot be used: ${why}`,
  );
}
