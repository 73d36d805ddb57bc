import type { FleetPolicy } from "../core/model/desired.ts";
import { digestOf, sha256Hex } from "../core/model/digest.ts";
import type { Issue } from "../core/model/issue.ts";
import {
  type AutonomyWindow,
  type Criterion,
  DEFAULT_BLOCKED_POLICY,
  type DesiredMission,
  type MissionCheck,
  type MissionContract,
  type MissionLimits,
  type RequiredOutput,
} from "../core/model/mission.ts";
import { shadowed } from "../core/model/output-places.ts";
import { type ParsedDocument, toIssue } from "../documents/parse.ts";
import type { CloneSpec } from "../documents/schema/clone.ts";
import type { Finding } from "../documents/schema/explain.ts";
import type { MissionDocument, MissionSpec } from "../documents/schema/mission.ts";
import { nearest } from "../documents/suggest.ts";
import { FILE_BYTES_MAX, isFile, type RepositoryTree } from "./files.ts";
import type { Layers } from "./layers.ts";
import { toolsNotEnforced } from "./not-enforced.ts";

/** Beyond this the inputs belong into a place of their own, not into every workspace. */
export const INPUT_FILES_MAX = 20_000;
export const INPUT_BYTES_MAX = 200 * 1024 * 1024;

export interface ResolveMissionInput {
  readonly parsed: ParsedDocument<MissionDocument>;
  /** Of its clone; null when the clone is there but cannot be used just now. */
  readonly layers: Layers | null;
  /** Whether the clone's agent tells what it uses; null when that is not known just now. */
  readonly agentUsage: "reported" | "tokens" | "none" | null;
  /** As its file says it; null when that cannot be read just now. */
  readonly clone: CloneSpec | null;
  readonly fleet: FleetPolicy;
  readonly tree: RepositoryTree;
  readonly repository: string;
  readonly revision: string;
}

/** The mission with everything filled in, and what is wrong with it; errors mean that it cannot be used. */
export function resolveMission(input: ResolveMissionInput): {
  mission: DesiredMission;
  issues: readonly Issue[];
} {
  const { parsed, layers, fleet } = input;
  const { metadata, spec } = parsed.document;
  const contract = contractOf(spec, fleet);
  const mission: DesiredMission = {
    missionId: missionIdOf({ repository: input.repository, name: metadata.name, run: spec.run }),
    name: metadata.name,
    revision: input.revision,
    contract,
    contractHash: digestOf(contract),
    limits: {
      state: spec.state,
      kill_switch: { engaged: spec.kill_switch.engaged },
      budget: {
        max_runtime_minutes: spec.budget.max_runtime_minutes,
        // A limit that the mission does not name is the fleet's cap, which holds for all.
        max_llm_calls: spec.budget.max_llm_calls ?? fleet.caps.maxLlmCalls,
        max_cost_usd: spec.budget.max_cost_usd ?? fleet.caps.maxCostUsd,
      },
      ...thresholdsOf(spec, fleet),
      autonomy_window: windowOf(spec.autonomy_window),
      heartbeat_interval_seconds:
        spec.heartbeat_interval_seconds ??
        layers?.heartbeatIntervalSeconds ??
        fleet.defaults.heartbeatIntervalSeconds,
      ...(spec.pause_grace_seconds === undefined ? {} : { pause_grace_seconds: spec.pause_grace_seconds }),
      report_cadence: spec.report_cadence ?? fleet.defaults.reportCadence,
      mission_progress_interval_seconds:
        spec.mission_progress_interval_seconds ?? layers?.progressIntervalSeconds ?? null,
      blocked: {
        escalate_after: spec.blocked.escalate_after ?? DEFAULT_BLOCKED_POLICY.escalate_after,
        window_minutes: spec.blocked.window_minutes ?? DEFAULT_BLOCKED_POLICY.window_minutes,
      },
    },
    labels: metadata.labels ?? {},
  };
  const findings = [
    ...checkBudget(input),
    ...checkFiles(spec, input.tree),
    ...toolsNotEnforced(parsed.document, input.clone),
  ];
  return { mission, issues: findings.map((finding) => toIssue(finding, parsed.file, parsed.positions)) };
}

/** Made once per repository, name and run: a repeated dispatch is recognised by it. */
export function missionIdOf(key: { repository: string; name: string; run: number }): string {
  return `m_${sha256Hex(JSON.stringify([key.repository, key.name, key.run])).slice(0, 24)}`;
}

function contractOf(spec: MissionSpec, fleet: FleetPolicy): MissionContract {
  return {
    mission_type: spec.mission_type,
    objective: spec.objective,
    clone: spec.clone,
    run: spec.run,
    success_criteria: spec.success_criteria.map(criterionOf),
    constraints: spec.constraints,
    inputs: spec.inputs,
    artifact_policy: {
      required_outputs: spec.artifact_policy.required_outputs.map(outputOf),
      storage_scope: spec.artifact_policy.storage_scope ?? fleet.defaults.storageScope,
    },
    ...(spec.budget.accept_unmetered ? { accept_unmetered: true } : {}),
  };
}

