/** What a proposal ends: missions that are cancelled, killed or gone from the repository, and clones that are put away. */
import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import { coveringEntry } from "../model/kill-switch.ts";
import { fleetOf, freeDeletions } from "../plan/guard.ts";
import type { ObservedState } from "../plan/observed.ts";
import type { Plan } from "../plan/plan.ts";
import type { Held, Obstacle, PlanStepDraft } from "../plan/step.ts";
import type { PlannedStop } from "./explanation.ts";
import { plural } from "./words.ts";
import { runs, type World } from "./world.ts";

interface Sides {
  readonly plan: Plan;
  /** For the base, in the same world: what it ends is ended whatever becomes of the proposal. */
  readonly before: Plan | null;
  readonly observed: ObservedState;
  readonly observedBefore: ObservedState | null;
  readonly head: DesiredState;
  readonly world: World;
}

/** One for each clone, by its name. `taken`: which of the plan's `held` stand among them. */
export function stopsOf(sides: Sides): {
  readonly stops: readonly PlannedStop[];
  readonly taken: ReadonlySet<Held>;
} {
  const { plan, before } = sides;
  const known = new Set(before?.steps.map(keyOf));
  const stops = new Map<string, PlannedStop>();
  const add = (step: PlanStepDraft, held: Obstacle | null): void => {
    const reason = reasonOf(step);
    if (reason === null || known.has(keyOf(step))) return;
    stops.set(step.clone, merged(stops.get(step.clone), stopOf(step, { sides, reason, held })));
  };
  for (const step of plan.steps) add(step, null);
  const guarded = plan.held.filter(({ reason }) => reason === "MassDeleteGuard");
  const ending = new Map(guarded.map((held) => [held, draftOf(held, sides)]));
  const lanes = new Set([...ending.values()].map((draft) => draft?.clone)).size;
  for (const [{ reason }, draft] of ending)
    if (draft !== null) add(draft, { reason, message: guardText(lanes, sides) });
  for (const state of sides.observed.states.values()) {
    const covered = coveredOf(state, sides);
    if (covered !== null && !stops.has(state.name)) stops.set(state.name, covered);
  }
  return {
    stops: [...stops.values()].sort((a, b) => (a.clone < b.clone ? -1 : 1)),
    taken: new Set(ending.keys()),
  };
}

function keyOf({ type, clone, mission }: PlanStepDraft): string {
  return `${type} ${clone} ${mission ?? ""}`;
}

function reasonOf({ type, event, why }: PlanStepDraft): string | null {
  switch (type) {
    case "withdraw":
    case "prune":
      return why.trigger;
    case "replace":
      return "its declaration changed before its mission was accepted";
    case "stop":
      if (event.type !== "mission.limits_changed") return why.trigger;
      return event.limits.kill_switch.engaged ? "its kill switch is engaged" : "cancelled in its file";
    default:
      return null;
  }
}

function stopOf(
  { type, clone, mission }: PlanStepDraft,
  { sides, reason, held }: { readonly sides: Sides; readonly reason: string; readonly held: Obstacle | null },
): PlannedStop {
  return {
    clone,
    mission,
    runs: runs(sides.world, sides.observed.states.get(clone)),
    fate: type === "prune" ? "put_away" : type === "replace" ? "restarted" : "stays",
    reason,
    held,
  };
}

/** A mission that ends and its clone that is put away are one thing to whoever reads of it. */
function merged(one: PlannedStop | undefined, other: PlannedStop): PlannedStop {
  if (one === undefined) return other;
  const fate = one.fate === "put_away" || other.fate === "put_away" ? "put_away" : other.fate;
  return { ...one, mission: one.mission ?? other.mission, fate };
}

/** The step that the guard has held back: it names the mission or the clone. */
function draftOf({ subject, step }: Held, { observed }: Sides): PlanStepDraft | null {
  const [kind, name = ""] = subject.split("/");
  const state =
    kind === "clone"
      ? observed.states.get(name)
      : [...observed.states.values()].find(({ mission }) => mission?.name === name);
  if (state === undefined || (step !== "withdraw" && step !== "prune")) return null;
  return {
    type: step,
    clone: state.name,
    mission: state.mission?.name ?? null,
    why: { trigger: "its file was removed", fields: [], from: null, to: null },
    event: { type: "clone.withdrawn", revision: "", reason: "" },
  };
}

/** A merge makes a commit of its own, which nobody knows before. */
function guardText(lanes: number, { observed }: Sides): string {
  const fleet = fleetOf(observed.states).length;
  const free = freeDeletions(fleet);
  return (
    `${lanes} of ${plural(fleet, "clone")} would go or lose their work at once; without a second word ${free} may, and never all of them. ` +
    "Nothing of it is stopped until a second commit names the merged one in `spec.confirm_deletion.commit` of fleet.yaml"
  );
}

/** What lives, and `fleet.yaml` engages the kill switch for: that is no step of a plan, because it waits for none. */
function coveredOf(state: CloneState, sides: Sides): PlannedStop | null {
  const { mission } = state;
  if (mission === null || mission.terminal !== null) return null;
  const subject = { clone: state.name, mission: mission.name, labels: mission.labels };
  const entry = coveringEntry(sides.observed.killSwitch ?? [], subject);
  if (entry === null || coveringEntry(sides.observedBefore?.killSwitch ?? [], subject) !== null) return null;
  return {
    clone: state.name,
    mission: mission.name,
    runs: runs(sides.world, state),
    fate: "stays",
    reason: "fleet.yaml engages the kill switch for it",
    held: null,
  };
}
