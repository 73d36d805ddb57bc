import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../core/model/desired.ts";
import { type ForgePolicy, forgeSecrets } from "../core/model/forge.ts";
import type { SecretPolicy } from "../core/model/secret-policy.ts";
import { MINUTE_MS, SECOND_MS } from "../core/model/time.ts";
import type { FleetDocument } from "../documents/schema/fleet.ts";
import { longForm } from "../documents/schema/notify.ts";
import { approvalPolicy } from "./approvals.ts";
import { forgePolicy } from "./forge.ts";
import { destinationOf } from "./notify.ts";
import { priceOf } from "./prices.ts";
import { resourcesOf } from "./resources.ts";

/** `fleet.yaml` in the words of the core. Its defaults were filled in when it was parsed. */
export function fleetPolicy({ metadata, spec }: FleetDocument): FleetPolicy {
  const { caps, defaults, guardrails } = spec;
  const forge = spec.forge === undefined ? null : forgePolicy(spec.forge);
  return {
    ...DEFAULT_FLEET_POLICY,
    name: metadata.name,
    mode: spec.mode,
    caps: {
      maxRuntimeMinutes: caps.max_runtime_minutes,
      maxCostUsd: caps.max_cost_usd ?? null,
      maxLlmCalls: caps.max_llm_calls ?? null,
      maxParallelMissions: caps.max_parallel_missions,
    },
    dayCaps: {
      timezone: caps.day_timezone,
      maxCostUsd: caps.max_cost_usd_per_day ?? null,
      maxLlmCalls: caps.max_llm_calls_per_day ?? null,
      maxCostUsdPerClone: caps.max_cost_usd_per_clone_per_day ?? null,
      maxLlmCallsPerClone: caps.max_llm_calls_per_clone_per_day ?? null,
    },
    prices: Object.fromEntries(Object.entries(spec.prices).map(([model, price]) => [model, priceOf(price)])),
    defaults: {
      budgetThresholds: defaults.budget_thresholds ?? null,
      heartbeatIntervalSeconds: defaults.heartbeat_interval_seconds,
      reportCadence: defaults.report_cadence,
      storageScope: defaults.storage_scope,
      ...(defaults.resources === undefined ? {} : { resources: resourcesOf(defaults.resources) }),
      isolation: defaults.isolation,
      afterClosure: defaults.after_closure,
    },
    isolation: {
      allowGroup: spec.isolation.allow_group,
      allowUncontainedChecks: spec.isolation.allow_uncontained_checks,
      shares: spec.isolation.shares,
    },
    guardrails: {
      minSuccessPercent: guardrails.min_success_percent,
      closedMissionsWindow: guardrails.closed_missions_window,
      maxHighIncidentsPerTenMissions: guardrails.max_high_incidents_per_ten_missions,
      maxAcceptedP95Seconds: guardrails.max_accepted_p95_seconds,
      maxInterventionsPerMission: guardrails.max_interventions_per_mission,
      sustainedMinutes: guardrails.sustained_minutes,
      onBreach: guardrails.on_breach,
      lift: guardrails.lift ?? null,
    },
    rollout: {
      canary: spec.rollout.canary,
      minHealthyMinutes: spec.rollout.min_healthy_minutes,
      progressDeadlineMinutes: spec.rollout.progress_deadline_minutes,
      autoRevert: spec.rollout.auto_revert,
    },
    approvalRules: spec.approval_rules.map((rule) => ({
      action: rule.action,
      approvers: rule.approvers,
      quorum: rule.quorum,
      expiresMs: expiryOf(rule),
      ...(rule.ask_again_minutes === undefined
        ? {}
        : { remindMs: Math.round(rule.ask_again_minutes * MINUTE_MS) }),
    })),
    writeBack: {
      branch: spec.write_back.branch,
      maxPushesPerMinute: spec.write_back.max_pushes_per_minute,
      flushIntervalSeconds: spec.write_back.flush_interval_seconds,
      leaseSeconds: spec.write_back.lease_seconds,
      keys: spec.write_back.keys,
    },
    killSwitch: spec.kill_switch,
    secrets: secretPolicy(spec, forge),
    drills: { kill: spec.drills.kill ?? null },
    simone: {
      notify: spec.simone.notify.map(destinationOf),
      inCore:
        spec.simone.in_core === undefined
          ? null
          : { url: spec.simone.in_core.url, authRef: spec.simone.in_core.auth_ref ?? null },
    },
    forge,
    approvals: approvalPolicy(spec.approvals),
  };
}

function secretPolicy({ secrets, simone }: FleetDocument["spec"], forge: ForgePolicy | null): SecretPolicy {
  const { env, age_identity: ageIdentity = null, commands } = secrets;
  const refs = simone.notify.flatMap((entry) => longForm(entry).secret?.from ?? []);
  const ofForge = forge === null ? [] : forgeSecrets(forge);
  const [, kind, rest = ""] = /^(env|file):(.*)$/.exec(simone.in_core?.auth_ref ?? "") ?? [];
  return {
    env,
    ageIdentity,
    commands: Object.fromEntries(
      Object.entries(commands).map(([name, { run, timeout_seconds: seconds, env: passed }]) => {
        const [program, ...args] = run;
        return [name, { run: [program, ...args], timeoutMs: Math.round(seconds * SECOND_MS), env: passed }];
      }),
    ),
    own: {
      env: [
        ...refs.flatMap((from) => from.env ?? []),
        ...ofForge.flatMap((from) => ("env" in from ? [from.env] : [])),
        ...(kind === "env" ? [rest] : []),
        ...Object.values(commands).flatMap((command) => command.env),
      ],
      files: [
        ...refs.flatMap((from) => from.file ?? []),
        ...ofForge.flatMap((from) => ("file" in from ? [from.file] : [])),
        ...(kind === "file" ? [rest] : []),
      ],
    },
  };
}

/** A day: long enough for a night, short enough that nobody approves last week's plan. */
const EXPIRES_MINUTES = 1_440;

/** A time that is written down is meant; without one nobody is denied who is only not answered. */
function expiryOf({
  expires_minutes: minutes,
  on_timeout,
}: FleetDocument["spec"]["approval_rules"][number]): number | null {
  if (on_timeout === "hold" || (on_timeout === undefined && minutes === undefined)) return null;
  return Math.round((minutes ?? EXPIRES_MINUTES) * MINUTE_MS);
}
