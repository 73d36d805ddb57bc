/** From the status branch and a listing of what lives to the first events of a new record. */
import type { ActionRow, RememberedAction } from "../model/action.ts";
import { type CloneState, initialState } from "../model/clone-state.ts";
import type { CloneEvent, RestoredInstance } from "../model/event.ts";
import type { FleetSnapshot } from "../model/fleet-state.ts";
import type { ObservedInstance } from "../model/instance.ts";
import { scopeText } from "../model/kill-switch.ts";
import type { Instant } from "../model/time.ts";
import type { Anchor } from "./anchor.ts";
import { stateFrom } from "./published.ts";
import { readActions } from "./published-actions.ts";
import { attemptsInto, fleetSnapshotOf, readHead, readPublished } from "./published-record.ts";
import { isWitnessed, withRemembered } from "./remembered-actions.ts";

/** Paths below the folder of the record on the status branch. */
export interface RecordFiles {
  readonly journal: string | null;
  /** The fleet as a whole, with its path; null: it was not published. */
  readonly fleet: { readonly path: string; readonly text: string } | null;
  /** What an older program published of it instead. */
  readonly formerSettings: { readonly path: string; readonly text: string } | null;
  /** Files of many lines, by path. */
  readonly lanes: ReadonlyMap<string, string>;
  readonly closures: ReadonlyMap<string, string>;
  /** Of the format before: a file for each lane and for each closure, by path. */
  readonly clones: ReadonlyMap<string, string>;
  readonly closed: ReadonlyMap<string, string>;
  /** Parts of effect ledgers, with the clone whose they are. */
  readonly actions: ReadonlyMap<string, { readonly clone: string; readonly text: string }>;
}

/** An instance of the listing with what its outbox says of its mission. */
export interface FoundInstance extends ObservedInstance {
  readonly missionId: string | null;
  /** What its shim remembers of its agents' actions; null when nobody can tell. */
  readonly remembered: readonly RememberedAction[] | null;
  /** Its folder is lost: it is ended before anything is recorded. */
  readonly orphan: boolean;
}

export interface RebuildRequest {
  readonly files: RecordFiles;
  readonly instances: readonly FoundInstance[];
  /** Clones whose workspaces are there. */
  readonly workspaces: ReadonlySet<string>;
  /** The key with which tokens are made survived: who lives can be heard. */
  readonly keyKept: boolean;
  /** No epoch up to this one: others may have used them under an older term. Default: 0. */
  readonly epochFloor?: number;
  /** Why instances may live that are not in the listing; null: they do not. */
  readonly unproven?: string | null;
  /** Commit of the status branch, for the evidence. */
  readonly commit: string;
  readonly now: Instant;
}

export interface Rebuild {
  /** The journal that was published; null when there is none, or none that can be read. */
  readonly anchor: Anchor | null;
  /** By name. */
  readonly lanes: readonly RebuiltLane[];
  readonly fleet: RebuiltFleet;
  /** What cannot be read. A record with a hole in it would run again what is over. */
  readonly problems: readonly string[];
}

export interface RebuiltFleet {
  readonly snapshot: FleetSnapshot | null;
  readonly evidence: string;
  /** What goes on as it was, for people. */
  readonly fate: string;
}

export interface RebuiltLane {
  readonly clone: string;
  readonly event: Extract<CloneEvent, { type: "clone.restored" }>;
  /** What becomes of it, for people. */
  readonly fate: string;
  readonly mission: string | null;
  readonly closed: number;
}

/**
 * Epochs that may have been used up between the last publication and the loss, where nothing on this machine
 * tells: a clone that restarts as often as it may for two days while nothing can be published.
 */
export const EPOCH_MARGIN = 1_000;

export function planRebuild(request: RebuildRequest): Rebuild {
  const { files } = request;
  const problems: string[] = [];
  const attempt = attemptsInto(problems);
  const anchor = attempt(() => readHead(files));
  const { published, closures: byMission } = readPublished(files, attempt);
  const actions = Map.groupBy(
    [...files.actions].flatMap(
      ([path, { clone, text }]) => attempt(() => readActions(path, text, clone)) ?? [],
    ),
    ({ clone }) => clone,
  );
  const instances = Map.groupBy(request.instances, ({ handle }) => handle.clone);
  const lanes = [...new Set([...published.keys(), ...instances.keys()])].sort().map((name) => {
    const known = published.get(name);
    const state = known === undefined ? initialState(name, request.now) : stateFrom(known, byMission);
    const found = { anchor, actions: actions.get(name) ?? [], instances: instances.get(name) ?? [] };
    return laneOf(state, known?.asOf ?? null, found, request);
  });
  const snapshot = attempt(() => fleetSnapshotOf(request.files));
  return { anchor, lanes, fleet: rebuiltFleet(snapshot, request), problems };
}

