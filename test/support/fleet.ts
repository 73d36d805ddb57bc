import { type Decision, decide } from "../../src/core/clone/decide.ts";
import type { DesiredClone } from "../../src/core/model/clone.ts";
import { type CloneState, initialState } from "../../src/core/model/clone-state.ts";
import type { PendingDeletion } from "../../src/core/model/deletion.ts";
import { DEFAULT_FLEET_POLICY, type DesiredState } from "../../src/core/model/desired.ts";
import { sha256Hex } from "../../src/core/model/digest.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import type { Pin } from "../../src/core/model/guardrail.ts";
import type { InstanceHandle, ObservedInstance } from "../../src/core/model/instance.ts";
import {
  DEFAULT_BLOCKED_POLICY,
  type DesiredMission,
  type MissionLimits,
} from "../../src/core/model/mission.ts";
import type { Report, ReportType } from "../../src/core/model/report.ts";
import type { Rollout } from "../../src/core/model/rollout.ts";
import type { Instant } from "../../src/core/model/time.ts";
import type { Verdict } from "../../src/core/model/verdict.ts";
import type { ObservedState } from "../../src/core/plan/observed.ts";
import { type Plan, plan } from "../../src/core/plan/plan.ts";

/** The moment at which tests begin. */
export const T0 = Date.UTC(2026, 10, 23, 12, 0, 0);
export const REVISION = "a".repeat(40);

export function aClone(name: string, change: Partial<DesiredClone> = {}): DesiredClone {
  const base = {
    name,
    revision: REVISION,
    state: "ready" as const,
    baseline: { name: "ua-core", version: "1.0.0" },
    overlays: ["plain"],
    workspaceDigest: "sha256:workspace",
    workspaceFiles: { fromBaseline: 3, fromOverlays: 2 },
    runtime: { driver: "fake" as const, isolation: "group" as const },
    agent: {
      adapter: "command" as const,
      command: ["node", "agent.js"] as const,
      env: {},
      accept: "on_start" as const,
    },
    secrets: [],
    healthChecks: [],
    restart: {
      intensity: 3,
      periodMs: 600_000,
      backoffMs: 1_000,
      backoffMaxMs: 60_000,
      stableAfterMs: 120_000,
    },
    orphanPolicy: { action: "continue" as const, afterMs: 3_600_000 },
    afterClosure: "standby" as const,
    approvalRequired: [],
    provenance: {},
    ...change,
  };
  return { digest: `sha256:${sha256Hex(JSON.stringify({ ...base, revision: "" }))}`, ...base, ...change };
}

export function aMission(
  name: string,
  clone: string,
  change: { limits?: Partial<MissionLimits>; run?: number; revision?: string } = {},
): DesiredMission {
  const run = change.run ?? 1;
  return {
    missionId: `m_${sha256Hex(`${name}/${run}`).slice(0, 24)}`,
    name,
    revision: change.revision ?? REVISION,
    contract: {
      mission_type: "research",
      objective: `do ${name}`,
      clone,
      run,
      success_criteria: [{ id: "done", text: "it is done", check: { run: ["true"], timeout_seconds: 10 } }],
      constraints: { allowed_tools: [], forbidden_tools: [], approval_required: [] },
      inputs: [],
      artifact_policy: { required_outputs: [{ path: "out.json" }], storage_scope: "factory" },
    },
    contractHash: `sha256:${sha256Hex(`contract ${name} ${run}`)}`,
    limits: {
      state: "active",
      kill_switch: { engaged: false },
      budget: { max_runtime_minutes: 10, max_llm_calls: null, max_cost_usd: null },
      autonomy_window: null,
      heartbeat_interval_seconds: 10,
      report_cadence: "hybrid",
      mission_progress_interval_seconds: null,
      blocked: DEFAULT_BLOCKED_POLICY,
      ...change.limits,
    },
    labels: {},
  };
}

export function aDesired(
  parts: {
    clones?: readonly DesiredClone[];
    missions?: readonly DesiredMission[];
    revision?: string;
  } & Partial<Pick<DesiredState, "broken" | "stops" | "postmortems" | "confirmDeletion" | "fleet">> = {},
): DesiredState {
  return {
    revision: parts.revision ?? REVISION,
    fleet: parts.fleet ?? DEFAULT_FLEET_POLICY,
    clones: new Map((parts.clones ?? []).map((clone) => [clone.name, clone])),
    missions: new Map((parts.missions ?? []).map((mission) => [mission.name, mission])),
    broken: parts.broken ?? new Set(),
    stops: parts.stops ?? new Map(),
    postmortems: parts.postmortems ?? new Map(),
    issues: [],
    confirmDeletion: parts.confirmDeletion ?? null,
  };
}

