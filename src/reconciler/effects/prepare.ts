import type { CloneState } from "../../core/model/clone-state.ts";
import type { StartGate } from "../../core/model/condition.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Secrets } from "../../ports/secrets.ts";
import type { Approvals } from "../approvals/approvals.ts";
import { contractApproved } from "../approvals/start-gate.ts";
import type { ResolvedRevisions } from "../source/resolved-revisions.ts";
import type { CallbackUrl } from "./effect.ts";
import { envelopeIssues } from "./envelope.ts";

export interface PrepareParts {
  readonly drivers: ReadonlyMap<string, Driver>;
  readonly secrets: Secrets;
  readonly approvals: Pick<Approvals, "inForce" | "judge" | "subjectsAt">;
  readonly desired: () => DesiredState | null;
  readonly revisions: ResolvedRevisions;
  readonly installation: string;
  readonly callbackUrl: CallbackUrl;
}

/**
 * Gates 3.1 to 3.4 and 4.1: baseline and overlays are on disk with the digest
 * that was reviewed, every secret resolves, the envelope is valid. Later gates
 * need a living instance and are answered by its shim.
 */
export async function prepare(
  state: CloneState,
  parts: PrepareParts,
  signal: AbortSignal,
): Promise<readonly StartGate[]> {
  const at = parts.revisions.now();
  // First of all: nothing is made ready, and no secret is looked up, for what nobody has approved.
  const approved = await contractApproved(state, { ...parts, at }, signal);
  if (!approved.ok) return [approved];
  // Each of them waits for something else, and none for another.
  const [layers, secrets, machine] = await Promise.all([
    applyLayers(state, parts, signal),
    verifySecrets(state, parts, signal),
    refuseFullMachine(state, parts, at),
  ]);
  return [
    approved,
    ...layers,
    secrets,
    validateEnvelope(state, parts, at),
    ...refuseUnknownDriver(state, parts, at),
    ...machine,
  ];
}

/** Without its driver an instance can neither be started nor, worse, be proven dead. */
function refuseUnknownDriver(state: CloneState, parts: PrepareParts, at: number): StartGate[] {
  const name = state.spec?.runtime.driver;
  if (name === undefined || parts.drivers.has(name)) return [];
  const offered = [...parts.drivers.keys()].join(", ") || "none";
  const evidence = `this controller has no driver named ${name}; it has ${offered}`;
  return [{ type: "KillSwitchArmed", ok: false, reason: "DriverMissing", evidence, at }];
}

/** Found out before an epoch is used up, and tried again as long as it lasts: it is not the clone that fails. */
async function refuseFullMachine(state: CloneState, parts: PrepareParts, at: number): Promise<StartGate[]> {
  const evidence = (await parts.drivers.get(state.spec?.runtime.driver ?? "")?.obstacle?.()) ?? null;
  return evidence === null
    ? []
    : [{ type: "KillSwitchArmed", ok: false, reason: "MachineNotReady", evidence, at }];
}

const NO_DRIVER = "there is no driver on whose machine the workspace would be made";

async function applyLayers(
  state: CloneState,
  parts: PrepareParts,
  signal: AbortSignal,
): Promise<StartGate[]> {
  const { spec } = state;
  const at = parts.revisions.now();
  const both = (ok: boolean, reason: string, baseline: string, overlays: string): StartGate[] => [
    { type: "BaselineApplied", ok, reason, evidence: baseline, at },
    { type: "OverlayApplied", ok, reason, evidence: overlays, at },
  ];
  if (spec === null) return both(false, "NotDeclared", "no declaration", "no declaration");
  try {
    const materials = await parts.revisions.materials(state, signal);
    const driver = parts.drivers.get(spec.runtime.driver);
    // The gate about the driver says why.
    if (driver === undefined) return both(false, "NotApplied", NO_DRIVER, NO_DRIVER);
    const { digest } = await driver.workspaces.materialise({ clone: state.name, ...materials }, signal);
    if (digest !== spec.workspaceDigest) {
      const text = `the workspace has digest ${digest}, ${spec.workspaceDigest} was reviewed`;
      return both(false, "DigestDiffers", text, text);
    }
    const overlays = spec.overlays.length === 0 ? "no overlays" : spec.overlays.join(", ");
    return both(
      true,
      "Applied",
      `${spec.baseline.name}@${spec.baseline.version}, workspace ${digest}`,
      `${overlays}, lock file ${digest}`,
    );
  } catch (error) {
    const failure = asFactoryError(error);
    return both(false, "NotApplied", failure.message, failure.message);
  }
}

async function verifySecrets(
  state: CloneState,
  parts: PrepareParts,
  signal: AbortSignal,
): Promise<StartGate> {
  const at = parts.revisions.now();
  const refs = state.spec?.secrets ?? [];
  const { missing } = await parts.secrets.resolve(refs, signal);
  return {
    type: "SecretsVerified",
    ok: missing.length === 0,
    reason: missing.length === 0 ? "Resolved" : "SecretMissing",
    evidence:
      missing.length === 0
        ? `${refs.length} of ${refs.length} references resolve`
        : missing.map(({ name, problem }) => `${name}: ${problem}`).join("; "),
    at,
  };
}

function validateEnvelope(state: CloneState, parts: PrepareParts, at: number): StartGate {
  const problems = envelopeProblems(state, parts);
  return {
    type: "EnvelopeValid",
    ok: problems.length === 0,
    reason: problems.length === 0 ? "SchemaSatisfied" : "EnvelopeInvalid",
    evidence:
      problems.length === 0
        ? `mission ${state.mission?.missionId ?? ""}, contract ${state.mission?.contractHash ?? ""}`
        : problems.join("; "),
    at,
  };
}

function envelopeProblems(
  state: CloneState,
  { drivers, installation, callbackUrl }: PrepareParts,
): readonly string[] {
  const driver = drivers.get(state.spec?.runtime.driver ?? "");
  if (driver === undefined) return [NO_DRIVER];
  try {
    return envelopeIssues(state, { installation, callbackUrl: callbackUrl(driver) });
  } catch (error) {
    return [asFactoryError(error).message];
  }
}