function thresholdsOf(spec: MissionSpec, fleet: FleetPolicy): Pick<MissionLimits, "budget_thresholds"> {
  const declared = spec.budget.thresholds ?? fleet.defaults.budgetThresholds;
  return declared === null ? {} : { budget_thresholds: declared };
}

// What is not said is left out, here and below: a contract of before has the hash that it had.
function outputOf({
  path,
  schema,
  replaces,
}: MissionSpec["artifact_policy"]["required_outputs"][number]): RequiredOutput {
  return { path, ...(schema === undefined ? {} : { schema }), ...(replaces ? { replaces } : {}) };
}

function criterionOf({ id, text, check, review }: MissionSpec["success_criteria"][number]): Criterion {
  return {
    id,
    text,
    ...(check === undefined ? {} : { check: checkOf(check) }),
    ...(review === undefined ? {} : { review }),
  };
}

function checkOf({
  run,
  timeout_seconds,
  network,
  writes,
}: NonNullable<MissionSpec["success_criteria"][number]["check"]>): MissionCheck {
  return { run, timeout_seconds, ...(network ? { network } : {}), ...(writes ? { writes } : {}) };
}

function windowOf(window: MissionSpec["autonomy_window"]): AutonomyWindow | null {
  if (window === undefined) return null;
  const { recurring, start_at: start, end_at: end } = window;
  if (recurring !== undefined) {
    return {
      type: "recurring",
      cron: recurring.cron,
      durationMinutes: recurring.duration_minutes,
      timezone: recurring.timezone,
    };
  }
  if (start === undefined && end === undefined) return null;
  return {
    type: "fixed",
    startAt: start === undefined ? null : Date.parse(start),
    endAt: end === undefined ? null : Date.parse(end),
  };
}

function checkBudget({ parsed, layers, fleet, agentUsage }: ResolveMissionInput): Finding[] {
  const { budget } = parsed.document.spec;
  const findings: Finding[] = [];
  const compare = (
    field: "max_runtime_minutes" | "max_llm_calls" | "max_cost_usd",
    cap: number | null,
    where: string,
    reason: string,
  ): void => {
    const found = budget[field];
    if (found === undefined || cap === null || found <= cap) return;
    findings.push({
      path: ["spec", "budget", field],
      reason,
      message: "the budget is beyond what may be asked for",
      found: String(found),
      expected: `at most ${cap} (${where})`,
    });
  };
  compare("max_runtime_minutes", fleet.caps.maxRuntimeMinutes, "fleet.yaml spec.caps", "BeyondFleetCap");
  compare("max_llm_calls", fleet.caps.maxLlmCalls, "fleet.yaml spec.caps", "BeyondFleetCap");
  compare("max_cost_usd", fleet.caps.maxCostUsd, "fleet.yaml spec.caps", "BeyondFleetCap");
  if (layers !== null) {
    const where = layers.provenance["limits.max_runtime_minutes"] ?? "an overlay";
    compare("max_runtime_minutes", layers.limits.maxRuntimeMinutes, where, "BeyondOverlayLimit");
  }
  return [...findings, ...checkMeters({ parsed, agentUsage, fleet })];
}

/** A limit on what nobody can measure is none, and whoever reviews it has to know that. */
function checkMeters({
  parsed,
  agentUsage,
  fleet,
}: Pick<ResolveMissionInput, "parsed" | "agentUsage" | "fleet">): Finding[] {
  const { budget } = parsed.document.spec;
  if (budget.accept_unmetered) return [];
  if (agentUsage === "tokens") return checkPrices({ parsed, fleet });
  if (agentUsage !== "none") return [];
  const limits = [
    ["max_cost_usd", budget.max_cost_usd, fleet.caps.maxCostUsd],
    ["max_llm_calls", budget.max_llm_calls, fleet.caps.maxLlmCalls],
  ] as const;
  return limits.flatMap(([field, own, cap]) => {
    const limit = own ?? cap;
    if (limit === null) return [];
    const from = own === undefined ? `, the cap of fleet.yaml` : "";
    return [
      {
        path: own === undefined ? ["spec", "budget"] : ["spec", "budget", field],
        reason: "LimitUnmetered",
        message: "the clone's agent says `usage: none`, so it is unknown when this limit is reached",
        found: `${field}: ${limit}${from}`,
        expected: "an agent that reports its usage, or budget.accept_unmetered: true as consent",
      },
    ];
  });
}

