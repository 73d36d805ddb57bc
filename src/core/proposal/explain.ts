import type { DesiredState } from "../model/desired.ts";
import { digestOf } from "../model/digest.ts";
import type { Instant } from "../model/time.ts";
import type { ObservedState } from "../plan/observed.ts";
import { type Plan, plan } from "../plan/plan.ts";
import type { Held } from "../plan/step.ts";
import { type Beginning, type Beginnings, beginningsOf } from "./beginnings.ts";
import { changesOf } from "./changes.ts";
import type {
  ApprovalNeed,
  PlanExplanation,
  PlannedChange,
  PlannedStart,
  PlannedStop,
} from "./explanation.ts";
import { causesOf, type FilesOfChange, NO_FILES } from "./files.ts";
import { secretsOf } from "./secrets.ts";
import { cloneFacts, costOf, plannedStart } from "./starts.ts";
import { stopsOf } from "./stops.ts";
import { worldNote } from "./unknown.ts";
import { observedIn, type World } from "./world.ts";

export interface ExplainInput {
  /** Null: a fleet that has nothing yet. */
  readonly base: DesiredState | null;
  readonly head: DesiredState;
  readonly world: World;
  readonly now: Instant;
  readonly files?: FilesOfChange;
  readonly approvals?: readonly ApprovalNeed[] | null;
}

/**
 * Turns a proposal into what a reviewer asks: what starts, stops and changes because of it, by which files, at which cost,
 * with which rights.
 *
 * Base and head are planned for the same world. What stands in both plans happens whatever becomes of the proposal and is
 * nothing of it, so that one which changes nothing shows nothing, however much of the base waits for a place, a lane or a
 * window. What begins in the plan of the head alone is told with all that it may do, whether it begins at once or waits.
 *
 * Depends on the arguments alone.
 */
export function explainPlan(input: ExplainInput): PlanExplanation {
  const { base, head, world, files = NO_FILES, approvals = null } = input;
  const after = planned(head, input);
  const before = base === null ? null : planned(base, input);
  // A fleet that has nothing yet is known.
  const worldKnown = base === null || world.type !== "assumed";
  const begins = newBeginnings(after.beginnings, before?.beginnings ?? null);
  const startsThat = (how: Beginning["how"]): readonly PlannedStart[] =>
    begins
      .filter((beginning) => beginning.how === how)
      .flatMap((beginning) => plannedStart(beginning, { base, head, worldKnown }) ?? []);
  const starts = startsThat("begins");
  const parked = startsThat("parked");
  const ended = stopsOf({
    plan: after.plan,
    before: before?.plan ?? null,
    observed: after.observed,
    observedBefore: before?.observed ?? null,
    head,
    world,
  });
  const stops = ended.stops;
  const { plan: made, observed } = after;
  const changes = base === null ? [] : changesOf({ base, head, plan: made, observed, world, files });
  const newClones = [...head.clones.values()]
    .filter(({ name }) => base?.clones.has(name) !== true)
    .map(cloneFacts)
    .sort((a, b) => (a.clone < b.clone ? -1 : 1));
  const secrets = secretsOf(base, head, new Set(starts.map((start) => start.clone)));
  const held = heldOf({ after, before, taken: ended.taken, never: begins, changes });
  const body = { starts, parked, stops, newClones, changes, secrets, held };
  return {
    planHash: hashOf(body),
    base: base?.revision ?? null,
    head: head.revision,
    world: worldNote({ world, starts, stops, changes, base, head }),
    causes: causesOf({ base, head, files, changes }),
    ...body,
    cost: costOf(starts, raisedOf(base, head, changes)),
    blast: blastOf(body, { base, head }),
    approvals,
  };
}

interface Planned {
  readonly plan: Plan;
  readonly observed: ObservedState;
  readonly beginnings: Beginnings;
}

function planned(desired: DesiredState, { base, world, now }: ExplainInput): Planned {
  const observed = observedIn(world, { base, desired, now });
  const made = plan({ desired, observed, now });
  return { plan: made, observed, beginnings: beginningsOf({ plan: made, desired, observed, now }) };
}

/** By the name of the mission, and its run. */
function newBeginnings(after: Beginnings, before: Beginnings | null): readonly Beginning[] {
  return [...after.byId]
    .filter(([id, { how }]) => {
      const known = before?.byId.get(id);
      // One that would begin anyway and is paused now is a change of its limits.
      return how === "parked" ? known === undefined : known?.how !== how;
    })
    .map(([, beginning]) => beginning)
    .sort((a, b) =>
      a.mission.name === b.mission.name
        ? a.mission.contract.run - b.mission.contract.run
        : a.mission.name < b.mission.name
          ? -1
          : 1,
    );
}

