import type { MissionEnvelope } from "../../api/envelope.ts";
import { limitsInForce } from "../../core/clone/spending/raise.ts";
import { windowAt } from "../../core/clone/start/window.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { Instant } from "../../core/model/time.ts";
import { buildEnvelope, type EnvelopeResult } from "../../resolve/envelope.ts";

/**
 * Who an envelope is made out to. `instance`: the living one. `next`: the epoch that comes next, before anything of
 * it is on record; the gate of a start looks at that one, and the in-core lane gets it, because no instance of ours stands behind it.
 */
export type Addressee = "instance" | "next";

export interface EnvelopeContext {
  readonly installation: string;
  readonly callbackUrl: string;
}

/** Stands where an instance's nonce would, as long as there is none. */
const NO_NONCE = "0".repeat(32);

/**
 * The dispatch payload (runbook 4.1), made in this one place: what the gate has looked at is what is dispatched, but for the
 * addressee. Made from the record alone, so a repeated dispatch is the same payload.
 *
 * Throws `envelope/nothing-to-dispatch` without a mission or an instance, and `envelope/invalid` where its schema is not satisfied.
 */
export function envelopeFor(
  state: CloneState,
  addressee: Addressee,
  context: EnvelopeContext,
): MissionEnvelope {
  const result = build(state, addressee, context);
  if (result === null) {
    throw new FactoryError(
      "envelope/nothing-to-dispatch",
      "crash",
      `${state.name} has no mission or no instance to dispatch to`,
    );
  }
  if (result.ok) return result.envelope;
  throw new FactoryError("envelope/invalid", "stall", result.issues.map((issue) => issue.message).join("; "));
}

/** What is wrong with the envelope that would be dispatched, before an epoch is used up for it. */
export function envelopeIssues(state: CloneState, context: EnvelopeContext): readonly string[] {
  const result = build(state, "next", context);
  if (result === null) return ["there is no mission"];
  return result.ok ? [] : result.issues.map((issue) => `${issue.field ?? "envelope"}: ${issue.message}`);
}

interface Address {
  readonly epoch: number;
  readonly nonce: string;
  readonly createdAt: Instant;
}

function addressOf({ mission, instance, epoch }: CloneState, addressee: Addressee): Address | null {
  if (mission === null) return null;
  if (addressee === "next") return { epoch: epoch + 1, nonce: NO_NONCE, createdAt: mission.assignedAt };
  if (instance === null) return null;
  return { epoch: instance.epoch, nonce: instance.nonce, createdAt: instance.plannedAt };
}

/** Null: there is nothing to dispatch, or no instance to dispatch it to. */
function build(state: CloneState, addressee: Addressee, context: EnvelopeContext): EnvelopeResult | null {
  const { mission } = state;
  const address = addressOf(state, addressee);
  if (mission === null || address === null) return null;
  const window = mission.limits.autonomy_window;
  const opening =
    window?.type === "recurring"
      ? { opening: { startAt: null, endAt: windowAt(window, address.createdAt).changesAt } }
      : {};
  const { missionId, name, revision, contract, contractHash, labels, traceId } = mission;
  return buildEnvelope({
    mission: { missionId, name, revision, contract, contractHash, labels, limits: limitsInForce(mission) },
    clone: { name: state.name, approvalRequired: state.spec?.approvalRequired ?? [] },
    ...context,
    ...address,
    traceId,
    ...opening,
  });
}
