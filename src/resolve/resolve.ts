import type { DesiredClone } from "../core/model/clone.ts";
import {
  DEFAULT_FLEET_POLICY,
  type DesiredState,
  type FleetPolicy,
  type MissionStop,
} from "../core/model/desired.ts";
import type { Issue } from "../core/model/issue.ts";
import type { DesiredMission } from "../core/model/mission.ts";
import { hasErrors, sortIssues } from "../documents/issue.ts";
import { type RepositoryFile, sortPlaces } from "../documents/layout.ts";
import { type ParsedDocument, toIssue } from "../documents/parse.ts";
import type { PathStep } from "../documents/positions.ts";
import type { ParsedFleet } from "../documents/read-documents.ts";
import type { CloneDocument, CloneSpec } from "../documents/schema/clone.ts";
import type { Finding } from "../documents/schema/explain.ts";
import type { FleetDocument } from "../documents/schema/fleet.ts";
import type { MissionDocument } from "../documents/schema/mission.ts";
import { nearest } from "../documents/suggest.ts";
import type { WorkspaceManifest } from "../ports/workspaces.ts";
import { BUILT_IN, resolveClone } from "./clone.ts";
import { type Combination, createCombinations } from "./combinations.ts";
import { checkBaseProfile } from "./contract.ts";
import { FILE_BYTES_MAX, indexTree, isFile, type RepositoryTree } from "./files.ts";
import { fleetPolicy } from "./fleet.ts";
import { sourceOf } from "./layers.ts";
import { resolveMission } from "./mission.ts";
import { postmortemFiles, resolvePostmortems } from "./postmortems.ts";
import { checkSecrets } from "./secrets.ts";
import { subjectsOf } from "./subjects.ts";

export interface ResolveInput {
  /** The commit that was parsed. */
  readonly revision: string;
  readonly parsed: ParsedFleet;
  readonly entries: readonly RepositoryFile[];
  /** At least the blobs that `blobsToResolve` names. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
  /** Stable name of the repository; part of every mission's id. */
  readonly repository: string;
  /** What `fleet.yaml` said when it could last be used; holds while it cannot. */
  readonly lastFleet?: FleetPolicy;
}

export interface Resolved {
  readonly desired: DesiredState;
  /** What the workspace of a clone of `desired.clones` consists of; null for any other name. */
  workspaceOf(clone: string): WorkspaceManifest | null;
  /** Paths of the files below `overlays/` that such a clone is made of; none for any other name. */
  sourcesOf(clone: string): readonly string[];
}

/** Ids of the blobs below `overlays/` and `postmortems/` whose contents `resolveFleet` needs. What is too large for any workspace is left out. */
export function blobsToResolve(entries: readonly RepositoryFile[]): string[] {
  const files = sortPlaces(entries).resources.filter(
    (entry) => isFile(entry) && entry.size <= FILE_BYTES_MAX,
  );
  return [...new Set([...files, ...postmortemFiles(entries)].map((entry) => entry.blob))];
}

/**
 * Turns documents into what people want: every clone with baseline and
 * overlays merged, every mission with its limits filled in, and the rules of overlay
 * contract v1 and of the fleet's caps applied.
 *
 * Pure: same input, same output, whatever the order of the entries. Never throws
 * for what people wrote. What cannot be used is `broken`, and all of it is when
 * `fleet.yaml` cannot be used and no earlier one is known: caps that nobody can read would be no caps.
 */
export function resolveFleet(input: ResolveInput): Resolved {
  return new Resolver(input).run();
}

class Resolver {
  readonly #input: ResolveInput;
  readonly #tree: RepositoryTree;
  readonly #fleet: FleetPolicy;
  readonly #fleetUsable: boolean;
  readonly #combinations: ReturnType<typeof createCombinations>;
  readonly #issues: Issue[] = [];
  readonly #clones = new Map<string, DesiredClone>();
  readonly #combinationOf = new Map<string, Combination>();
  readonly #missions = new Map<string, DesiredMission>();
  readonly #broken = new Set<string>();
  readonly #stops: Map<string, MissionStop>;