/** What is held for the head alone, and shown nowhere else. */
function heldOf(parts: {
  readonly after: Planned;
  readonly before: Planned | null;
  readonly taken: ReadonlySet<Held>;
  readonly never: readonly Beginning[];
  readonly changes: readonly PlannedChange[];
}): PlanExplanation["held"] {
  const { after, before, taken, never, changes } = parts;
  const idle = new Set(changes.filter(({ applies }) => !applies).map(({ subject }) => subject));
  const keyOf = ({ subject, step, reason }: Held): string =>
    `${subject} ${step} ${reason === "Cancelled" || reason === "KillSwitchEngaged" ? "stopped" : reason}`;
  const known = new Set(before?.plan.held.map(keyOf));
  const held = after.plan.held.filter(
    (one) =>
      !known.has(keyOf(one)) &&
      !taken.has(one) &&
      !after.beginnings.taken.has(one) &&
      // What a change waits for, or why it takes no effect, stands beside the change.
      !(one.subject.startsWith("clone/") && EFFECTS.has(one.reason)) &&
      !(one.reason === "ContractFixed" && idle.has(one.subject)),
  );
  const over = never
    .filter(({ how }) => how === "never")
    .map(({ mission }) => ({
      subject: `mission/${mission.name}`,
      step: "start" as const,
      reason: "WindowOver",
      message: "its window is over, or does not open: it never starts",
    }));
  return [...held, ...over]
    .map(({ subject, step, reason, message }) => ({ subject, step, reason, message }))
    .sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0));
}

const EFFECTS: ReadonlySet<string> = new Set([
  "RolloutInProgress",
  "PinnedByRollback",
  "PinnedByMission",
  "WaitingForTurnBoundary",
]);

/** Of missions that stand and go on: by how much their limit on cost rises. */
function raisedOf(
  base: DesiredState | null,
  head: DesiredState,
  changes: readonly PlannedChange[],
): readonly { readonly mission: string; readonly usd: number | null }[] {
  return changes.flatMap(({ subject, part, applies }): { mission: string; usd: number | null }[] => {
    const name = subject.slice("mission/".length);
    const [before, after] = [base?.missions.get(name), head.missions.get(name)];
    if (part !== "limits" || !applies || before === undefined || before.missionId !== after?.missionId)
      return [];
    const [from, to] = [before.limits.budget.max_cost_usd, after.limits.budget.max_cost_usd];
    if (to === null) return from === null ? [] : [{ mission: name, usd: null }];
    return from !== null && to > from ? [{ mission: name, usd: to - from }] : [];
  });
}

type Body = Pick<
  PlanExplanation,
  "starts" | "parked" | "stops" | "newClones" | "changes" | "secrets" | "held"
>;

function blastOf(
  { starts, parked, stops, newClones, changes }: Body,
  { base, head }: { readonly base: DesiredState | null; readonly head: DesiredState },
): PlanExplanation["blast"] {
  const touched = new Set([
    ...[...starts, ...parked, ...stops, ...newClones].map(({ clone }) => clone),
    ...changes.flatMap(({ subject, applies }) => {
      const [kind, name = ""] = subject.split("/");
      if (!applies || kind === "fleet") return [];
      return kind === "clone" ? [name] : (head.missions.get(name)?.contract.clone ?? []);
    }),
  ]);
  return {
    touched: [...touched].sort(),
    total: new Set([...(base?.clones.keys() ?? []), ...head.clones.keys()]).size,
  };
}

/** Without what depends on the moment: when something starts, what it waits for, whether it runs. */
function hashOf({ starts, parked, stops, newClones, changes, secrets, held }: Body): string {
  const timeless = ({
    when: _when,
    held: _held,
    missionId: _id,
    resumes: _resumes,
    ...start
  }: PlannedStart) => start;
  return digestOf({
    starts: starts.map(timeless),
    parked: parked.map(timeless),
    stops: stops.map(({ runs: _runs, held: waits, ...stop }: PlannedStop) => ({
      ...stop,
      held: waits?.reason ?? null,
    })),
    newClones,
    changes: changes.map(({ effect: _effect, causes: _causes, ...change }) => change),
    secrets,
    held: held.map(({ subject, step, reason }) => ({ subject, step, reason })),
  });
}