function rebuiltFleet(snapshot: FleetSnapshot | null, { commit }: RebuildRequest): RebuiltFleet {
  const at = `the status branch at ${commit.slice(0, 12)}`;
  if (snapshot === null)
    return {
      snapshot,
      evidence: `${at} knows nothing of the fleet as a whole`,
      fate: "nothing is known of it",
    };
  const { killSwitch, guardrails, pendingDeletion } = snapshot;
  const kept = [
    ...[...killSwitch.engaged, ...killSwitch.declared].map(
      ({ scope, by }) => `the kill switch stays engaged for ${scopeText(scope)} by ${by}`,
    ),
    ...(guardrails.pin === null ? [] : [`${guardrails.pin.id} holds on`]),
    ...Object.values(snapshot.rollouts).flatMap(({ group, candidate }) =>
      candidate === null ? [] : [`the rollout of ${group} goes on`],
    ),
    ...(pendingDeletion === null
      ? []
      : [`the removal of ${pendingDeletion.names.length} waits for its confirmation`]),
  ];
  return {
    snapshot,
    evidence: `the fleet is as ${at} knew it`,
    fate: kept.length === 0 ? "nothing is engaged, pinned, tried or held" : kept.join("; "),
  };
}

function laneOf(
  state: CloneState,
  asOf: Instant | null,
  {
    anchor,
    actions,
    instances,
  }: {
    readonly anchor: Anchor | null;
    /** Of this lane. */
    readonly actions: readonly ActionRow[];
    readonly instances: readonly FoundInstance[];
  },
  request: RebuildRequest,
): RebuiltLane {
  const mine = [...instances].sort((a, b) => b.handle.epoch - a.handle.epoch);
  const seen = mine[0]?.handle.epoch ?? 0;
  const newest = mine.find((one) => one.state !== "dead") ?? mine[0] ?? null;
  const body: RestoredInstance | null =
    newest === null
      ? null
      : {
          epoch: newest.handle.epoch,
          nonce: newest.handle.nonce,
          missionId: newest.missionId,
          adopt: newest.state === "live" && newest.handle.epoch === seen && request.keyKept,
        };
  const floor = Math.max(state.epoch, seen);
  const published = actions.filter(({ missionId }) => missionId === state.mission?.missionId);
  const told = withRemembered({ state, rows: published }, mine, request.now);
  const { version: _version, recent: _recent, ...snapshot } = told.state;
  const workspace = request.workspaces.has(state.name);
  const unseen = state.instance === null && state.mission === null ? null : (request.unproven ?? null);
  return {
    clone: state.name,
    mission: state.mission?.name ?? null,
    closed: state.past.length,
    fate: `${fateOf(state, body, workspace)}${unseen === null ? "" : ", and its lane waits for a person: an instance of it may live elsewhere"}`,
    event: {
      type: "clone.restored",
      snapshot: { ...snapshot },
      asOf: asOf ?? request.now,
      // On a machine that has its instances' folders, the highest of them is the highest that there was.
      epoch: Math.max(
        mine.every(({ orphan }) => orphan) && floor > 0 ? floor + EPOCH_MARGIN : floor,
        request.epochFloor ?? 0,
      ),
      body,
      workspace,
      actions: told.rows,
      witnessed: isWitnessed(state, mine, floor),
      ...(unseen === null ? {} : { unproven: unseen }),
      anchor: anchor === null ? null : { seq: anchor.seq, hash: anchor.hash },
      evidence: evidenceOf(asOf === null, body, request),
    },
  };
}

function evidenceOf(unknown: boolean, body: RestoredInstance | null, { commit }: RebuildRequest): string {
  const known = unknown
    ? `the status branch at ${commit.slice(0, 12)} does not know it`
    : `as the status branch knew it at ${commit.slice(0, 12)}`;
  if (body === null) return `${known}; nothing of its instances is left on this machine`;
  return `${known}; epoch ${body.epoch} ${body.adopt ? "lives" : "is not one that can go on"}`;
}

/** The same cases as in `clone/start/restore.ts`, in words. */
function fateOf(state: CloneState, body: RestoredInstance | null, workspace: boolean): string {
  const { mission, instance } = state;
  const last = state.past.at(-1);
  if (mission === null) {
    if (body?.adopt === true) return `epoch ${body.epoch} is ended: no mission on record owns it`;
    return last === undefined ? "idle" : `idle; ${last.name} run ${last.run} is closed and stays so`;
  }
  const name = `${mission.name} run ${mission.contract.run}`;
  if (mission.terminal !== null && instance === null)
    return workspace ? `${name} is judged` : `${name} is closed as unknown: its outputs are lost`;
  if (mission.terminal !== null) return `${name} is over (${mission.terminal.status}) and is closed`;
  const same = body !== null && (body.missionId === null || body.missionId === mission.missionId);
  if (body?.adopt === true && (body.epoch === instance?.epoch || (body.epoch > state.epoch && same)))
    return `${name} goes on: epoch ${body.epoch} lives and is adopted`;
  if (instance !== null || (body !== null && body.epoch > state.epoch))
    return `${name} is started again at a higher epoch, once nothing of the last one lives`;
  return state.holds.length > 0 ? `${name} waits: ${state.holds[0]?.reason}` : `${name} is started again`;
}
