/** Documents of a small fleet as files, for tests that go from a commit to processes. */
import { stringify } from "yaml";
import type { Files } from "./git.ts";
import { SHUTS_IN } from "./machine.ts";
import { sharedIsolation } from "./shared.ts";

export interface CloneOptions {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly accept?: "on_start" | "explicit";
  readonly secrets?: readonly { readonly name: string; readonly from: { readonly env: string } }[];
  readonly healthChecks?: readonly { readonly name: string; readonly run: readonly string[] }[];
  readonly restart?: Readonly<Record<string, unknown>>;
  readonly orphanPolicy?: { readonly action: string; readonly after: string };
  readonly afterClosure?: "ask" | "retire" | "standby" | "template";
  readonly overlays?: readonly string[];
  readonly isolation?: "group" | "pidns" | "cgroup";
  /** Further fields of `agent`, as they are written. */
  readonly agent?: Readonly<Record<string, unknown>>;
}

export interface MissionOptions {
  readonly clone: string;
  readonly run?: number;
  readonly state?: "active" | "paused" | "cancelled";
  readonly killSwitch?: boolean;
  readonly maxRuntimeMinutes?: number;
  readonly maxCostUsd?: number;
  readonly maxLlmCalls?: number;
  /** Percent of a limit at which its agent is paused; 90 where it is not said. */
  readonly pausePercent?: number;
  readonly heartbeatSeconds?: number;
  readonly progressSeconds?: number;
  readonly window?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Criteria that a person judges. */
  readonly reviews?: readonly string[];
  /** Paths that must exist, and be files with something in them, for the mission to be accepted. */
  readonly outputs?: readonly string[];
}

const DATE = "20261123";

/** The name of a clone after the fleet's pattern. */
export function cloneName(mission: string): string {
  return `factory_${mission}_${DATE}`;
}

/** `fleet.yaml` and the one baseline that the clones of these tests are made from. */
export function fleetFiles(
  options: {
    parallel?: number;
    confirmDeletion?: string;
    caps?: Readonly<Record<string, unknown>>;
    killSwitch?: object;
    drills?: object;
    prices?: object;
    /** A person's word that clones may run where nothing holds them. */
    allowGroup?: boolean;
    /** Which secrets clones may name; none by default. */
    secrets?: object;
    /** Pushes of the status branch. These origins are on this machine, so a test that does not ask about the default need not wait for it. */
    pushesPerMinute?: number;
    /** Where changes are reviewed. */
    forge?: object;
    /** Who has to approve; with a forge nobody, where it is not said. */
    approvals?: object;
    /** Of the status; `factory/status` where it is not said. */
    branch?: string;
    /** How long the right to act holds without a renewal. */
    leaseSeconds?: number;
    /** Of the installations that may act. */
    keys?: readonly string[];
  } = {},
): Files {
  return {
    "fleet.yaml": document("Fleet", "test-fleet", {
      caps: { max_parallel_missions: options.parallel ?? 20, max_runtime_minutes: 600, ...options.caps },
      isolation: {
        ...sharedIsolation(),
        allow_group: options.allowGroup ?? false,
        ...(SHUTS_IN ? {} : { allow_uncontained_checks: true }),
      },
      write_back: {
        max_pushes_per_minute: options.pushesPerMinute ?? 60,
        ...(options.branch === undefined ? {} : { branch: options.branch }),
        ...(options.leaseSeconds === undefined ? {} : { lease_seconds: options.leaseSeconds }),
        ...(options.keys === undefined ? {} : { keys: options.keys }),
      },
      ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
      ...(options.killSwitch === undefined ? {} : { kill_switch: options.killSwitch }),
      ...(options.forge === undefined ? {} : { forge: options.forge, approvals: { mode: "none" } }),
      ...(options.approvals === undefined ? {} : { approvals: options.approvals }),
      ...(options.prices === undefined ? {} : { prices: options.prices }),
      ...(options.drills === undefined ? {} : { drills: options.drills }),
      ...(options.confirmDeletion === undefined
        ? {}
        : { confirm_deletion: { commit: options.confirmDeletion } }),
    }),
    "overlays/ua/baseline.yaml": document("Baseline", "ua", { version: "1.0.0" }),
    "overlays/ua/files/AGENTS.md": "# UA\n\nDo what the mission says.\n",
  };
}

export function cloneFile(name: string, options: CloneOptions): Files {
  return {
    [`clones/${name}.yaml`]: document("Clone", name, {
      baseline: "ua@1.0.0",
      overlays: options.overlays ?? [],
      runtime: { driver: "process", isolation: options.isolation ?? "pidns" },
      agent: {
        adapter: "command",
        command: options.command,
        env: options.env ?? {},
        accept: options.accept ?? "on_start",
        ...options.agent,
      },
      secrets: options.secrets ?? [],
      health_checks: options.healthChecks ?? [],
      restart: options.restart ?? { backoff: "100ms", backoff_max: "1s" },
      orphan_policy: options.orphanPolicy ?? { action: "continue", after: "1h" },
      after_closure: options.afterClosure ?? "standby",
    }),
  };
}

export function missionFile(name: string, options: MissionOptions): Files {
  const outputs = options.outputs ?? [];
  return {
    [`missions/${name}.yaml`]: document(
      "Mission",
      name,
      {
        mission_type: "automation",
        objective: `Do ${name} and leave a trace.`,
        clone: options.clone,
        run: options.run ?? 1,
        state: options.state ?? "active",
        success_criteria: [
          ...(outputs.length === 0 ? [criterion(["true"])] : outputs.map(exists)),
          ...(options.reviews ?? []).map((id) => ({ id, text: `it is ${id}`, review: "human" })),
        ],
        budget: {
          max_runtime_minutes: options.maxRuntimeMinutes ?? 60,
          ...(options.maxCostUsd === undefined ? {} : { max_cost_usd: options.maxCostUsd }),
          ...(options.maxLlmCalls === undefined ? {} : { max_llm_calls: options.maxLlmCalls }),
          ...(options.pausePercent === undefined ? {} : { thresholds: thresholds(options.pausePercent) }),
        },
        heartbeat_interval_seconds: options.heartbeatSeconds ?? 5,
        ...(options.progressSeconds === undefined
          ? {}
          : { mission_progress_interval_seconds: options.progressSeconds }),
        artifact_policy: { required_outputs: outputs.map((path) => ({ path })) },
        kill_switch: { engaged: options.killSwitch ?? false },
        ...(options.window === undefined ? {} : { autonomy_window: options.window }),
      },
      options.labels,
    ),
  };
}

/** A mission and the clone that is there for it alone, of its name. */
export function pairFiles(
  mission: string,
  clone: CloneOptions,
  options: Partial<MissionOptions> = {},
): Files {
  const name = cloneName(mission);
  return { ...cloneFile(name, clone), ...missionFile(mission, { clone: name, ...options }) };
}

function thresholds(pause: number): object {
  return { notify_percent: pause / 4, warn_percent: pause / 2, pause_percent: pause };
}

function exists(path: string, index: number): object {
  return criterion(["test", "-s", path], `output-${index + 1}`);
}

function criterion(run: readonly string[], id = "done"): object {
  return { id, text: "the work is done", check: { run, timeout_seconds: 30 } };
}

function document(
  kind: string,
  name: string,
  spec: object,
  labels?: Readonly<Record<string, string>>,
): string {
  const metadata = labels === undefined ? { name } : { name, labels };
  return stringify({ apiVersion: "factory/v1", kind, metadata, spec });
}