  constructor(input: ResolveInput) {
    const { parsed } = input;
    this.#input = input;
    this.#tree = indexTree(input.entries);
    this.#fleetUsable = parsed.fleet !== null || input.lastFleet !== undefined;
    this.#fleet =
      parsed.fleet === null
        ? withStop(input.lastFleet ?? DEFAULT_FLEET_POLICY, parsed.fleetStop)
        : fleetPolicy(parsed.fleet.document);
    this.#combinations = createCombinations({
      parsed,
      tree: this.#tree,
      contents: input.contents,
      fleet: this.#fleet,
    });
    this.#stops = new Map(parsed.stops);
    for (const subject of parsed.broken) if (/^(?:mission|clone)\//.test(subject)) this.#broken.add(subject);
  }

  run(): Resolved {
    const { parsed, revision } = this.#input;
    this.#checkFleet();
    const used = new Set<string>();
    for (const clone of byName(parsed.clones)) {
      for (const overlay of clone.document.spec.overlays) used.add(overlay);
      this.#clone(clone);
    }
    this.#issues.push(...this.#combinations.checkAll(used));
    for (const mission of byName(parsed.missions)) this.#mission(mission);
    const { postmortems, issues } = resolvePostmortems(this.#input);
    this.#issues.push(...issues);
    this.#warnAboutSharedClones();
    const combinationOf = this.#combinationOf;
    return {
      desired: {
        revision,
        fleet: this.#fleet,
        clones: this.#clones,
        missions: this.#missions,
        broken: this.#broken,
        stops: this.#stops,
        postmortems,
        issues: sortIssues(distinct([...parsed.issues, ...this.#issues])),
        confirmDeletion: parsed.fleet?.document.spec.confirm_deletion?.commit ?? null,
        subjects: subjectsOf({
          fleet: this.#fleet,
          clones: this.#clones,
          missions: this.#missions,
          parsed,
          tree: this.#tree,
        }),
      },
      workspaceOf: (clone) => combinationOf.get(clone)?.manifest ?? null,
      sourcesOf: (clone) => combinationOf.get(clone)?.sources() ?? [],
    };
  }

  #checkFleet(): void {
    const { parsed } = this.#input;
    if (parsed.fleet !== null) {
      this.#issues.push(...drillIssues(parsed.fleet, parsed), ...looseChecks(parsed.fleet));
      return;
    }
    this.#broken.add("fleet");
    if (parsed.broken.has("fleet") || parsed.clones.size + parsed.missions.size === 0) return;
    this.#issues.push({
      severity: "error",
      file: "fleet.yaml",
      reason: "FleetMissing",
      message: "there is no fleet.yaml, so no caps are known and nothing new is started",
      expected: "apiVersion: factory/v1, kind: Fleet, metadata: {name: …}, spec: {caps: …}",
    });
  }

  #clone(parsed: ParsedDocument<CloneDocument>): void {
    const { name } = parsed.document.metadata;
    const { findings, combination } = this.#combine(parsed);
    // Where nobody knows what the fleet allows, the issue is that of fleet.yaml.
    const secrets = this.#fleetUsable
      ? checkSecrets(parsed.document.spec, { fleet: this.#fleet, tree: this.#tree })
      : [];
    findings.push(...secrets);
    this.#issues.push(...findings.map((finding) => toIssue(finding, parsed.file, parsed.positions)));
    if (combination === null || !combination.usable || !this.#fleetUsable || secrets.length > 0) {
      this.#broken.add(`clone/${name}`);
      return;
    }
    this.#combinationOf.set(name, combination);
    this.#clones.set(
      name,
      resolveClone({
        parsed,
        layers: combination.layers,
        manifest: combination.manifest,
        fleet: this.#fleet,
        fleetSource: (path) => this.#fleetSource(path),
        revision: this.#input.revision,
      }),
    );
  }

  /** The clone's baseline and overlays, if all of them are there, fit each other and can be used. */
  #combine(clone: ParsedDocument<CloneDocument>): { findings: Finding[]; combination: Combination | null } {
    const { parsed } = this.#input;
    const { spec } = clone.document;
    const path = ["spec", "baseline"];
    const [baselineName = ""] = spec.baseline.split("@");
    const isBroken = parsed.broken.has(`baseline/${baselineName}`);
    const findings = isBroken
      ? [dependency(path, `overlays/${baselineName}/baseline.yaml`)]
      : checkBaseProfile(spec.baseline, parsed.baselines, path);
    spec.overlays.forEach((name, index) => {
      findings.push(
        ...this.#checkOverlay({ name, baseline: spec.baseline, path: ["spec", "overlays", index] }),
      );
    });
    if (this.#fleetUsable) findings.push(...withoutAnybodysWord(spec.runtime.isolation, this.#fleet));
    if (findings.length > 0) return { findings, combination: null };
    const combination = this.#combinations.get(baselineName, spec.overlays);
    if (combination === null)
      return { findings: [dependency(path, "a file below overlays/")], combination: null };
    this.#issues.push(...combination.issues);
    if (!combination.usable)
      findings.push(dependency(path, combination.firstBrokenFile ?? "a file below overlays/"));
    return { findings, combination };
  }

  #checkOverlay(wanted: { name: string; baseline: string; path: PathStep[] }): Finding[] {
    const { parsed } = this.#input;
    const { name, baseline, path } = wanted;
    const overlay = parsed.overlays.get(name);
    if (overlay === undefined) {
      const file = `overlays/${name}/overlay.yaml`;
      if (parsed.broken.has(`overlay/${name}`)) return [dependency(path, file)];
      const meant = nearest(name, [...parsed.overlays.keys()]);
      const expected = meant === null ? file : `did you mean ${meant}?`;
      return [{ path, reason: "OverlayMissing", message: "there is no such overlay", found: name, expected }];
    }
    if (!this.#combinations.overlayUsable(name)) return [dependency(path, overlay.file)];
    const base = overlay.document.spec.base_profile;
    if (base === baseline) return [];
    const message = "the overlay extends another baseline than the clone has";
    return [{ path, reason: "BaselineMismatch", message, found: base, expected: baseline }];
  }

  #mission(parsed: ParsedDocument<MissionDocument>): void {
    const { metadata, spec } = parsed.document;
    const { name } = metadata;
    const clone = this.#input.parsed.clones.get(spec.clone);
    const known = clone !== undefined || this.#broken.has(`clone/${spec.clone}`);
    const layers = this.#combinationOf.get(spec.clone)?.layers ?? null;
    const { repository, revision } = this.#input;
    const resolved = resolveMission({
      parsed,
      layers,
      agentUsage: clone?.document.spec.agent.usage ?? null,
      clone: clone?.document.spec ?? null,
      fleet: this.#fleet,
      tree: this.#tree,
      repository,
      revision,
    });
    const issues = [...resolved.issues];
    const say = (finding: Finding): number => issues.push(toIssue(finding, parsed.file, parsed.positions));
    const path = ["spec", "clone"];
    if (!known) {
      const meant = nearest(spec.clone, [...this.#input.parsed.clones.keys()]);
      const expected = meant === null ? `clones/${spec.clone}.yaml` : `did you mean ${meant}?`;
      say({ path, reason: "CloneMissing", message: "there is no such clone", found: spec.clone, expected });
    } else if (clone?.document.spec.state === "retired" && spec.state === "active") {
      const message = "the clone is retired, so the mission will not start";
      say({
        path,
        severity: "warning",
        reason: "CloneRetired",
        message,
        found: spec.clone,
        expected: "a clone that is ready",
      });
    }
    this.#issues.push(...issues);
    if (!hasErrors(issues) && this.#fleetUsable) {
      this.#missions.set(name, resolved.mission);
      return;
    }
    this.#broken.add(`mission/${name}`);
    const { state, kill_switch: killSwitch } = spec;
    if (state !== "active" || killSwitch.engaged)
      this.#stops.set(name, { state, killSwitch: killSwitch.engaged });
  }

  /** Fine, since they wait for each other, but seldom meant. */
  #warnAboutSharedClones(): void {
    const first = new Map<string, string>();
    for (const parsed of byName(this.#input.parsed.missions)) {
      const { clone, state } = parsed.document.spec;
      if (state !== "active") continue;
      const other = first.get(clone);
      if (other === undefined) {
        first.set(clone, parsed.document.metadata.name);
        continue;
      }
      const finding: Finding = {
        path: ["spec", "clone"],
        severity: "warning",
        reason: "CloneShared",
        message: `the mission \`${other}\` uses this clone as well; they run one after the other`,
        found: clone,
      };
      this.#issues.push(toIssue(finding, parsed.file, parsed.positions));
    }
  }

  #fleetSource(path: readonly PathStep[]): string {
    const { fleet } = this.#input.parsed;
    return fleet?.positions.has(path) === true ? sourceOf(fleet, path) : BUILT_IN;
  }
}

