import type { AcpSettings, AgentModel, DesiredClone, ModelApiName } from "../core/model/clone.ts";
import type { FleetPolicy } from "../core/model/desired.ts";
import { digestOf } from "../core/model/digest.ts";
import type { ParsedDocument } from "../documents/parse.ts";
import type { PathStep } from "../documents/positions.ts";
import type { CloneDocument, CloneSpec } from "../documents/schema/clone.ts";
import { acceptedMs } from "../documents/schema/common.ts";
import type { WorkspaceManifest } from "../ports/workspaces.ts";
import { type Layers, sourceOf } from "./layers.ts";
import { limitsFrom } from "./resources.ts";

export interface ResolveCloneInput {
  readonly parsed: ParsedDocument<CloneDocument>;
  readonly layers: Layers;
  readonly manifest: WorkspaceManifest;
  readonly fleet: FleetPolicy;
  /** Where `fleet.yaml` or our own defaults set a value: dotted field → `file:line`. */
  readonly fleetSource: (path: readonly PathStep[]) => string;
  readonly revision: string;
}

/** One clone with everything filled in, its digest, and which line of which file set each value. */
export function resolveClone(input: ResolveCloneInput): DesiredClone {
  const { parsed, layers, fleet } = input;
  const { metadata, spec } = parsed.document;
  const [name = "", version = ""] = spec.baseline.split("@");
  const resources = limitsFrom(spec.runtime.resources, fleet.defaults.resources);
  const body = {
    name: metadata.name,
    state: spec.state,
    baseline: { name, version },
    overlays: spec.overlays,
    workspaceDigest: input.manifest.digest,
    runtime: {
      driver: spec.runtime.driver,
      isolation: spec.runtime.isolation ?? fleet.defaults.isolation,
      ...(resources === null ? {} : { resources }),
    },
    agent: {
      adapter: spec.agent.adapter,
      command: spec.agent.command,
      env: spec.agent.env,
      // Its session is what it accepts with: a program that only runs has accepted nothing.
      accept: spec.agent.adapter === "acp" ? ("explicit" as const) : spec.agent.accept,
      ...(spec.agent.usage === "reported" ? {} : { usage: spec.agent.usage }),
      ...(spec.agent.stdin === "lines" ? {} : { stdin: spec.agent.stdin }),
      ...(spec.agent.output === "lines" ? {} : { output: spec.agent.output }),
      ...(spec.agent.result === "said" ? {} : { result: spec.agent.result }),
      ...(Object.keys(spec.agent.exit_codes).length === 0 ? {} : { exitCodes: spec.agent.exit_codes }),
      ...(spec.agent.acp === undefined ? {} : { acp: acpOf(spec.agent.acp) }),
      ...(spec.agent.model === undefined ? {} : { model: modelOf(spec.agent.model) }),
      ...(spec.agent.account === undefined ? {} : { account: spec.agent.account }),
    },
    secrets: spec.secrets.map(secretRef),
    healthChecks: spec.health_checks.map((check) => ({
      name: check.name,
      run: check.run,
      timeoutMs: check.timeout_seconds * 1_000,
    })),
    restart: {
      intensity: spec.restart.intensity,
      periodMs: acceptedMs(spec.restart.period),
      backoffMs: acceptedMs(spec.restart.backoff),
      backoffMaxMs: acceptedMs(spec.restart.backoff_max),
      stableAfterMs: acceptedMs(spec.restart.stable_after),
    },
    orphanPolicy: { action: spec.orphan_policy.action, afterMs: acceptedMs(spec.orphan_policy.after) },
    afterClosure: spec.after_closure ?? fleet.defaults.afterClosure,
    ...(spec.agent.pause_grace_seconds === 0
      ? {}
      : { pauseGraceMs: Math.round(spec.agent.pause_grace_seconds * 1_000) }),
    ...(spec.update === "pinned" ? {} : { update: spec.update }),
    approvalRequired: approvals(layers, fleet),
    ...(fleet.approvalRules.length === 0 ? {} : { approvalRules: fleet.approvalRules }),
  };
  return {
    ...body,
    labels: metadata.labels ?? {},
    ...(spec.closure_decision === undefined ? {} : { closureDecision: spec.closure_decision }),
    ...(layers.parallelCaps.length === 0 ? {} : { parallelCaps: layers.parallelCaps }),
    workspaceFiles: countFiles(input.manifest),
    revision: input.revision,
    digest: digestOf(body),
    provenance: provenanceOf(input),
  };
}

function countFiles({ files }: WorkspaceManifest): DesiredClone["workspaceFiles"] {
  const fromBaseline = files.filter((file) => file.layer.startsWith("baseline:")).length;
  return { fromBaseline, fromOverlays: files.length - fromBaseline };
}

