import type { DesiredClone } from "../../model/clone.ts";
import type { CloneState } from "../../model/clone-state.ts";
import type { DesiredState, FleetPolicy } from "../../model/desired.ts";
import { SEVERITIES } from "../../model/incident.ts";
import type { Candidate, RefusedCandidate, Rollout, RolloutTurn } from "../../model/rollout.ts";
import { type Instant, iso, MINUTE_MS } from "../../model/time.ts";

/** What the plan may do with a clone whose declaration changed; absent: as it likes. */
export type RolloutGate =
  | {
      readonly type: "hold";
      readonly reason: "RolloutInProgress" | "PinnedByRollback";
      readonly message: string;
    }
  | { readonly type: "revert"; readonly spec: DesiredClone; readonly message: string };

export interface RolloutStep {
  readonly rollouts: ReadonlyMap<string, Rollout>;
  readonly gates: ReadonlyMap<string, RolloutGate>;
}

const TURNS_MAX = 20;
/** Failures of one canary that refuse a candidate before its own restart limit does. */
const FAILURES_MAX = 2;

export function groupOf(clone: DesiredClone): string {
  return [clone.baseline.name, ...clone.overlays].join("+");
}

/** One look at all groups. The same arguments give the same answer; a group in which nothing changed keeps its object. */
export function stepRollouts(
  before: ReadonlyMap<string, Rollout>,
  desired: DesiredState,
  states: ReadonlyMap<string, CloneState>,
  now: Instant,
): RolloutStep {
  const rollouts = new Map<string, Rollout>();
  const gates = new Map<string, RolloutGate>();
  const groups = new Map<string, DesiredClone[]>();
  for (const clone of desired.clones.values()) {
    if (clone.state === "retired") continue;
    const group = groupOf(clone);
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [clone]);
    else members.push(clone);
  }
  for (const [group, members] of groups) {
    const clones = members.sort((a, b) => (a.name < b.name ? -1 : 1));
    const scene = { clones, states, policy: desired.fleet.rollout, now };
    const rollout = stepGroup(before.get(group) ?? fresh(group, scene), scene);
    rollouts.set(group, rollout);
    for (const clone of clones) {
      const gate = gateOf(rollout, clone, scene);
      if (gate !== null) gates.set(clone.name, gate);
    }
  }
  return { rollouts, gates };
}

interface Scene {
  readonly clones: readonly DesiredClone[];
  readonly states: ReadonlyMap<string, CloneState>;
  readonly policy: FleetPolicy["rollout"];
  readonly now: Instant;
}

/** A group that is seen for the first time is taken to work as it stands; one that is all new, as it is wanted. */
function fresh(group: string, { clones, states }: Scene): Rollout {
  const recorded = clones.flatMap(({ name }) => {
    const spec = states.get(name)?.spec ?? null;
    return spec === null || groupOf(spec) !== group ? [] : [spec.workspaceDigest];
  });
  return { group, stable: recorded[0] ?? null, candidate: null, refused: null, turns: [] };
}

function stepGroup(start: Rollout, scene: Scene): Rollout {
  const { clones, now, policy } = scene;
  let rollout = start;
  const wanted = new Set(clones.map(({ workspaceDigest }) => workspaceDigest));
  const first = clones[0];
  if (rollout.stable === null && first !== undefined) {
    rollout = { ...rollout, stable: first.workspaceDigest };
  }
  if (rollout.refused !== null && !wanted.has(rollout.refused.digest)) {
    rollout = turn(
      { ...rollout, refused: null },
      "withdrawn",
      start.refused?.digest ?? "",
      now,
      "the repository no longer asks for it",
    );
  }
  if (rollout.candidate !== null && !wanted.has(rollout.candidate.digest)) {
    rollout = turn(
      { ...rollout, candidate: null },
      "superseded",
      start.candidate?.digest ?? "",
      now,
      "the repository asks for something else",
    );
  }
  const news = clones.find(
    ({ workspaceDigest }) =>
      workspaceDigest !== rollout.stable && workspaceDigest !== rollout.refused?.digest,
  );
  if (rollout.candidate === null && news !== undefined) {
    const digest = news.workspaceDigest;
    if (policy.canary === 0)
      return turn(
        { ...rollout, stable: digest, refused: null },
        "stable",
        digest,
        now,
        "no canaries are asked for",
      );
    const candidate = { digest, revision: news.revision, since: now, canaries: {} };
    rollout = turn({ ...rollout, candidate }, "begun", digest, now, `commit ${news.revision.slice(0, 12)}`);
  }
  return rollout.candidate === null ? rollout : stepCandidate(rollout, rollout.candidate, scene);
}

function stepCandidate(rollout: Rollout, candidate: Candidate, scene: Scene): Rollout {
  const { policy, now, states } = scene;
  const { digest } = candidate;
  const failure = Object.keys(candidate.canaries)
    .map((name) => failureOf(name, candidate, scene))
    .find((reason) => reason !== null);
  if (failure != null) {
    const refused: RefusedCandidate = {
      digest,
      revision: candidate.revision,
      at: now,
      reason: failure,
      back: policy.autoRevert ? candidate.canaries : {},
    };
    return turn({ ...rollout, candidate: null, refused }, "refused", digest, now, failure);
  }
  const members = scene.clones.filter(({ workspaceDigest }) => workspaceDigest === digest);
  const chosen = { ...candidate.canaries };
  const added: string[] = [];
  for (const { name } of members.filter((clone) => hasWork(clone.name, states))) {
    if (Object.keys(chosen).filter((one) => counts(one, candidate, scene)).length >= policy.canary) break;
    const spec = states.get(name)?.spec ?? null;
    if (chosen[name] !== undefined || spec === null || spec.workspaceDigest === digest) continue;
    chosen[name] = spec;
    added.push(name);
  }
  const healthy = Object.keys(chosen).filter((name) => isHealthy(name, candidate, scene));
  const needed = Math.min(policy.canary, members.length);
  if (healthy.length >= needed)
    return turn(
      { ...rollout, stable: digest, candidate: null, refused: null },
      "stable",
      digest,
      now,
      `healthy on ${healthy.join(", ")}`,
    );
  if (added.length === 0) return rollout;
  return turn(
    { ...rollout, candidate: { ...candidate, canaries: chosen } },
    "canary",
    digest,
    now,
    added.join(", "),
  );
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

function turn(
  rollout: Rollout,
  type: RolloutTurn["type"],
  digest: string,
  at: Instant,
  message: string,
): Rollout {
  return { ...rollout, turns: [...rollout.turns, { at, type, digest, message }].slice(-TURNS_MAX) };
}

function short(digest: string | null): string {
  return digest === null ? "nothing" : digest.replace("sha256:", "").slice(0, 12);
}