/** What a person has allowed is said wherever issues are, as long as it is allowed. */
function looseChecks({ document, file, positions }: ParsedDocument<FleetDocument>): Issue[] {
  if (!document.spec.isolation.allow_uncontained_checks) return [];
  const finding: Finding = {
    path: ["spec", "isolation", "allow_uncontained_checks"],
    severity: "warning",
    reason: "ChecksUncontained",
    message:
      "where a machine cannot shut checks in, they run with what the controller can read and reach: an output that a check runs can then act as the controller",
    found: "true",
    expected: "false, and bubblewrap on the machine of the controller",
  };
  return [toIssue(finding, file, positions)];
}

/** A drill on nothing proves nothing. */
function drillIssues(
  fleet: ParsedDocument<FleetDocument>,
  { clones, broken }: Pick<ParsedFleet, "clones" | "broken">,
): Issue[] {
  const targets = fleet.document.spec.drills.kill?.targets;
  if (!Array.isArray(targets)) return [];
  return targets.flatMap((name, index) => {
    if (clones.has(name) || broken.has(`clone/${name}`)) return [];
    const meant = nearest(name, [...clones.keys()]);
    const finding: Finding = {
      path: ["spec", "drills", "kill", "targets", index],
      severity: "warning",
      reason: "CloneMissing",
      message: "there is no such clone, so nothing is drilled for it",
      found: name,
      expected: meant === null ? `clones/${name}.yaml` : `did you mean ${meant}?`,
    };
    return [toIssue(finding, fleet.file, fleet.positions)];
  });
}

