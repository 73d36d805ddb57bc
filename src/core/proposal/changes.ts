/** What a proposal changes of missions, clones and the fleet that stand already: field by field, from where, and when it is felt. */

import { groupOf } from "../fleet/rollouts/rollout.ts";
import { differences, type FieldChange } from "../meaning/field.ts";
import { cloneChanges } from "../meaning/of-clones.ts";
import { fleetChanges } from "../meaning/of-fleet.ts";
import { contractChanges, LABEL_MEANINGS, limitChanges } from "../meaning/of-missions.ts";
import type { DesiredClone } from "../model/clone.ts";
import type { DesiredState } from "../model/desired.ts";
import type { DesiredMission } from "../model/mission.ts";
import type { ObservedState } from "../plan/observed.ts";
import type { Plan } from "../plan/plan.ts";
import { recordedRuns, type Whereabouts } from "../plan/runs.ts";
import type { PlannedChange } from "./explanation.ts";
import type { FilesOfChange } from "./files.ts";
import type { World } from "./world.ts";

interface Sides {
  readonly base: DesiredState;
  readonly head: DesiredState;
  readonly plan: Plan;
  readonly observed: ObservedState;
  readonly world: World;
  readonly files: FilesOfChange;
}

interface Scene extends Sides {
  /** How many clones of the head that are not retired have the same baseline and overlays. */
  readonly groups: ReadonlyMap<string, number>;
  /** By clone: why its group refuses what it would be made of. */
  readonly refused: ReadonlyMap<string, string>;
}

/** Ordered by subject, the contract of a mission before its limits. What is new or goes is not here. */
export function changesOf(sides: Sides): readonly PlannedChange[] {
  const { base, head } = sides;
  const whereIs = recordedRuns(sides.observed.states);
  const scene = sceneOf(sides);
  const clones = [...head.clones.values()].flatMap((clone) => {
    const before = base.clones.get(clone.name);
    return before === undefined ? [] : cloneChange(before, clone, scene);
  });
  const missions = [...head.missions.values()].flatMap((mission) => {
    const before = base.missions.get(mission.name);
    return before === undefined ? [] : missionChanges(before, mission, { sides, where: whereIs(before) });
  });
  return [...fleetChange(sides), ...clones, ...missions].sort((a, b) =>
    a.subject === b.subject ? (a.part < b.part ? -1 : 1) : a.subject < b.subject ? -1 : 1,
  );
}

function fleetChange({ base, head, files }: Sides): PlannedChange[] {
  if (head.broken.has("fleet")) return [];
  const fields = fleetChanges(base, head);
  if (fields.length === 0) return [];
  const causes = files.changed.some(({ path }) => path === "fleet.yaml") ? ["fleet.yaml"] : [];
  return [{ subject: "fleet", part: "fleet", fields, causes, effect: "at once", applies: true }];
}

