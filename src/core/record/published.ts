/**
 * What the status branch keeps of a lane, so that the record can be rebuilt when the disk is gone.
 *
 * Everything that decides what happens next is in it; what only the machine knew (where a process
 * lives, by which number it is known) is not, and neither is anything secret: of an instance's nonce,
 * which its control socket asks for, only the digest.
 */

import type { CloneState, ClosedMission, InstanceState } from "../model/clone-state.ts";
import { sha256Hex } from "../model/digest.ts";
import { FactoryError } from "../model/error.ts";
import { upgradeState } from "../model/upgrade-state.ts";

/** Which shape the texts have. */
const FORMAT = 1;

/** A lane as it stood at `asOf`, its closures apart from it. */
export interface PublishedClone {
  readonly format: typeof FORMAT;
  readonly clone: string;
  /** When the last event before it was recorded. */
  readonly asOf: number;
  readonly state: Omit<CloneState, "version" | "recent" | "past">;
  /** In the order in which they were closed; each has a text of its own. */
  readonly closed: readonly ClosedRef[];
}

export interface ClosedRef {
  readonly name: string;
  readonly run: number;
  readonly missionId: string;
}

export function publishedClone(state: CloneState): PublishedClone {
  const { version: _version, recent, past, ...rest } = state;
  return {
    format: FORMAT,
    clone: state.name,
    asOf: recent.at(-1)?.at ?? state.phaseSince,
    state: { ...rest, instance: rest.instance === null ? null : withoutBody(rest.instance) },
    closed: past.map(({ name, run, missionId }) => ({ name, run, missionId })),
  };
}

/** The nonce's digest instead of the nonce: enough to recognise it, not enough to use it. */
export function nonceDigest(nonce: string): string {
  return `sha256:${sha256Hex(nonce)}`;
}

function withoutBody(instance: InstanceState): InstanceState {
  return { ...instance, nonce: nonceDigest(instance.nonce), handle: null };
}

/** One line per value, so that a change of one is a small difference of the file. */
export function textOf(value: PublishedClone | ClosedMission): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

/** Rejects `record/unreadable` for a text that this program did not write. */
export function readPublishedClone(path: string, text: string): PublishedClone {
  return publishedCloneIn(path, parse(path, text));
}

/** Rejects `record/unreadable` for a value that is something else. */
export function publishedCloneIn(path: string, value: unknown): PublishedClone {
  if (!isObject(value)) throw unreadable(path, "it is not an object");
  const { format, clone, asOf, state, closed } = value;
  if (format !== FORMAT) throw unreadable(path, `its format is ${String(format)}, not ${FORMAT}`);
  if (typeof clone !== "string" || typeof asOf !== "number" || !isObject(state) || !Array.isArray(closed))
    throw unreadable(path, "it is not the record of a clone");
  if (state["name"] !== clone || typeof state["epoch"] !== "number" || typeof state["phase"] !== "string")
    throw unreadable(path, "its state is not that of a clone");
  return value as unknown as PublishedClone;
}

export function readClosedMission(path: string, text: string): ClosedMission {
  return closedMissionIn(path, parse(path, text));
}

/** Rejects `record/unreadable` for a value that is something else. */
export function closedMissionIn(path: string, value: unknown): ClosedMission {
  if (!isObject(value)) throw unreadable(path, "it is not an object");
  const { missionId, name, run, terminal, outcome, scorecard } = value;
  if (
    typeof missionId !== "string" ||
    typeof name !== "string" ||
    typeof run !== "number" ||
    typeof outcome !== "string" ||
    !isObject(terminal) ||
    !isObject(scorecard)
  )
    throw unreadable(path, "it is not the record of a closed mission");
  return value as unknown as ClosedMission;
}

/**
 * The lane as a state again, without a version and without a body. A closure whose text is missing
 * is over for good all the same: its run is remembered as one that is no longer kept.
 */
export function stateFrom(
  published: PublishedClone,
  /** By the id of the mission. */
  closures: ReadonlyMap<string, ClosedMission>,
): CloneState {
  const past: ClosedMission[] = [];
  const forgottenRuns: Record<string, number> = { ...published.state.forgottenRuns };
  for (const { missionId, name, run } of published.closed) {
    const closed = closures.get(missionId);
    if (closed !== undefined) past.push(closed);
    else forgottenRuns[name] = Math.max(forgottenRuns[name] ?? 0, run);
  }
  return upgradeState({ ...published.state, version: 0, recent: [], past, forgottenRuns });
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable(path, "it is not JSON");
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
