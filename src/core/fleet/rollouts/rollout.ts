import { controllerPart, repositoryAt } from "../../model/actor.ts";
import type { DesiredClone } from "../../model/clone.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { DesiredState, FleetPolicy } from "../../model/desired.ts";
import { SEVERITIES } from "../../model/incident.ts";
import type { Candidate, Rollout } from "../../model/rollout.ts";
import { type Instant, iso, MINUTE_MS } from "../../model/time.ts";
import { foldPart } from "../event-rules.ts";
import { ROLLOUT_EVENTS, type RolloutEvents, short } from "./rollout-events.ts";

/** What the plan may do with a clone whose declaration changed; absent: as it likes. */
export type RolloutGate =
  | {
      readonly type: "hold";
      readonly reason: "RolloutInProgress" | "PinnedByRollback";
      readonly message: string;
    }
  | { readonly type: "revert"; readonly spec: DesiredClone; readonly message: string };

export interface RolloutStep {
  /** By group, as they are after `events`; one of which nothing was ever tried works with what it has, and is not on record. */
  readonly rollouts: ReadonlyMap<string, Rollout>;
  readonly gates: ReadonlyMap<string, RolloutGate>;
  /** What has happened, to be recorded before the declarations that follow from it. */
  readonly events: RolloutEvents;
}

/** Failures of one canary that refuse a candidate before its own restart limit does. */
const FAILURES_MAX = 2;

const BY = controllerPart("rollouts");

export function groupOf(clone: DesiredClone): string {
  return [clone.baseline.name, ...clone.overlays].join("+");
}

/** One look at all groups. The same arguments give the same answer; asked again after its events were recorded, it has none. */
export function stepRollouts(
  before: ReadonlyMap<string, Rollout>,
  desired: DesiredState,
  states: ReadonlyMap<string, CloneState>,
  now: Instant,
): RolloutStep {
  const rollouts = new Map<string, Rollout>();
  const gates = new Map<string, RolloutGate>();
  const events: RolloutEvents[number][] = [];
  const groups = groupsOf(desired);
  const by = repositoryAt(desired.revision);
  // A file that is broken is no clone that is gone.
  for (const group of before.keys())
    if (!groups.has(group) && desired.broken.size === 0)
      events.push({ type: "rollout.group_gone", by, group });
  for (const [group, clones] of groups) {
    const policy = desired.fleet.rollout;
    const scene = { clones, states, policy, revision: desired.revision, now };
    const step = stepGroup(standing(before.get(group), group, scene), scene);
    rollouts.set(group, step.rollout);
    events.push(...step.events);
    for (const clone of clones) {
      const gate = gateOf(step.rollout, clone, scene);
      if (gate !== null) gates.set(clone.name, gate);
    }
  }
  return { rollouts, gates, events };
}

interface Scene {
  /** Of one group, by name. */
  readonly clones: readonly DesiredClone[];
  readonly states: ReadonlyMap<string, CloneState>;
  readonly policy: FleetPolicy["rollout"];
  readonly revision: string;
  readonly now: Instant;
}

function groupsOf(desired: DesiredState): ReadonlyMap<string, readonly DesiredClone[]> {
  const groups = new Map<string, DesiredClone[]>();
  for (const clone of desired.clones.values()) {
    if (clone.state === "retired") continue;
    const group = groupOf(clone);
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [clone]);
    else members.push(clone);
  }
  for (const members of groups.values()) members.sort((a, b) => (a.name < b.name ? -1 : 1));
  return groups;
}

/** A group of which nothing is on record is taken to work as it stands; one that is all new, as it is wanted. */
function standing(
  known: Rollout | undefined,
  group: string,
  { clones, states }: Pick<Scene, "clones" | "states">,
): Rollout {
  if (known !== undefined && known.stable !== null) return known;
  const recorded = clones.flatMap(({ name }) => {
    const spec = states.get(name)?.spec ?? null;
    return spec === null || groupOf(spec) !== group ? [] : [spec.workspaceDigest];
  });
  const stable = recorded[0] ?? clones[0]?.workspaceDigest ?? null;
  return { group, candidate: null, refused: null, turns: [], ...known, stable };
}

