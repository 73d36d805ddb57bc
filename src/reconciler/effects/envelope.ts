import type { MissionEnvelope } from "../../api/envelope.ts";
import { limitsInForce } from "../../core/clone/spending/raise.ts";
import { windowAt } from "../../core/clone/start/window.ts";
import type { CloneState, MissionState } from "../../core/model/clone-state.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { DesiredMission } from "../../core/model/mission.ts";
import { buildEnvelope, type EnvelopeResult } from "../../resolve/envelope.ts";

export interface EnvelopeContext {
  readonly installation: string;
  readonly callbackUrl: string;
}

/** The dispatch payload for the living instance (runbook 4.1). Made from the record alone: a repeated dispatch is the same payload. */
export function envelopeFor(state: CloneState, context: EnvelopeContext): MissionEnvelope {
  const { mission, instance } = state;
  if (mission === null || instance === null) {
    throw new FactoryError(
      "envelope/nothing-to-dispatch",
      "crash",
      `${state.name} has no mission or no instance to dispatch to`,
    );
  }
  const result = build(state, mission, {
    ...context,
    epoch: instance.epoch,
    nonce: instance.nonce,
    createdAt: instance.plannedAt,
  });
  if (result.ok) return result.envelope;
  throw new FactoryError("envelope/invalid", "stall", result.issues.map((issue) => issue.message).join("; "));
}

/** The same contract for Simone's own runtime: no instance of ours stands behind it, and nothing calls back to us. */
export function envelopeForInCore(state: CloneState, context: EnvelopeContext): MissionEnvelope {
  if (state.mission === null)
    throw new FactoryError("envelope/nothing-to-dispatch", "crash", `${state.name} has no mission`);
  const result = build(state, state.mission, {
    ...context,
    epoch: state.epoch + 1,
    nonce: NO_INSTANCE,
    createdAt: state.mission.assignedAt,
  });
  if (result.ok) return result.envelope;
  throw new FactoryError("envelope/invalid", "stall", result.issues.map((issue) => issue.message).join("; "));
}

const NO_INSTANCE = "0".repeat(32);

/** What is wrong with the envelope that would be dispatched, before an epoch is used up for it. */
export function envelopeIssues(state: CloneState, context: EnvelopeContext): readonly string[] {
  if (state.mission === null) return ["there is no mission"];
  const trial = {
    ...context,
    epoch: state.epoch + 1,
    nonce: NO_INSTANCE,
    createdAt: state.mission.assignedAt,
  };
  const result = build(state, state.mission, trial);
  return result.ok ? [] : result.issues.map((issue) => `${issue.field ?? "envelope"}: ${issue.message}`);
}

interface BuildContext extends EnvelopeContext {
  readonly epoch: number;
  readonly nonce: string;
  readonly createdAt: number;
}

function build(state: CloneState, mission: MissionState, context: BuildContext): EnvelopeResult {
  const desired: DesiredMission = {
    missionId: mission.missionId,
    name: mission.name,
    revision: mission.revision,
    contract: mission.contract,
    contractHash: mission.contractHash,
    limits: limitsInForce(mission),
    labels: mission.labels,
  };
  const window = mission.limits.autonomy_window;
  const opening =
    window?.type === "recurring"
      ? { startAt: null, endAt: windowAt(window, context.createdAt).changesAt }
      : null;
  return buildEnvelope({
    mission: desired,
    clone: { name: state.name, approvalRequired: state.spec?.approvalRequired ?? [] },
    ...context,
    traceId: mission.traceId,
    ...(opening === null ? {} : { opening }),
  });
}