/** An agent can escape from a group, so somebody has to have said that this may be. */
function withoutAnybodysWord(asked: CloneSpec["runtime"]["isolation"], fleet: FleetPolicy): Finding[] {
  const isolation = asked ?? fleet.defaults.isolation;
  if (isolation !== "group" || fleet.isolation.allowGroup) return [];
  return [
    {
      path: asked === undefined ? ["spec", "runtime"] : ["spec", "runtime", "isolation"],
      reason: "GroupNotAllowed",
      message:
        "nothing holds an agent in isolation `group`: it can escape, and no death of it is proven; fleet.yaml does not allow that",
      found: asked === undefined ? "group, the default of fleet.yaml" : "group",
      expected: "pidns or cgroup; or spec.isolation.allow_group: true in fleet.yaml",
    },
  ];
}

/** Stop passes every gate: what a broken file engages is in force beside what the last good one did. */
function withStop(fleet: FleetPolicy, stop: FleetPolicy["killSwitch"] | null): FleetPolicy {
  if (stop === null) return fleet;
  const { engaged, labels, missions } = fleet.killSwitch;
  return {
    ...fleet,
    killSwitch: {
      engaged: engaged || stop.engaged,
      labels: { ...labels, ...stop.labels },
      missions: [...new Set([...missions, ...stop.missions])],
    },
  };
}

/** The problem itself is reported at its own place; this says why something else cannot be used. */
function dependency(path: readonly PathStep[], file: string): Finding {
  return {
    path,
    severity: "warning",
    reason: "DependencyBroken",
    message: `${file} cannot be used, so this keeps its last good generation`,
  };
}

function byName<Document extends ParsedDocument>(documents: ReadonlyMap<string, Document>): Document[] {
  return [...documents.keys()].sort().flatMap((name) => documents.get(name) ?? []);
}

function distinct(issues: readonly Issue[]): Issue[] {
  return [...new Map(issues.map((issue) => [JSON.stringify(issue), issue])).values()];
}