function stepGroup(
  start: Rollout,
  scene: Scene,
): { readonly rollout: Rollout; readonly events: RolloutEvents } {
  const { clones, policy, now, revision } = scene;
  const { group } = start;
  const repository = repositoryAt(revision);
  const events: RolloutEvents[number][] = [];
  let rollout = start;
  const take = (event: RolloutEvents[number]): void => {
    events.push(event);
    const after = foldPart(ROLLOUT_EVENTS, { [group]: rollout }, { events: [event], at: now });
    rollout = after[group] ?? rollout;
  };
  const wanted = new Set(clones.map(({ workspaceDigest }) => workspaceDigest));
  const { refused, candidate } = rollout;
  if (refused !== null && !wanted.has(refused.digest))
    take({ type: "rollout.withdrawn", by: repository, group, digest: refused.digest });
  if (candidate !== null && !wanted.has(candidate.digest))
    take({ type: "rollout.superseded", by: repository, group, digest: candidate.digest });
  const news = clones.find(
    ({ workspaceDigest }) =>
      workspaceDigest !== rollout.stable && workspaceDigest !== rollout.refused?.digest,
  );
  if (rollout.candidate === null && news !== undefined) {
    const digest = news.workspaceDigest;
    if (policy.canary === 0) {
      take({ type: "rollout.promoted", by: BY, group, digest, reason: "no canaries are asked for" });
      return { rollout, events };
    }
    const { stable } = rollout;
    take({ type: "rollout.begun", by: repository, group, digest, revision: news.revision, stable });
  }
  if (rollout.candidate !== null) {
    const event = stepCandidate(group, rollout.candidate, scene);
    if (event !== null) take(event);
  }
  return { rollout, events };
}

function stepCandidate(group: string, candidate: Candidate, scene: Scene): RolloutEvents[number] | null {
  const { policy, states } = scene;
  const { digest } = candidate;
  const of = { by: BY, group, digest };
  const failure = Object.keys(candidate.canaries)
    .map((name) => failureOf(name, candidate, scene))
    .find((reason) => reason !== null);
  if (failure != null) return { type: "rollout.refused", ...of, reason: failure, revert: policy.autoRevert };
  const members = scene.clones.filter(({ workspaceDigest }) => workspaceDigest === digest);
  const chosen = { ...candidate.canaries };
  const added: Record<string, DesiredClone> = {};
  for (const { name } of members.filter((clone) => hasWork(clone.name, states))) {
    if (Object.keys(chosen).filter((one) => counts(one, candidate, scene)).length >= policy.canary) break;
    const spec = states.get(name)?.spec ?? null;
    if (chosen[name] !== undefined || spec === null || spec.workspaceDigest === digest) continue;
    chosen[name] = spec;
    added[name] = spec;
  }
  const healthy = Object.keys(chosen).filter((name) => isHealthy(name, candidate, scene));
  const needed = Math.min(policy.canary, members.length);
  if (healthy.length >= needed)
    return { type: "rollout.promoted", ...of, reason: `healthy on ${healthy.join(", ")}` };
  if (Object.keys(added).length === 0) return null;
  return { type: "rollout.canaries_chosen", ...of, canaries: added };
}

/** A canary whose mission was taken from it before it could show anything leaves its place to another. */
function counts(name: string, candidate: Candidate, scene: Scene): boolean {
  return scene.states.get(name)?.mission != null || isHealthy(name, candidate, scene);
}

/** A clone tries a candidate when it has something to start. Without work nothing would be learned. */
function hasWork(name: string, states: ReadonlyMap<string, CloneState>): boolean {
  const state = states.get(name);
  if (state?.mission == null || state.mission.terminal !== null) return false;
  return state.phase === "Idle" || state.phase === "BackingOff" || state.phase === "Preparing";
}