/** The schema has made sure that it is one of them, with all that belongs to it. */
export function secretRef({ name, from }: CloneSpec["secrets"][number]): DesiredClone["secrets"][number] {
  const { env, file, age, sops, key = "", command, ref = "" } = from;
  if (env !== undefined) return { name, from: { env } };
  if (age !== undefined) return { name, from: { age } };
  if (sops !== undefined) return { name, from: { sops, key } };
  if (command !== undefined) return { name, from: { command, ref } };
  return { name, from: { file: file ?? "" } };
}

function approvals(layers: Layers, fleet: FleetPolicy): string[] {
  return [...new Set([...layers.approvalRequired, ...fleet.approvalRules.map((rule) => rule.action)])].sort();
}

/** Fields as they are written below `spec`; what nobody wrote is named `default`. */
const FIELDS: readonly (readonly [string, readonly PathStep[], fleet?: readonly PathStep[]])[] = [
  ["baseline", ["spec", "baseline"]],
  ["overlays", ["spec", "overlays"]],
  ["state", ["spec", "state"]],
  ["runtime.driver", ["spec", "runtime", "driver"]],
  ["runtime.isolation", ["spec", "runtime", "isolation"], ["spec", "defaults", "isolation"]],
  ["agent.adapter", ["spec", "agent", "adapter"]],
  ["agent.command", ["spec", "agent", "command"]],
  ["agent.accept", ["spec", "agent", "accept"]],
  ["agent.stdin", ["spec", "agent", "stdin"]],
  ["agent.output", ["spec", "agent", "output"]],
  ["agent.result", ["spec", "agent", "result"]],
  ["agent.exit_codes", ["spec", "agent", "exit_codes"]],
  ["agent.acp.mode", ["spec", "agent", "acp", "mode"]],
  ["agent.acp.config", ["spec", "agent", "acp", "config"]],
  ["agent.acp.auth", ["spec", "agent", "acp", "auth"]],
  ["agent.model.api", ["spec", "agent", "model", "api"]],
  ["agent.model.upstream", ["spec", "agent", "model", "upstream"]],
  ["agent.model.key", ["spec", "agent", "model", "key"]],
  ["agent.account", ["spec", "agent", "account"]],
  ["agent.pause_grace_seconds", ["spec", "agent", "pause_grace_seconds"]],
  ["secrets", ["spec", "secrets"]],
  ["health_checks", ["spec", "health_checks"]],
  ["restart.intensity", ["spec", "restart", "intensity"]],
  ["restart.period", ["spec", "restart", "period"]],
  ["restart.backoff", ["spec", "restart", "backoff"]],
  ["restart.backoff_max", ["spec", "restart", "backoff_max"]],
  ["restart.stable_after", ["spec", "restart", "stable_after"]],
  ["orphan_policy.action", ["spec", "orphan_policy", "action"]],
  ["orphan_policy.after", ["spec", "orphan_policy", "after"]],
  ["closure_decision", ["spec", "closure_decision"]],
  ["update", ["spec", "update"]],
  ["after_closure", ["spec", "after_closure"], ["spec", "defaults", "after_closure"]],
];

export const BUILT_IN = "default";

function provenanceOf({ parsed, layers, fleet, fleetSource }: ResolveCloneInput): Record<string, string> {
  const provenance: Record<string, string> = { ...layers.provenance };
  for (const [field, path, fleetPath] of FIELDS) {
    if (parsed.positions.has(path)) provenance[field] = sourceOf(parsed, path);
    else provenance[field] = fleetPath === undefined ? BUILT_IN : fleetSource(fleetPath);
  }
  for (const name of Object.keys(parsed.document.spec.agent.env)) {
    provenance[`agent.env.${name}`] = sourceOf(parsed, ["spec", "agent", "env", name]);
  }
  fleet.approvalRules.forEach((rule, index) => {
    provenance[`approval_required.${rule.action}`] ??= fleetSource([
      "spec",
      "approval_rules",
      index,
      "action",
    ]);
  });
  return provenance;
}

/** The providers' own addresses, without `/v1`. */
const UPSTREAMS: Readonly<Record<ModelApiName, string>> = {
  anthropic: "https://api.anthropic.com",
  openai: "https://api.openai.com",
  gemini: "https://generativelanguage.googleapis.com",
};

function acpOf({ mode, config, auth }: NonNullable<CloneSpec["agent"]["acp"]>): AcpSettings {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(Object.keys(config).length === 0 ? {} : { config }),
    ...(auth === undefined ? {} : { auth }),
  };
}

function modelOf({ api, upstream, key }: NonNullable<CloneSpec["agent"]["model"]>): AgentModel {
  return { api, upstream: upstream ?? UPSTREAMS[api], key };
}