/** Tokens without prices are no cost. Which models it will use nobody can tell before it does. */
function checkPrices({ parsed, fleet }: Pick<ResolveMissionInput, "parsed" | "fleet">): Finding[] {
  const own = parsed.document.spec.budget.max_cost_usd;
  const limit = own ?? fleet.caps.maxCostUsd;
  if (limit === null || Object.keys(fleet.prices).length > 0) return [];
  return [
    {
      path: own === undefined ? ["spec", "budget"] : ["spec", "budget", "max_cost_usd"],
      reason: "LimitUnpriced",
      message:
        "the clone's agent says `usage: tokens`, and `prices` in fleet.yaml say nothing of what they cost",
      found: `max_cost_usd: ${limit}${own === undefined ? ", the cap of fleet.yaml" : ""}, no prices`,
      expected: "prices in fleet.yaml, or budget.accept_unmetered: true as consent",
    },
  ];
}

function checkFiles(spec: MissionSpec, tree: RepositoryTree): Finding[] {
  const findings: Finding[] = [];
  let files = 0;
  let bytes = 0;
  spec.inputs.forEach(({ path }, index) => {
    const isFolder = path.endsWith("/");
    const folder = isFolder ? tree.measure(path.slice(0, -1)) : null;
    const file = isFolder ? null : tree.get(path);
    if (folder === null && !isFile(file)) {
      findings.push({ path: ["spec", "inputs", index, "path"], ...inputMissing(path, tree) });
    }
    const largest = folder?.largest ?? file?.size ?? 0;
    if (largest > FILE_BYTES_MAX) {
      findings.push({
        path: ["spec", "inputs", index, "path"],
        reason: "InputTooLarge",
        message: isFolder ? "a file in this folder is too large" : "the file is too large",
        found: `${largest} bytes`,
        expected: `at most ${FILE_BYTES_MAX} bytes`,
      });
    }
    files += folder?.files ?? (isFile(file) ? 1 : 0);
    bytes += folder?.bytes ?? file?.size ?? 0;
  });
  if (files > INPUT_FILES_MAX || bytes > INPUT_BYTES_MAX) {
    findings.push({
      path: ["spec", "inputs"],
      reason: "InputsTooLarge",
      message: "the inputs are too large to be put into a workspace",
      found: `${files} files, ${bytes} bytes`,
      expected: `at most ${INPUT_FILES_MAX} files and ${INPUT_BYTES_MAX} bytes`,
    });
  }
  findings.push(...checkShadows(spec, tree));
  spec.artifact_policy.required_outputs.forEach(({ schema }, index) => {
    if (schema === undefined || isFile(tree.get(schema))) return;
    findings.push({
      path: ["spec", "artifact_policy", "required_outputs", index, "schema"],
      reason: "SchemaMissing",
      message: "there is no such file in the repository",
      found: schema,
      expected: "a JSON Schema, e.g. schemas/artifacts/<name>.schema.json",
    });
  });
  return findings;
}

/** What a check runs and loads is the repository's, unless a reviewer has read that it is not. */
function checkShadows(spec: MissionSpec, tree: RepositoryTree): Finding[] {
  const place = {
    standing: (folded: string) => tree.folded(folded),
    commands: spec.success_criteria.flatMap(({ check }) => (check === undefined ? [] : [check.run])),
  };
  return spec.artifact_policy.required_outputs.flatMap(({ path, replaces }, index) => {
    const shadows = replaces ? null : shadowed(path, place);
    if (shadows === null) return [];
    return [
      {
        path: ["spec", "artifact_policy", "required_outputs", index, "path"],
        reason: "OutputShadows",
        message: `the output ${shadows}: the clone would have a hand in what judges it`,
        found: path,
        expected:
          "a path of its own, e.g. below reports/; or `replaces: true` beside it, as a reviewer's word",
      },
    ];
  });
}

function inputMissing(path: string, tree: RepositoryTree): Omit<Finding, "path"> {
  if (!path.endsWith("/") && tree.measure(path) !== null) {
    return { reason: "InputMissing", message: "this is a folder", found: path, expected: `${path}/` };
  }
  if (tree.get(path)?.type === "symlink") {
    return {
      reason: "SymlinkRefused",
      message: "an input may not be a symbolic link",
      found: path,
      expected: "a file",
    };
  }
  const parent = path.replace(/[^/]*\/?$/, "").replace(/\/$/, "");
  const siblings = parent === "" ? [] : tree.below(parent).map((entry) => entry.path);
  const meant = nearest(path, siblings.slice(0, SIBLINGS_COMPARED_MAX));
  return {
    reason: "InputMissing",
    message: "there is no such file or folder in the repository",
    found: path,
    expected: meant === null ? "a path of this repository; a folder ends in `/`" : `did you mean ${meant}?`,
  };
}

const SIBLINGS_COMPARED_MAX = 500;