export function anObserved(
  states: readonly CloneState[],
  parts: {
    instances?: readonly ObservedInstance[];
    complete?: boolean;
    pendingDeletion?: PendingDeletion | null;
    pin?: Pin | null;
    rollouts?: ReadonlyMap<string, Rollout> | null;
    doubt?: ObservedState["doubt"];
  } = {},
): ObservedState {
  return {
    complete: parts.complete ?? true,
    problem: parts.complete === false ? "the driver could not list everything" : null,
    instances:
      parts.instances ??
      states.flatMap((state) =>
        state.instance?.handle == null ? [] : [{ handle: state.instance.handle, state: "live" as const }],
      ),
    states: new Map(states.map((state) => [state.name, state])),
    pendingDeletion: parts.pendingDeletion ?? null,
    pin: parts.pin ?? null,
    rollouts: parts.rollouts ?? null,
    doubt: parts.doubt ?? null,
  };
}

/** The plan for these, at a moment. */
export function planOf(desired: DesiredState | null, observed: ObservedState, now: Instant): Plan {
  return plan({ desired, observed, now });
}

/** One clone's life, event by event, on a clock of its own. */
export class Life {
  state: CloneState;
  at: number;
  last: Decision | null = null;

  constructor(name = "scribe", at = T0) {
    this.state = initialState(name, at);
    this.at = at;
  }

  on(event: CloneEvent, afterMs = 1_000): this {
    this.at += afterMs;
    this.last = decide(this.state, event, this.at);
    this.state = this.last.state;
    return this;
  }

  get effects(): readonly string[] {
    return (this.last?.effects ?? []).map((effect) => effect.type);
  }

  declared(change: Partial<DesiredClone> = {}): this {
    return this.on({ type: "clone.declared", spec: aClone(this.state.name, change) });
  }

  assigned(change: Parameters<typeof aMission>[2] = {}, name = "audit"): this {
    return this.on({ type: "mission.assigned", mission: aMission(name, this.state.name, change) });
  }

  planned(): this {
    return this.on({ type: "start.planned", revision: REVISION, why: "test" });
  }

  prepared(ok = true): this {
    return this.on({
      type: "prepare.finished",
      gates: [
        {
          type: "SecretsVerified",
          ok,
          reason: ok ? "Resolved" : "SecretMissing",
          evidence: "test",
          at: this.at,
        },
      ],
    });
  }

  launched(): this {
    return this.on({ type: "instance.launched", epoch: this.state.epoch, handle: handleOf(this.state) });
  }

  reports(type: ReportType, change: Partial<Report> = {}): this {
    const seq = (this.state.instance?.lastSeq ?? 0) + 1;
    return this.on({
      type: "instance.reported",
      epoch: this.state.epoch,
      report: aReport(type, { seq, ...change }),
    });
  }

  /** Declared, assigned, launched, accepted. */
  running(change: Parameters<typeof aMission>[2] = {}): this {
    return this.declared()
      .assigned(change)
      .planned()
      .prepared()
      .launched()
      .ready()
      .dispatched()
      .reports("mission.accepted");
  }

  ready(): this {
    return this.reports("instance.ready", { detail: { callback_ms: 3, checks: [] } });
  }

  dispatched(): this {
    return this.on({ type: "dispatch.finished", epoch: this.state.epoch });
  }

  dead(rung = "already"): this {
    return this.on({
      type: "stop.finished",
      epoch: this.state.epoch,
      proof: { containment: "pidns", rung, emptyScans: 2, durationMs: 5, evidence: "nothing found" },
    });
  }

  /** Nothing of it is found, and nobody can know that nothing lives. */
  gone(unproven = "nothing held it together"): this {
    return this.on({
      type: "stop.finished",
      epoch: this.state.epoch,
      proof: {
        containment: "group",
        rung: "sigkill",
        emptyScans: 2,
        durationMs: 5,
        evidence: "nothing found",
        unproven,
      },
    });
  }

  judged(ok = true): this {
    return this.on({
      type: "judge.finished",
      missionId: this.state.mission?.missionId ?? "",
      verdict: aVerdict(ok),
    });
  }
}

export function handleOf(state: CloneState): InstanceHandle {
  return {
    driver: "fake",
    clone: state.name,
    epoch: state.epoch,
    nonce: state.instance?.nonce ?? "none",
    containment: "pidns",
    data: {},
  };
}

export function aReport(type: ReportType, change: Partial<Report> = {}): Report {
  return {
    type,
    seq: 1,
    missionId: null,
    summary: "",
    artifacts: [],
    llmCalls: null,
    costMicros: null,
    detail: {},
    ...change,
  };
}

export function aVerdict(ok: boolean): Verdict {
  return {
    outputs: [
      {
        path: "out.json",
        ok,
        sha256: "0".repeat(64),
        bytes: 2,
        schema: null,
        problems: ok ? [] : ["it is missing"],
      },
    ],
    criteria: [
      {
        id: "done",
        text: "it is done",
        state: ok ? "met" : "unmet",
        check: {
          command: ["true"],
          exitCode: ok ? 0 : 1,
          timedOut: false,
          durationMs: 1,
          logSha256: "0".repeat(64),
          tail: "",
        },
      },
    ],
    keptAt: "artifacts/m",
  };
}
