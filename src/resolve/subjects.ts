/** What somebody approves: per mission one digest over everything of a commit that decides what it may do and how it is judged. */
import { rulesSubject } from "../core/approvals/rules.ts";
import { APPROVED_FLEET, type Subject } from "../core/model/approvals.ts";
import type { DesiredClone } from "../core/model/clone.ts";
import type { FleetPolicy } from "../core/model/desired.ts";
import { digestOf } from "../core/model/digest.ts";
import type { DesiredMission } from "../core/model/mission.ts";
import type { RepositoryFile } from "../documents/layout.ts";
import type { ParsedFleet } from "../documents/read-documents.ts";
import type { RepositoryTree } from "./files.ts";

export interface SubjectsInput {
  readonly fleet: FleetPolicy;
  readonly clones: ReadonlyMap<string, DesiredClone>;
  readonly missions: ReadonlyMap<string, DesiredMission>;
  readonly parsed: ParsedFleet;
  readonly tree: RepositoryTree;
}

/** By name: `mission/<name>`, and `fleet`. A mission whose clone cannot be used has none: nothing of it starts. */
export function subjectsOf(input: SubjectsInput): ReadonlyMap<string, Subject> {
  const subjects = new Map<string, Subject>([
    [APPROVED_FLEET, rulesSubject(input.fleet.approvals, input.fleet.forge)],
  ]);
  for (const mission of input.missions.values()) {
    const clone = input.clones.get(mission.contract.clone);
    if (clone !== undefined) subjects.set(`mission/${mission.name}`, missionSubject(mission, clone, input));
  }
  return subjects;
}

function missionSubject(
  mission: DesiredMission,
  clone: DesiredClone,
  { fleet, parsed, tree }: SubjectsInput,
): Subject {
  const { contract, contractHash, labels, limits } = mission;
  const places = placesOf(mission, tree);
  const { env, ageIdentity, commands } = fleet.secrets;
  return {
    name: `mission/${mission.name}`,
    run: digestOf([mission.missionId, contractHash]),
    digest: digestOf({
      contract: contractHash,
      clone: clone.digest,
      // Rules ask about them.
      labels,
      // What the agent gets, and what it is judged by.
      files: places.map((place) => filesAt(place, tree).map(({ path, type, blob }) => [path, type, blob])),
      fleet: { secrets: { env, ageIdentity, commands }, isolation: fleet.isolation },
    }),
    limits,
    facts: {
      missionType: contract.mission_type,
      costUsd: limits.budget.max_cost_usd,
      labels,
      isolation: clone.runtime.isolation,
      secrets: clone.secrets.map(({ name }) => name),
      paths: [
        parsed.missions.get(mission.name)?.file,
        parsed.clones.get(clone.name)?.file,
        ...[...clone.overlays, clone.baseline.name].map((layer) => `overlays/${layer}/`),
      ].filter((path) => path !== undefined),
      watched: [...DOCUMENTS, ...places],
      clone: clone.digest,
      contract: contractHash,
    },
  };
}

/** Inputs, schemas, and the programs of checks with what stands beside them, which they may load. Folders end in `/`. */
function placesOf({ contract }: DesiredMission, tree: RepositoryTree): readonly string[] {
  const { inputs, artifact_policy, success_criteria } = contract;
  const programs = success_criteria
    .flatMap(({ check }) => check?.run ?? [])
    .map((argument) => argument.replace(/^\.\//, ""))
    .filter((path) => tree.get(path) !== null)
    .map((path) => path.slice(0, path.lastIndexOf("/") + 1) || path);
  const schemas = artifact_policy.required_outputs.flatMap(({ schema }) => schema ?? []);
  return [...new Set([...inputs.map(({ path }) => path), ...schemas, ...programs])].sort();
}

function filesAt(place: string, tree: RepositoryTree): readonly RepositoryFile[] {
  if (place.endsWith("/")) return tree.below(place.slice(0, -1));
  const entry = tree.get(place);
  return entry === null ? [] : [entry];
}

/** Wherever what a mission says may be written. */
const DOCUMENTS = ["missions", "clones", "overlays", "fleet.yaml"] as const;
