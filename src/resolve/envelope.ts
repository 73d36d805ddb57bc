import { MissionEnvelope } from "../api/envelope.ts";
import type { DesiredClone } from "../core/model/clone.ts";
import type { Issue } from "../core/model/issue.ts";
import type { AutonomyWindow, DesiredMission } from "../core/model/mission.ts";
import { type Instant, iso } from "../core/model/time.ts";
import { dotted } from "../documents/positions.ts";
import { describe, valueAt } from "../documents/schema/explain.ts";

export interface EnvelopeInput {
  readonly mission: DesiredMission;
  readonly clone: Pick<DesiredClone, "name" | "approvalRequired">;
  readonly epoch: number;
  readonly nonce: string;
  readonly installation: string;
  readonly callbackUrl: string;
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  readonly createdAt: Instant;
  /** The opening of a recurring window in which it is dispatched; left out, the envelope has no bounds then. */
  readonly opening?: { readonly startAt: Instant | null; readonly endAt: Instant | null };
}

export type EnvelopeResult =
  | { readonly ok: true; readonly envelope: MissionEnvelope }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Gate 4.1: makes the mission envelope and validates it against its schema. Depends on its arguments alone. */
export function buildEnvelope(input: EnvelopeInput): EnvelopeResult {
  const { mission, clone, epoch } = input;
  const { contract, limits } = mission;
  const session = `${clone.name}/${epoch}`;
  const envelope: MissionEnvelope = {
    mission_id: mission.missionId,
    vp_id: clone.name,
    vp_session_id: session,
    vp_runtime_id: input.nonce,
    source_instance_id: input.installation,
    target_instance_id: session,
    mission_type: contract.mission_type,
    objective: contract.objective,
    constraints: {
      allowed_tools: contract.constraints.allowed_tools,
      forbidden_tools: contract.constraints.forbidden_tools,
      approval_required: [
        ...new Set([...contract.constraints.approval_required, ...clone.approvalRequired]),
      ].sort(),
    },
    budget: limits.budget,
    autonomy_window: windowOf(limits.autonomy_window, input.opening),
    heartbeat_interval_seconds: limits.heartbeat_interval_seconds,
    report_cadence: limits.report_cadence,
    // How a criterion is judged is not the clone's business: it cannot mark its own homework.
    success_criteria: contract.success_criteria.map(({ id, text }) => ({ id, text })),
    artifact_policy: {
      // As with criteria: what an output may do to its judge is not the clone's business.
      required_outputs: contract.artifact_policy.required_outputs.map(({ path, schema }) =>
        schema === undefined ? { path } : { path, schema },
      ),
      storage_scope: contract.artifact_policy.storage_scope,
    },
    callback: { status_url: input.callbackUrl, auth_mode: "bearer", auth_ref: `instance:${session}` },
    idempotency_key: `${mission.missionId}/${epoch}`,
    trace_id: input.traceId,
    created_at: iso(input.createdAt),
  };
  const verdict = MissionEnvelope.safeParse(envelope);
  if (verdict.success) return { ok: true, envelope };
  return {
    ok: false,
    issues: verdict.error.issues.map((issue): Issue => {
      const path = issue.path.map((step) => (typeof step === "number" ? step : String(step)));
      const found = valueAt(envelope, path);
      return {
        severity: "error",
        reason: "EnvelopeInvalid",
        file: `missions/${mission.name}.yaml`,
        field: dotted(path),
        message: `the mission envelope is not valid: ${issue.message}`,
        ...(found === undefined ? {} : { found: describe(found, path) }),
      };
    }),
  };
}

function windowOf(
  window: AutonomyWindow | null,
  opening: EnvelopeInput["opening"],
): MissionEnvelope["autonomy_window"] {
  const span = opening ?? (window?.type === "fixed" ? window : { startAt: null, endAt: null });
  return {
    start_at: span.startAt === null ? null : iso(span.startAt),
    end_at: span.endAt === null ? null : iso(span.endAt),
  };
}