function sceneOf(sides: Sides): Scene {
  const groups = new Map<string, number>();
  for (const clone of sides.head.clones.values())
    if (clone.state !== "retired") groups.set(groupOf(clone), (groups.get(groupOf(clone)) ?? 0) + 1);
  const refused = new Map(
    sides.plan.held.flatMap(({ subject, reason, message }): [string, string][] =>
      reason === "PinnedByRollback" ? [[subject.replace(/^clone\//, ""), message]] : [],
    ),
  );
  return { ...sides, groups, refused };
}

function cloneChange(before: DesiredClone, after: DesiredClone, scene: Scene): PlannedChange[] {
  const fields = cloneChanges(before, after);
  const rollout = rolloutText(before, after, scene);
  const refused = scene.refused.get(after.name);
  // What is tighter about approvals waits for nobody.
  const ahead = (field: FieldChange): boolean =>
    rollout !== null && field.field === "approval_required" && field.direction === "tightened";
  const waits = refused === undefined ? rollout : `not before the repository says something else: ${refused}`;
  const change = (some: readonly FieldChange[], effect: string): PlannedChange[] =>
    some.length === 0
      ? []
      : [
          {
            subject: `clone/${after.name}`,
            part: "clone",
            fields: some,
            causes: causesOfClone(before, after, { fields: some, files: scene.files }),
            effect,
            applies: true,
          },
        ];
  return [
    ...change(fields.filter(ahead), "at once"),
    ...change(
      fields.filter((field) => !ahead(field)),
      waits ?? effectOnClone(after, fields, scene),
    ),
  ];
}

/** Clones of one baseline and the same overlays take up what they are made of one after the other; null: this one is alone, or nothing is asked for. */
function rolloutText(before: DesiredClone, after: DesiredClone, { groups, head }: Scene): string | null {
  const { canary, minHealthyMinutes } = head.fleet.rollout;
  if (before.workspaceDigest === after.workspaceDigest || after.state === "retired" || canary === 0)
    return null;
  if ((groups.get(groupOf(after)) ?? 0) <= canary) return null;
  const first = canary === 1 ? "by one clone of its group" : `by ${canary} clones of its group`;
  return `first ${first}; by the others when that was healthy for ${minHealthyMinutes} min, or had a mission accepted`;
}

/** How a field reaches a living instance is its class; the rest is about the clone and not about it. */
function effectOnClone(
  clone: DesiredClone,
  fields: readonly FieldChange[],
  { observed, world }: Sides,
): string {
  const needs = new Set(fields.map((field) => field.class));
  if (!needs.has("turn") && !needs.has("restart_resume") && !needs.has("replace")) return "at once";
  const idle = world.type !== "assumed" && (observed.states.get(clone.name)?.instance ?? null) === null;
  if (idle) return "with its next start";
  if (clone.update === "turn_boundary" && !needs.has("replace")) return "between two turns of its agent";
  return "with its next start; what works now goes on as it is";
}

/** A file that set a changed value, and was changed itself. */
function causesOfClone(
  before: DesiredClone,
  after: DesiredClone,
  { fields, files }: { readonly fields: readonly FieldChange[]; readonly files: FilesOfChange },
): readonly string[] {
  const changed = new Set(files.changed.map(({ path }) => path));
  const own = `clones/${after.name}.yaml`;
  const sources = files.sourcesOf(after.name).filter((path) => changed.has(path));
  const found = new Set<string>();
  for (const { field } of fields) {
    const said =
      field === "baseline and overlays"
        ? sources
        : [...placesOf(field, before.provenance), ...placesOf(field, after.provenance)].filter((path) =>
            changed.has(path),
          );
    const else_ = [own, "fleet.yaml"].find((path) => changed.has(path));
    for (const path of said.length > 0 ? said : else_ === undefined ? sources : [else_]) found.add(path);
  }
  return [...found].sort();
}

/** Files that set the field, or a part of it, or what it is a part of. */
function placesOf(field: string, provenance: DesiredClone["provenance"]): readonly string[] {
  const places = Object.entries(provenance).flatMap(([key, place]) =>
    key === field || key.startsWith(`${field}.`) || field.startsWith(`${key}.`)
      ? [place.replace(/:\d+$/, "")]
      : [],
  );
  return [...new Set(places)];
}

interface OfMission {
  readonly sides: Sides;
  /** Of the base's run. */
  readonly where: Whereabouts;
}

function missionChanges(before: DesiredMission, after: DesiredMission, around: OfMission): PlannedChange[] {
  const { sides } = around;
  const subject = `mission/${after.name}`;
  const causes = causesOfMission(after, sides.files);
  const contract = [...contractChanges(before, after), ...differences(before, after, LABEL_MEANINGS)];
  const limits = limitChanges(before.limits, after.limits);
  const raised = after.missionId !== before.missionId;
  return [
    ...(contract.length === 0
      ? []
      : [
          {
            subject,
            part: "contract" as const,
            fields: contract,
            causes,
            ...contractEffect(raised, after, around),
          },
        ]),
    ...(limits.length === 0
      ? []
      : [
          {
            subject,
            part: "limits" as const,
            fields: limits,
            causes,
            ...limitsEffect(raised, { after, limits, around }),
          },
        ]),
  ];
}

type Effect = Pick<PlannedChange, "effect" | "applies">;

function contractEffect(raised: boolean, after: DesiredMission, { sides, where }: OfMission): Effect {
  const { run } = after.contract;
  if (raised) return { effect: `with run ${run}`, applies: true };
  if (where.type === "closed")
    return {
      effect: `never: run ${run} is over; raise \`spec.run\` to dispatch the changed contract`,
      applies: false,
    };
  if (where.type === "nowhere") return { effect: "with its start", applies: true };
  const dispatched =
    sides.world.type === "assumed"
      ? "is fixed once it was dispatched"
      : "is fixed, because it was dispatched";
  return {
    effect: `not in run ${run}: its contract ${dispatched}; raise \`spec.run\` to dispatch the changed one`,
    applies: false,
  };
}

function limitsEffect(
  raised: boolean,
  of: { readonly after: DesiredMission; readonly limits: readonly FieldChange[]; readonly around: OfMission },
): Effect {
  const { after, limits, around } = of;
  const { run } = after.contract;
  if (around.where.type === "closed")
    return raised
      ? { effect: `with run ${run}`, applies: true }
      : { effect: `never: run ${run} is over`, applies: false };
  if (!raised) return { effect: "at once", applies: true };
  const stops = limits.some(({ field }) => field === "state" || field === "kill_switch.engaged");
  return {
    effect: stops ? `with run ${run}; its stop and its pause at once` : `with run ${run}`,
    applies: true,
  };
}

/** A limit that its own file does not name comes from the fleet or from its clone's overlays. */
function causesOfMission({ name, contract }: DesiredMission, files: FilesOfChange): readonly string[] {
  const changed = new Set(files.changed.map(({ path }) => path));
  const own = `missions/${name}.yaml`;
  if (changed.has(own)) return [own];
  if (changed.has("fleet.yaml")) return ["fleet.yaml"];
  return files.sourcesOf(contract.clone).filter((path) => changed.has(path));
}