/** Whether it works with the candidate: accepted and undisturbed for long enough, or finished and accepted. */
function isHealthy(name: string, candidate: Candidate, { states, policy, now }: Scene): boolean {
  const state = states.get(name);
  const spec = state?.spec;
  if (state === undefined || spec == null || spec.workspaceDigest !== candidate.digest) return false;
  const { instance } = state;
  const runs =
    state.phase === "Running" &&
    instance !== null &&
    state.appliedDigest === spec.digest &&
    instance.health === "healthy" &&
    instance.acceptedAt !== null &&
    now - Math.max(instance.acceptedAt, instance.healthSince) >= policy.minHealthyMinutes * MINUTE_MS;
  return (
    runs ||
    closedWith(state, candidate).some(({ outcome }) => outcome === "accepted" || outcome === "pending")
  );
}

/** Why a canary speaks against the candidate, or null. */
function failureOf(name: string, candidate: Candidate, { states, policy, now }: Scene): string | null {
  const state = states.get(name);
  if (state?.spec?.workspaceDigest !== candidate.digest) return null;
  if (state.phase === "Quarantined")
    return `${name} is quarantined: ${state.lastFailure ?? "too many failures"}`;
  const failures = state.failures.filter(({ at }) => at >= candidate.since);
  if (failures.length >= FAILURES_MAX)
    return `${name} failed ${failures.length} times, last: ${failures.at(-1)?.message ?? ""}`;
  const bad = closedWith(state, candidate).find(
    ({ outcome }) => outcome === "rejected" || outcome === "unknown",
  );
  if (bad !== undefined) return `${bad.name} on ${name} is ${bad.outcome}: ${bad.outcomeReason}`;
  const incidents = [
    ...(state.mission?.incidents ?? []),
    ...closedWith(state, candidate).flatMap((closed) => closed.incidents),
  ];
  const serious = incidents.find(
    ({ at, severity }) => at >= candidate.since && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf("high"),
  );
  if (serious !== undefined) return `incident ${serious.id} on ${name}: ${serious.message}`;
  const began = state.instance?.plannedAt ?? null;
  const deadline = policy.progressDeadlineMinutes * MINUTE_MS;
  if (
    began !== null &&
    state.appliedDigest === state.spec.digest &&
    state.phase !== "Running" &&
    now - began > deadline
  )
    return `${name} was not healthy within ${policy.progressDeadlineMinutes} min of ${iso(began)}`;
  return null;
}

function closedWith(state: CloneState, candidate: Candidate) {
  return state.past.filter(
    ({ closedAt, doneWith }) => closedAt >= candidate.since && doneWith.digest === state.spec?.digest,
  );
}

function gateOf(rollout: Rollout, clone: DesiredClone, { states }: Scene): RolloutGate | null {
  const spec = states.get(clone.name)?.spec ?? null;
  const { candidate, refused, stable } = rollout;
  const wanted = clone.workspaceDigest;
  if (wanted === stable) return null;
  if (wanted === refused?.digest) {
    const message = `${short(wanted)} was refused: ${refused.reason}; stays with ${short(stable)} until the repository asks for something else`;
    const back = refused.back[clone.name];
    if (spec !== null && spec.workspaceDigest === refused.digest)
      return back === undefined ? null : { type: "revert", spec: back, message };
    return { type: "hold", reason: "PinnedByRollback", message };
  }
  // What is new has nothing to keep.
  if (spec === null || candidate === null || spec.workspaceDigest === wanted) return null;
  if (candidate.canaries[clone.name] !== undefined && wanted === candidate.digest) return null;
  const canaries = Object.keys(candidate.canaries);
  return {
    type: "hold",
    reason: "RolloutInProgress",
    message:
      canaries.length === 0
        ? `${short(candidate.digest)} waits for a clone of ${rollout.group} with work to try it`
        : `${short(candidate.digest)} is being tried by ${canaries.join(", ")}`,
  };
}
